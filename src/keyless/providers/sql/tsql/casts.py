"""CAST, CONVERT and their TRY_ forms.

Owns which conversion stands for which. No I/O.
Source: Transact-SQL reference, "CAST and CONVERT", "TRY_CAST", "TRY_CONVERT".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql import types
from keyless.providers.sql.tsql.plan import Methods, kind_of, syntax, unsupported
from keyless.providers.sql.types import Kind

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.parts import Parts
    from keyless.providers.sql.tsql.writer import Writer

_MOMENTS = {Kind.DATE, Kind.TIME, Kind.SMALLDATETIME, Kind.DATETIME, Kind.DATETIME2, Kind.DATETIMEOFFSET}


def cast(writer: Writer, value: exp.Expr, to: exp.Expr, style: exp.Expr | None = None, safe: bool = False) -> str:
    """CAST, CONVERT and their TRY_ forms."""
    written = written_type(writer.parts, to)
    target = types.postgres(written, 30)
    kind = written.kind
    number = _whole(writer, style)
    if safe:
        return _tried(writer, value, target, style)
    if kind in types.TEXTS:
        length = types.sized(written, 30).length
        if number:
            return f"tsql.cut(tsql.styled({point(writer, value)}, {number}), {length or 8000})::{target}"
        if isinstance(value, exp.Null):
            return f"NULL::{target}"
        return f"tsql.cut({writer(value)}, {length})::{target}" if length else f"tsql.str({writer(value)})::{target}"
    if kind in types.BINARIES and number in {"1", "2"}:
        return f"tsql.from_hex({writer(value)}, {number})::{target}"
    if kind in types.BINARIES and number is None:
        return f"({to_bytes(writer, value)})::{target}"
    if kind in _MOMENTS and (number or kind is not Kind.DATETIMEOFFSET):
        when = f"tsql.from_styled({writer(value)}, {number})" if number else f"tsql.ts({point(writer, value)})"
        if kind is Kind.DATETIME:
            return f"tsql.to_datetime(tsql.since_1753({when}))"
        return f"({when})::{target}"
    if number:
        raise unsupported(f"CONVERT to {kind.value} with style {number}")
    return f"({writer(value)})::{target}"


def to_type(sql: str, written: types.Written) -> str:
    """Text that is written already, as another type."""
    target = types.postgres(written)
    if written.kind is Kind.DATETIME:
        return f"tsql.to_datetime(tsql.ts({sql}))"
    return f"({sql})::{target}"


def to_bytes(writer: Writer, value: exp.Expr) -> str:
    """A value on its way to a binary type: whether a text is of one or of two bytes, only a constant shows."""
    if isinstance(value, exp.Literal) and value.is_string:
        return f"'\\x{writer.parts(value).name.encode('cp1252', 'replace').hex()}'::tsql.varbinary"
    if isinstance(value, exp.National):
        return f"'\\x{writer.parts(value).name.encode('utf-16-le').hex()}'::tsql.varbinary"
    return writer(value)


def point(writer: Writer, value: exp.Expr) -> str:
    """What should be a point in time."""
    return "NULL::timestamp" if isinstance(value, exp.Null) else writer(value)


def _tried(writer: Writer, value: exp.Expr, target: str, style: exp.Expr | None) -> str:
    name = target.split("(", maxsplit=1)[0]
    if style is not None or name not in {
        "int2",
        "int4",
        "int8",
        "numeric",
        "float4",
        "float8",
        "date",
        "time",
        "timestamp",
        "uuid",
    }:
        raise unsupported(f"TRY_CAST to {name.removeprefix('tsql.')}")
    return f"(tsql.try_{name}({writer(value)}))::{target}"


def _convert(writer: Writer, node: Parts) -> str:
    return cast(writer, node.expression, node.this, node.args.get("style"), bool(node.args.get("safe")))


def written_type(parts: Callable[[exp.Expr], Parts], node: exp.Expr) -> types.Written:
    """A type that sqlglot has read."""
    if not isinstance(node, exp.DataType) or node.args.get("nested"):
        raise unsupported(kind_of(node))
    data_type = parts(node)
    names = {"UUID": "uniqueidentifier", "DOUBLE": "float", "UTINYINT": "tinyint", "TIMESTAMP": "rowversion",
             "TIMESTAMPTZ": "datetimeoffset", "BIT": "bit", "BOOLEAN": "bit"}  # fmt: skip
    kind = data_type.this.value if isinstance(node.this, exp.DType) else str(data_type.this)
    if node.this is exp.DType.USERDEFINED:
        kind = data_type.text("kind")
    measures: list[int | None] = []
    for part in data_type.expressions:
        word = parts(part).name
        if word.upper() == "MAX":
            measures.append(None)
        elif word.isdigit():
            measures.append(int(word))
        else:
            raise syntax(word)
    return types.named(names.get(kind, kind), tuple(measures))


def _whole(writer: Writer, node: exp.Expr | None) -> str | None:
    if node is None:
        return None
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
        return writer.parts(node).name
    raise unsupported("A style that is not a number")


METHODS: Methods = {
    exp.Cast: lambda w, n: cast(w, n.this, n.args["to"]),
    exp.TryCast: lambda w, n: cast(w, n.this, n.args["to"], safe=True),
    exp.Convert: _convert,
}

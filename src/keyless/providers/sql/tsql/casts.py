"""CAST, CONVERT and their TRY_ forms.

Owns which conversion stands for which. No I/O.
Source: Transact-SQL reference, "CAST and CONVERT", "TRY_CAST", "TRY_CONVERT".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql import types
from keyless.providers.sql.tsql.plan import Methods, kind_of, syntax, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.parts import Parts
    from keyless.providers.sql.tsql.writer import Writer


def cast(writer: Writer, value: exp.Expr, to: exp.Expr, style: exp.Expr | None = None, safe: bool = False) -> str:
    """CAST, CONVERT and their TRY_ forms."""
    written = written_type(writer, to)
    target = types.postgres(written)
    kind = written.kind
    number = _whole(writer, style)
    if safe:
        return _tried(writer, value, target, style)
    if kind in types.TEXTS:
        length = written.measure(30)
        if kind.value in {"char", "nchar"}:
            raise unsupported(f"A cast to {kind.value}, which pads with blanks,")
        if number:
            return f"tsql.cut(tsql.styled(tsql.ts({writer(value)}), {number}), {length or 8000})"
        if isinstance(value, exp.Null):
            return "NULL::tsql.citext"
        return f"tsql.cut({writer(value)}, {length})" if length else f"tsql.str({writer(value)})"
    if target.startswith(("date", "timestamp", "time(", "tsql.datetime")):
        when = f"tsql.from_styled({writer(value)}, {number})" if number else f"tsql.ts({point(writer, value)})"
        if kind.value == "datetime":
            return f"tsql.to_datetime({when})"
        return f"({when})::{target}"
    if number:
        raise unsupported(f"CONVERT to {kind.value} with style {number}")
    if target == "bytea":
        raise unsupported(f"A cast to {kind.value}")
    return f"({writer(value)})::{target}"


def to_type(sql: str, written: types.Written) -> str:
    """Text that is written already, as another type."""
    target = types.postgres(written)
    if written.kind in types.TEXTS:
        length = written.measure(1)
        return f"tsql.cut({sql}, {length})" if length else sql
    if written.kind.value == "datetime":
        return f"tsql.to_datetime(tsql.ts({sql}))"
    return f"({sql})::{target}"


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


def written_type(writer: Writer, node: exp.Expr) -> types.Written:
    """A type that sqlglot has read."""
    if not isinstance(node, exp.DataType) or node.args.get("nested"):
        raise unsupported(kind_of(node))
    data_type = writer.parts(node)
    names = {"UUID": "uniqueidentifier", "DOUBLE": "float", "UTINYINT": "tinyint", "TIMESTAMP": "rowversion",
             "TIMESTAMPTZ": "datetimeoffset", "BIT": "bit", "BOOLEAN": "bit"}  # fmt: skip
    kind = data_type.this.value if isinstance(node.this, exp.DType) else str(data_type.this)
    if kind == "USERDEFINED":
        kind = data_type.text("kind")
    measures: list[int | None] = []
    for part in data_type.expressions:
        word = writer.parts(part).name
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

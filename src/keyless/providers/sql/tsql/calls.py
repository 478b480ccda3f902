"""Function calls: the allow-list applied, aggregates, windows.

Owns their shape; the list itself is in `functions`. No I/O.
Source: Transact-SQL reference, "Functions", "OVER Clause".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import casts
from keyless.providers.sql.tsql.functions import AGGREGATES, FUNCTIONS, PARTS, RANKINGS, Form
from keyless.providers.sql.tsql.metadata import METADATA
from keyless.providers.sql.tsql.more_functions import HASHES, MORE
from keyless.providers.sql.tsql.names import relation, text
from keyless.providers.sql.tsql.plan import Methods, kind_of, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.parts import Parts
    from keyless.providers.sql.tsql.writer import Writer

# what compares texts, and its other form for a collation that tells capitals from small letters
_EXACTLY = {
    'tsql."charindex"': "tsql.charindex_exactly",
    'tsql."patindex"': "tsql.patindex_exactly",
    'tsql."substituted"': "tsql.substituted_exactly",
}
_GIVE_JSON = {"JSON_QUERY", "JSON_ARRAY", "JSON_MODIFY"}


def _anonymous(writer: Writer, node: Parts) -> str:
    name = node.name.upper()
    arguments = node.expressions
    if name in {"COUNT", "COUNT_BIG"}:
        kind = "int4" if name == "COUNT" else "int8"
        return f"(count({_counted(writer, arguments)}))::{kind}"
    if name in AGGREGATES:
        return AGGREGATES[name].format(_counted(writer, arguments))
    if name == "COALESCE" and len(arguments) >= 2:
        return f"COALESCE({writer.many(arguments)})"
    if name == "IIF" and len(arguments) == 3:
        return f"CASE WHEN {writer(arguments[0])} THEN {writer(arguments[1])} ELSE {writer(arguments[2])} END"
    if name == "CONCAT" and len(arguments) >= 2:
        # its own concat is not immutable, because it takes all types
        joined = " || ".join(f"coalesce(({writer.text(part)})::text, '')" for part in arguments)
        return f"({joined})::tsql.citext"
    if name == "CONCAT_WS" and len(arguments) >= 3:
        return f"pg_catalog.concat_ws({', '.join(writer.text(part) for part in arguments)})::tsql.citext"
    if name == "CHOOSE" and len(arguments) >= 2:
        whens = "".join(f" WHEN {number} THEN {writer(part)}" for number, part in enumerate(arguments[1:], 1))
        return f"CASE ({writer(arguments[0])})::int4{whens} END"
    if name in {"GREATEST", "LEAST"} and arguments:
        return f"{name}({writer.many(arguments)})"
    if name == "POWER" and len(arguments) == 2:
        return f"tsql.power({writer.many(arguments)})"
    if name == "DATALENGTH" and len(arguments) == 1:
        return _length(writer, arguments[0])
    if name == "HASHBYTES" and len(arguments) == 2:
        return _hashed(writer, *arguments)
    if name == "JSON_ARRAY":
        items = ", ".join(f"nullif({json_value(writer, part)}, 'null')" for part in arguments)
        return f"('[' || concat_ws(',', {items or 'NULL'}) || ']')::tsql.citext"
    if name == "GROUPING" and len(arguments) == 1:
        return f"GROUPING({writer(arguments[0])})::tsql.tinyint"
    if name == "GROUPING_ID" and arguments:
        return f"GROUPING({writer.many(arguments)})"
    forms = MORE.get(name) or FUNCTIONS.get(name) or METADATA.get(name)
    if forms is None:
        raise SqlError(
            195, f"'{node.name}' is not a recognized built-in function name, or not a supported one.", severity=15
        )
    for form in forms:
        if len(form.kinds) == len(arguments):
            return called(writer, form, arguments)
    counts = " or ".join(str(len(form.kinds)) for form in forms)
    raise SqlError(174, f"The {name.lower()} function requires {counts} argument(s).", severity=15)


def called(writer: Writer, form: Form, arguments: Sequence[exp.Expr]) -> str:
    """A function with its arguments."""
    if form.sql.startswith(("@", "@@")):
        return writer.place(form.sql)
    written = []
    for kind, argument in zip(form.kinds, arguments, strict=True):
        if kind == "s":
            written.append(writer.text(argument))
        elif kind == "t":
            written.append(f"tsql.ts({casts.point(writer, argument)})")
        elif kind == "j":
            written.append(json_value(writer, argument))
        elif kind in {"d", "e"}:
            word = writer.parts(argument).name if isinstance(argument, (exp.Column, exp.Var)) else "?"
            part = PARTS.get(word.lower())
            if part is None:
                raise SqlError(155, f"'{word}' is not a recognized datepart option.", severity=15)
            if kind == "e" and part == "iso_week":
                raise SqlError(9810, "The datepart iso_week is not supported by this date function.", severity=15)
            written.append(f"'{part}'")
        else:
            written.append(writer(argument))
    sql = form.sql
    if any(is_exact(argument) for argument in arguments):
        sql = next((sql.replace(plain, exactly) for plain, exactly in _EXACTLY.items() if plain in sql), sql)
    return sql.format(*written)


def is_exact(node: exp.Expr) -> bool:
    """Whether COLLATE asks of a text that capitals are told from small letters."""
    inside = node.unnest()
    name = inside.expression.name.upper() if isinstance(inside, exp.Collate) else ""
    return "_CS_" in name or name.endswith(("_BIN", "_BIN2"))


def _length(writer: Writer, node: exp.Expr) -> str:
    """DATALENGTH: texts are UTF-8 here, so what is known to be of two bytes for a character is counted as UTF-16."""
    inside = node.unnest()
    wide = isinstance(inside, exp.National) or (
        isinstance(inside, exp.Cast) and inside.args["to"].this in {exp.DType.NCHAR, exp.DType.NVARCHAR}
    )
    return f"tsql.datalength_wide({writer.text(node)})" if wide else f"tsql.datalength({writer(node)})"


def json_value(writer: Writer, node: exp.Expr) -> str:
    """A value as JSON writes it; what is JSON already stays what it is."""
    if isinstance(node, exp.Null):
        writer(node)
        return "'null'"
    if gives_json(node):
        return f"coalesce({writer(node)}::text, 'null')"
    return f"tsql.json_of({writer(node)})"


def gives_json(node: exp.Expr) -> bool:
    """Whether an expression is a text in JSON, by what it is made with."""
    inside = node.unalias()
    while isinstance(inside, (exp.Subquery, exp.Paren)):
        inside = inside.this
    if isinstance(inside, exp.Select) and (clause := inside.args.get("for_")):
        return str(clause.args.get("kind")).upper() == "JSON"
    return isinstance(inside, exp.JSONObject) or (
        isinstance(inside, exp.Anonymous) and inside.name.upper() in _GIVE_JSON
    )


def _json_object(writer: Writer, node: Parts) -> str:
    nulls = (node.args.get("null_handling") or "").upper() != "ABSENT ON NULL"
    members = []
    for pair in node.expressions:
        parts = writer.parts(pair)
        if not isinstance(pair, exp.JSONKeyValue):
            raise unsupported(kind_of(pair))
        value = json_value(writer, parts.expression)
        key = f"tsql.json_of({writer.text(parts.this)}) || ':' || "
        members.append(key + (value if nulls else f"nullif({value}, 'null')"))
    return f"('{{' || concat_ws(',', {', '.join(members) or 'NULL'}) || '}}')::tsql.citext"


def _hashed(writer: Writer, kind: exp.Expr, value: exp.Expr) -> str:
    if not isinstance(kind, (exp.Literal, exp.National)) or kind.name.upper() not in HASHES:
        raise unsupported(f"HASHBYTES with other algorithms than {', '.join(sorted(HASHES))}")
    return f"tsql.hashbytes({writer(kind)}, {casts.to_bytes(writer, value)}::bytea)"


def _trim(writer: Writer, node: Parts) -> str:
    side = (node.args.get("position") or "BOTH").upper()
    if node.expression is None:
        return f'tsql."trim"({writer.text(node.this)})' if side == "BOTH" else ""
    return f"tsql.trimmed({writer.text(node.this)}, {writer.text(node.expression)}, '{side}')"


def _counted(writer: Writer, arguments: Sequence[exp.Expr]) -> str:
    if len(arguments) != 1:
        raise SqlError(174, "The function requires 1 argument(s).", severity=15)
    only = arguments[0]
    if isinstance(only, exp.Distinct) and len(only.expressions) == 1:
        return f"DISTINCT {writer(writer.parts(only).expressions[0])}"
    return writer(only)


def _joined(writer: Writer, node: Parts) -> str:
    inner, order = node.this, ""
    if isinstance(inner, exp.Order):
        parts = writer.parts(inner)
        order, inner = " ORDER BY " + writer.many(parts.expressions), parts.this
    return f"tsql.string_agg({writer.text(inner)}, {writer.text(node.args['separator'])}{order})"


def _window(writer: Writer, node: Parts) -> str:
    inside = node.this
    name = inside.name.upper() if isinstance(inside, exp.Anonymous) else ""
    suffix = ""
    if name in RANKINGS:
        arguments = writer.parts(inside).expressions
        writer.parts(inside).args.get("this")
        if len(arguments) not in RANKINGS[name]:
            raise SqlError(174, f"The {name.lower()} function has a wrong number of arguments.", severity=15)
        called = f"pg_catalog.{name.lower()}({writer.many(arguments)})"
    elif name in AGGREGATES or name in {"COUNT", "COUNT_BIG"}:
        called = writer(inside)
        if called.startswith("("):
            called, suffix = called[1 : called.rindex(")")], called[called.rindex(")") + 1 :]
    else:
        raise unsupported(f"{name or kind_of(inside)} OVER")
    parts = []
    if partition := node.args.get("partition_by"):
        parts.append(f"PARTITION BY {writer.many(partition)}")
    if order := node.args.get("order"):
        parts.append(writer(order).strip())
    if spec := node.args.get("spec"):
        parts.append(writer(spec))
    return f"({called} OVER ({' '.join(parts)})){suffix}"


def _spec(writer: Writer, node: Parts) -> str:
    def edge(which: str) -> str:
        value = node.args.get(which)
        side = (node.args.get(f"{which}_side") or "").upper()
        return f"{value if isinstance(value, str) else writer(value)} {side}".strip().upper()

    kind = str(node.args["kind"]).upper()
    return f"{kind} BETWEEN {edge('start')} AND {edge('end') if node.args.get('end') else 'CURRENT ROW'}"


def _next_value(writer: Writer, node: Parts) -> str:
    """NEXT VALUE FOR a sequence; its number is what the sequence was declared as."""
    if node.args.get("order"):
        raise unsupported("NEXT VALUE FOR … OVER")
    column = writer.parts(node.this)
    if column.args.get("db"):
        raise SqlError(40515, "Reference to another database is not supported.")
    sequence = relation(column.name, column.text("table") or None)
    return f"pg_catalog.nextval({text(sequence)}::pg_catalog.regclass)"


METHODS: Methods = {
    exp.Trim: _trim,
    exp.JSONObject: _json_object,
    exp.AtTimeZone: lambda w, n: f"tsql.in_zone({w(n.this)}, {w.text(n.args['zone'])})",
    exp.NextValueFor: _next_value,
    exp.Anonymous: _anonymous,
    exp.GroupConcat: _joined,
    exp.Window: _window,
    exp.WindowSpec: _spec,
}

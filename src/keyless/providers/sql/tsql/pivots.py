"""PIVOT and UNPIVOT.

Owns how they become GROUP BY and VALUES. They need to know the columns of their source, so it has to be a subquery
whose list names them. No I/O.
Source: Transact-SQL reference, "FROM - Using PIVOT and UNPIVOT".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql.columns import result_names
from keyless.providers.sql.tsql.functions import AGGREGATES
from keyless.providers.sql.tsql.names import fold, quoted, text
from keyless.providers.sql.tsql.plan import unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.parts import Parts
    from keyless.providers.sql.tsql.writer import Writer

# what the parser works out for other databases from what is written
_WORKED_OUT = ("columns", "value_columns_first", "pivot_column_naming")


def written(writer: Writer, source: exp.Expr, sql: str, pivot: exp.Expr) -> str:
    """A source with PIVOT or UNPIVOT behind it."""
    parts = writer.parts(pivot)
    for key in _WORKED_OUT:
        for node in _nodes(parts.args.get(key)):
            writer.parts(node).args.get("this")
    (field,) = parts.args["fields"]
    inside = writer.parts(field)
    names = [writer.parts(column).name for column in inside.expressions]
    alias = parts.args.get("alias")
    if not isinstance(source, exp.Subquery) or alias is None:
        raise unsupported("PIVOT or UNPIVOT of what is not a subquery with an alias,")
    columns = [column for column in result_names(source) if column]
    if len(columns) != len(result_names(source)):
        raise unsupported("PIVOT or UNPIVOT of a subquery with * or with columns without names")
    make = _unpivoted if parts.args.get("unpivot") else _pivoted
    return f"({make(writer, parts, sql, columns, inside, names)}) AS {writer.aliased(alias)}"


def _pivoted(writer: Writer, parts: Parts, sql: str, columns: list[str], field: Parts, names: list[str]) -> str:
    (aggregate,) = parts.expressions
    call = writer.parts(aggregate)
    name = call.name.upper() if isinstance(aggregate, exp.Anonymous) else ""
    if name not in {*AGGREGATES, "COUNT"}:
        raise unsupported("PIVOT with this aggregate")
    (value,) = call.expressions
    used = {fold(writer.parts(value).name), fold(writer.parts(field.this).name)}
    kept = [quoted(column) for column in columns if fold(column) not in used]
    by = quoted(field.this.name)
    made = []
    for wanted in names:
        only = f"CASE WHEN tsql.str({by}) = {text(wanted)}::tsql.citext THEN {quoted(value.name)} END"
        written = f"(count({only}))::int4" if name == "COUNT" else AGGREGATES[name].format(only)
        made.append(f"{written} AS {quoted(wanted)}")
    grouped = f" GROUP BY {', '.join(kept)}" if kept else ""
    return f"SELECT {', '.join([*kept, *made])} FROM {sql}{grouped}"


def _unpivoted(writer: Writer, parts: Parts, sql: str, columns: list[str], field: Parts, names: list[str]) -> str:
    (value,) = parts.expressions
    value_name, of = writer.parts(value).args["this"], writer.parts(field.this).args["this"]
    gone = {fold(name) for name in names}
    kept = [quoted(column) for column in columns if fold(column) not in gone]
    rows = ", ".join(f"({text(name)}::tsql.citext, {quoted(name)})" for name in names)
    listed = ", ".join([*kept, f'"~u".{quoted(value_name)}', f'"~u".{quoted(of)}'])
    return (
        f'SELECT {listed} FROM {sql} CROSS JOIN LATERAL (VALUES {rows}) AS "~u" ({quoted(of)}, {quoted(value_name)})'
        f' WHERE "~u".{quoted(value_name)} IS NOT NULL'
    )


def _nodes(value: object) -> list[exp.Expr]:
    return [node for node in value if isinstance(node, exp.Expr)] if isinstance(value, list) else []

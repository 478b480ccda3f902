"""What a query reads from: tables, table functions, joins.

Owns their shape. No I/O.
Source: Transact-SQL reference, "FROM clause plus JOIN, APPLY, PIVOT", "Table hints".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql.metadata import SESSION_ROW, TABLE_FUNCTIONS
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import Methods, syntax, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.writer import Writer

_HINTS_THAT_CHANGE_NOTHING = {"NOLOCK", "READUNCOMMITTED", "READCOMMITTED", "ROWLOCK", "PAGLOCK"}


def _table(writer: Writer, node: exp.Expr) -> str:
    of_catalog = node.text("db").lower() in {"sys", "information_schema"}  # nothing is ever locked there
    for hint in node.args.get("hints") or []:
        for part in hint.expressions:
            if part.name.upper() not in _HINTS_THAT_CHANGE_NOTHING and not of_catalog:
                raise unsupported(f"The table hint {part.name.upper()}")
    alias = node.args.get("alias")
    if isinstance(node.this, exp.Anonymous):
        name = node.this.name.upper()
        if TABLE_FUNCTIONS.get(name) == len(node.this.expressions):
            listed = ", ".join(_argument(writer, part) for part in node.this.expressions)
            return f"tsql.{name.lower()}({listed}) AS {writer.aliased(alias) if alias else name.lower()}"
        if name != "STRING_SPLIT" or len(node.this.expressions) not in {2, 3}:
            raise unsupported(f"The table function {name}")
        arguments = [writer.text(part) for part in node.this.expressions[:2]]
        arguments += [f"({writer(part)})::int4" for part in node.this.expressions[2:]]
        return f"tsql.string_split({', '.join(arguments)}) AS {writer.aliased(alias) if alias else 'string_split'}"
    if of_catalog and node.name.lower() == "dm_exec_sessions":
        places = ", ".join(writer.place(name) for name in SESSION_ROW)
        return f"tsql.dm_exec_sessions({places}) AS {writer.aliased(alias) if alias else quoted(node.name)}"
    written = writer.table(node) if isinstance(node, exp.Table) else ""
    if alias is not None:
        return f"{written} AS {writer.aliased(alias)}"
    return written + (f" AS {quoted(node.name)}" if written.startswith("pg_temp.") is False else "")


def _argument(writer: Writer, node: exp.Expr) -> str:
    if isinstance(node, (exp.Column, exp.Var)) and node.name.upper() == "DEFAULT":
        return "NULL"
    return writer.text(node)


def _join(writer: Writer, node: exp.Expr) -> str:
    inside = node.this
    side, kind = (node.args.get("side") or "").upper(), (node.args.get("kind") or "").upper()
    if isinstance(inside, exp.Lateral):
        if "cross_apply" not in inside.args or not isinstance(inside.this, (exp.Subquery, exp.Anonymous)):
            raise unsupported("LATERAL")
        alias = inside.args.get("alias")
        name = writer.aliased(alias) if alias else ""
        body = (
            writer(exp.Table(this=inside.this, alias=alias))
            if isinstance(inside.this, exp.Anonymous)
            else f"{writer(inside.this)} AS {name}"
        )
        return f" CROSS JOIN LATERAL {body}" if inside.args["cross_apply"] else f" LEFT JOIN LATERAL {body} ON true"
    if side not in {"", "LEFT", "RIGHT", "FULL"} or kind not in {"", "INNER", "OUTER", "CROSS"}:
        raise unsupported(f"{side} {kind} JOIN")
    on = node.args.get("on")
    if on is None:
        if side or kind not in {"", "CROSS"}:
            raise syntax("JOIN")
        return f" CROSS JOIN {writer(inside)}"
    return f" {side or 'INNER'} JOIN {writer(inside)} ON {writer(on)}"


METHODS: Methods = {
    exp.Table: ({"this", "db", "catalog", "alias", "hints", "joins"}, _table),
    exp.Join: ({"this", "side", "kind", "on"}, _join),
}

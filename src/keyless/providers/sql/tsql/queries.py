"""Queries for PostgreSQL: SELECT and its clauses, set operations, VALUES.

Owns their shape. No I/O.
Source: Transact-SQL reference, "SELECT", "TOP", "ORDER BY Clause", "Set Operators".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.plan import Methods, syntax, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.writer import Writer

_SETS: dict[type[exp.Expr], str] = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}
_OPTIONS_THAT_CHANGE_NOTHING = {"RECOMPILE", "MAXDOP", "FAST", "OPTIMIZE FOR UNKNOWN", "KEEP PLAN", "KEEPFIXED PLAN"}


def _select(writer: Writer, node: exp.Expr) -> str:
    before = len(writer.common_names)
    common = writer.common(node.args.get("with_"))
    _options(writer, node)
    if node.args.get("distinct") is not None and node.args["distinct"].args.get("on"):
        raise unsupported("DISTINCT ON")
    distinct = "DISTINCT " if node.args.get("distinct") else ""
    body = f"SELECT {distinct}{writer.many(node.expressions)}"
    body += writer.source(node.args.get("from_"), node.args.get("joins") or [])
    for key, word in (("where", " WHERE "), ("having", " HAVING ")):
        if key == "having" and (group := node.args.get("group")):
            body += " GROUP BY " + writer(group)
        if part := node.args.get(key):
            body += word + writer(part.this)
    sql = common + _limited(writer, node, body)
    del writer.common_names[before:]
    return sql


def _limited(writer: Writer, node: exp.Expr, body: str) -> str:
    order = writer(node.args["order"]) if node.args.get("order") else ""
    offset = f" OFFSET {writer(node.args['offset'].expression)}" if node.args.get("offset") else ""
    limit = node.args.get("limit")
    if limit is None:
        return body + order + offset
    if isinstance(limit, exp.Fetch):
        ties = limit.args.get("limit_options")
        if not offset or (ties is not None and (ties.args.get("with_ties") or ties.args.get("percent"))):
            raise syntax("FETCH")
        return f"{body}{order}{offset} FETCH NEXT ({writer(limit.args['count'])}) ROWS ONLY"
    options = limit.args.get("limit_options")
    count = f"({writer(limit.expression)})::int8"
    if options is not None and options.args.get("percent"):
        count = f'(SELECT ceil(count(*) * ({count}) / 100.0)::int8 FROM ({body}) AS "~all")'
    if options is not None and options.args.get("with_ties"):
        if not order:
            raise SqlError(1062, "The TOP N WITH TIES clause is not allowed without a corresponding ORDER BY clause.")
        return f"{body}{order} FETCH FIRST ({count}) ROWS WITH TIES"
    return f"{body}{order} LIMIT {count}"


def _options(writer: Writer, node: exp.Expr) -> None:
    for option in node.args.get("options") or []:
        name = option.name.upper()
        if name not in _OPTIONS_THAT_CHANGE_NOTHING and not (
            name == "MAXRECURSION" and option.args.get("expression") is not None
        ):
            raise unsupported(f"OPTION ({name})")


def _set(writer: Writer, node: exp.Expr) -> str:
    before = len(writer.common_names)
    common = writer.common(node.args.get("with_"))
    _options(writer, node)
    every = "" if node.args.get("distinct") else " ALL"
    if every and not isinstance(node, exp.Union):
        raise unsupported(f"{_SETS[type(node)]} ALL")
    sides = [f"({writer(side)})" for side in (node.this, node.expression)]
    for part in node.args["order"].expressions if node.args.get("order") else ():
        if isinstance(part.this, exp.Column):
            part.this.set("table", None)  # the columns of the whole have no table
            part.this.set("db", None)
    sql = common + _limited(writer, node, f"{sides[0]} {_SETS[type(node)]}{every} {sides[1]}")
    del writer.common_names[before:]
    return sql


def _group(writer: Writer, node: exp.Expr) -> str:
    parts = [writer(part) for part in node.expressions]
    for key, word in (("rollup", "ROLLUP"), ("cube", "CUBE")):
        for part in node.args.get(key) or []:
            if not part.expressions:
                raise unsupported(f"GROUP BY … WITH {word}")
            parts.append(f"{word} ({writer.many(part.expressions)})")
    return ", ".join(parts)


def _order(writer: Writer, node: exp.Expr) -> str:
    if node.this is not None:
        raise unsupported("ORDER BY in a function's arguments")
    return " ORDER BY " + writer.many(node.expressions)


def _ordered(writer: Writer, node: exp.Expr) -> str:
    # NULL comes first in SQL Server, and last when descending
    return writer(node.this) + (" DESC NULLS LAST" if node.args.get("desc") else " ASC NULLS FIRST")


def _subquery(writer: Writer, node: exp.Expr) -> str:
    alias = node.args.get("alias")
    before = len(writer.common_names)
    common = writer.common(node.args.get("with_"))
    sql = f"({common}{writer(node.this)})" + (f" AS {writer.aliased(alias)}" if alias else "")
    del writer.common_names[before:]
    return sql


def _values(writer: Writer, node: exp.Expr) -> str:
    alias = node.args.get("alias")
    rows = ", ".join(_row(writer, row) for row in node.expressions)
    return f"(VALUES {rows}) AS {writer.aliased(alias)}" if alias else f"VALUES {rows}"


def _row(writer: Writer, row: exp.Expr) -> str:
    cells = row.expressions if isinstance(row, exp.Tuple) else [row.this if isinstance(row, exp.Paren) else row]
    return f"({', '.join('DEFAULT' if _is_default(cell) else writer(cell) for cell in cells)})"


def _is_default(node: exp.Expr) -> bool:
    return isinstance(node, exp.Var) and node.name.upper() == "DEFAULT"


_QUERY = {
    "with_", "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct",
    "options",
}  # fmt: skip
_COMBINED = {"with_", "this", "expression", "distinct", "order", "limit", "offset", "options"}
METHODS: Methods = {
    exp.Select: (_QUERY, _select),
    exp.Union: (_COMBINED, _set),
    exp.Except: (_COMBINED, _set),
    exp.Intersect: (_COMBINED, _set),
    exp.Group: ({"expressions", "rollup", "cube"}, _group),
    exp.Rollup: ({"expressions"}, lambda w, n: f"ROLLUP ({w.many(n.expressions)})"),
    exp.Cube: ({"expressions"}, lambda w, n: f"CUBE ({w.many(n.expressions)})"),
    exp.Order: ({"expressions", "this"}, _order),
    exp.Ordered: ({"this", "desc", "nulls_first"}, _ordered),
    exp.Subquery: ({"this", "alias", "with_"}, _subquery),
    exp.Values: ({"expressions", "alias"}, _values),
    exp.Tuple: ({"expressions"}, _row),
}

"""Queries for PostgreSQL: SELECT and its clauses, set operations, VALUES.

Owns their shape. No I/O.
Source: Transact-SQL reference, "SELECT", "TOP", "ORDER BY Clause", "Set Operators", "GROUP BY".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import common, formats, pivots, sources
from keyless.providers.sql.tsql.functions import AGGREGATES
from keyless.providers.sql.tsql.plan import Methods, syntax, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.parts import Parts
    from keyless.providers.sql.tsql.writer import Writer

_SETS: dict[type[exp.Expr], str] = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}
_OPTIONS_THAT_CHANGE_NOTHING = {
    "RECOMPILE", "MAXDOP", "FAST", "OPTIMIZE FOR UNKNOWN", "KEEP PLAN", "KEEPFIXED PLAN", "FORCE ORDER", "HASH JOIN",
    "LOOP JOIN", "MERGE JOIN", "HASH GROUP", "ORDER GROUP", "CONCAT UNION", "HASH UNION", "MERGE UNION", "EXPAND VIEWS",
    "ROBUST PLAN",
}  # fmt: skip
_DEEPEST = 32767


def _select(writer: Writer, node: Parts) -> str:
    if form := node.args.get("for_"):
        return formats.written(writer, node, form)
    return select(writer, node)


def select(writer: Writer, node: Parts, more: str = "") -> str:
    """A SELECT, with more behind the columns of its list."""
    _options(writer, node)
    outside, writer.locks = writer.locks, []
    with common.scope(writer, node.args.get("with_")) as with_:
        distinct = _distinct(writer, node)
        source = sources.written(writer, node.args.get("from_"), node.args.get("joins") or [])
        body = f"SELECT {distinct}{writer.many(node.expressions)}{more}{source}"
        if where := node.args.get("where"):
            body += " WHERE " + writer(writer.parts(where).this)
        if group := node.args.get("group"):
            body += " GROUP BY " + writer(group)
        if having := node.args.get("having"):
            body += " HAVING " + writer(writer.parts(having).this)
        sql = with_ + _limited(writer, node, body) + "".join(writer.locks)
    writer.locks = outside
    return sql


def _distinct(writer: Writer, node: Parts) -> str:
    distinct = node.args.get("distinct")
    if distinct is None:
        return ""
    writer.parts(distinct)
    return "DISTINCT "


def _limited(writer: Writer, node: Parts, body: str) -> str:
    order = writer(node.args["order"]) if node.args.get("order") else ""
    offset = ""
    if part := node.args.get("offset"):
        if not order:
            raise syntax("OFFSET")
        offset = f" OFFSET ({writer(writer.parts(part).expression)})::int8"
    limit = node.args.get("limit")
    if limit is None:
        return body + order + offset
    parts = writer.parts(limit)
    options = parts.args.get("limit_options")
    percent, ties, rows = _limit_options(writer, options)
    if isinstance(limit, exp.Fetch):
        if not offset or percent or ties or not rows:
            raise syntax("FETCH")
        parts.args.get("direction")
        return f"{body}{order}{offset} FETCH NEXT (({writer(parts.args['count'])})::int8) ROWS ONLY"
    if offset:
        raise SqlError(10741, "A TOP can not be used in the same query or sub-query as an OFFSET.", severity=15)
    count = f"({writer(parts.expression)})::int8"
    if percent:
        share = f"({writer(parts.expression)})::float8"
        count = f'(SELECT ceil(count(*) * tsql.percentage({share}) / 100.0)::int8 FROM ({body}) AS "~all")'
    if ties:
        if not order:
            raise SqlError(1062, "The TOP N WITH TIES clause is not allowed without a corresponding ORDER BY clause.")
        return f"{body}{order} FETCH FIRST ({count}) ROWS WITH TIES"
    return f"{body}{order} LIMIT {count}"


def _limit_options(writer: Writer, options: exp.Expr | None) -> tuple[bool, bool, bool]:
    if options is None:
        return False, False, False
    args = writer.parts(options).args
    return bool(args.get("percent")), bool(args.get("with_ties")), bool(args.get("rows"))


def limit_recursion(writer: Writer, query: exp.Expr) -> None:
    """What a query's OPTION says, for common table expressions that are written before the query is."""
    _options(writer, writer.parts(query))


def _options(writer: Writer, node: Parts) -> None:
    for option in node.args.get("options") or []:
        parts = writer.parts(option)
        name, value = parts.name.upper(), parts.text("expression")
        if name == "MAXRECURSION" and value.isdigit() and int(value) <= _DEEPEST:
            writer.recursion = int(value)
        elif name not in _OPTIONS_THAT_CHANGE_NOTHING:
            raise unsupported(f"OPTION ({name})")


def _set(writer: Writer, node: Parts) -> str:
    _options(writer, node)
    with common.scope(writer, node.args.get("with_")) as with_:
        word = _SETS[type(node.node)]
        every = "" if node.args.get("distinct") else " ALL"
        if every and word != "UNION":
            raise unsupported(f"{word} ALL")
        if any(isinstance(side, exp.Select) and side.args.get("order") for side in (node.this, node.expression)):
            raise SqlError(156, f"Incorrect syntax near the keyword '{word}'.", severity=15)
        sides = [f"({writer(side)})" for side in (node.this, node.expression)]
        for part in node.args["order"].expressions if node.args.get("order") else ():
            if isinstance(part.this, exp.Column):
                part.this.set("table", None)  # the columns of the whole are in no table
                part.this.set("db", None)
        return with_ + _limited(writer, node, f"{sides[0]} {word}{every} {sides[1]}")


def _group(writer: Writer, node: Parts) -> str:
    for part in node.expressions:
        _check_group(part)
    parts = [writer(part) for part in node.expressions]
    for key, word in (("rollup", "ROLLUP"), ("cube", "CUBE")):
        for part in node.args.get(key) or []:
            if writer.parts(part).expressions:
                raise unsupported(f"GROUP BY {word} here")
            parts = [f"{word} ({', '.join(parts)})"]  # GROUP BY … WITH ROLLUP
    if node.args.get("all"):
        raise unsupported("GROUP BY ALL")
    return ", ".join(parts)


def _check_group(part: exp.Expr) -> None:
    if part.find(exp.Select) or any(call.name.upper() in AGGREGATES for call in part.find_all(exp.Anonymous)):
        raise SqlError(
            144,
            "Cannot use an aggregate or a subquery in an expression used for the group by list of a GROUP BY clause.",
            severity=15,
        )
    # PostgreSQL would take a number for a column's place
    if not isinstance(part, (exp.Tuple, exp.Rollup, exp.Cube, exp.GroupingSets)) and not part.find(exp.Column):
        message = "Each GROUP BY expression must contain at least one column that is not an outer reference."
        raise SqlError(164, message, severity=15)


def _order(writer: Writer, node: Parts) -> str:
    if node.this is not None:
        raise unsupported("ORDER BY in a function's arguments")
    return " ORDER BY " + writer.many(node.expressions)


def _ordered(writer: Writer, node: Parts) -> str:
    # NULL comes first in SQL Server, and last when descending
    return writer(node.this) + (" DESC NULLS LAST" if node.args.get("desc") else " ASC NULLS FIRST")


def _subquery(writer: Writer, node: Parts) -> str:
    alias = node.args.get("alias")
    inside = node.this
    with common.scope(writer, node.args.get("with_")) as with_:
        body = f"({with_}{_limited(writer, node, writer(inside))}"
        # what stands in parentheses may be joined tables
        joins = writer.parts(inside).args.get("joins") or [] if isinstance(inside, exp.Table) else []
        sql = f"{body}{writer.many(joins, '')})" + (f" AS {writer.aliased(alias)}" if alias else "")
    for pivot in node.args.get("pivots") or []:
        sql = pivots.written(writer, node.node, sql, pivot)
    return sql


def _values(writer: Writer, node: Parts) -> str:
    alias = node.args.get("alias")
    rows = ", ".join(row(writer, part) for part in node.expressions)
    return f"(VALUES {rows}) AS {writer.aliased(alias)}" if alias else f"VALUES {rows}"


def row(writer: Writer, node: exp.Expr) -> str:
    """One row of VALUES."""
    parts = writer.parts(node)
    cells = parts.expressions if isinstance(node, exp.Tuple) else [parts.this]
    return f"({', '.join(_cell(writer, cell) for cell in cells)})"


def _cell(writer: Writer, node: exp.Expr) -> str:
    if isinstance(node, exp.Var) and writer.parts(node).name.upper() == "DEFAULT":
        return "DEFAULT"
    return writer(node)


METHODS: Methods = {
    exp.Select: _select,
    exp.Union: _set,
    exp.Except: _set,
    exp.Intersect: _set,
    exp.Group: _group,
    exp.Rollup: lambda w, n: f"ROLLUP ({w.many(n.expressions)})",
    exp.Cube: lambda w, n: f"CUBE ({w.many(n.expressions)})",
    exp.GroupingSets: lambda w, n: f"GROUPING SETS ({w.many(n.expressions)})",
    exp.Order: _order,
    exp.Ordered: _ordered,
    exp.Subquery: _subquery,
    exp.Values: _values,
    exp.Tuple: lambda w, n: row(w, n.node),
}

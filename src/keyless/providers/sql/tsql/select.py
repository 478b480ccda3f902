"""The statement SELECT, with INTO, and the names of a result.

Owns how a query becomes a step. No I/O.
Source: Transact-SQL reference, "SELECT", "SELECT - INTO Clause".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql.plan import Action, Step, syntax, unsupported
from keyless.providers.sql.tsql.writer import Writer

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader


def with_(reader: Reader) -> Step:
    """WITH … SELECT …"""
    index = reader.parser._index
    with_ = reader.parser._parse_with()
    following = reader.ahead()
    if following in {"UPDATE", "DELETE", "INSERT", "MERGE"}:
        raise unsupported(f"WITH before {following}")
    if with_ is None:
        raise reader.error()
    reader.parser._retreat(index)
    return query(reader)


def query(reader: Reader) -> Step:
    """SELECT …"""
    query = reader.query()
    if query is None:
        raise reader.error()
    writer = Writer(reader.declared)
    into = query.args.get("into")
    if into is not None:
        query.set("into", None)
        target = writer.table(into.this)
        created = f"CREATE TABLE {target} AS {writer(query)}"
        return reader.step(Action.CHANGE, created, writer)
    for part in query.selects if isinstance(query, exp.Query) else ():
        if isinstance(part, exp.EQ) and isinstance(part.this, exp.Parameter):
            raise unsupported("SELECT @variable =")
        if isinstance(part.unalias(), (exp.Predicate, exp.Connector, exp.Not)):
            raise syntax("a predicate in the select list")
    return reader.step(Action.QUERY, writer(query), writer, result_names(query))


def result_names(query: exp.Expr) -> tuple[str | None, ...]:
    """The names of a query's columns, as its text writes them."""
    first = query
    while isinstance(first, (exp.SetOperation, exp.Subquery, exp.Paren)):
        first = first.this
    return tuple(result_name(part) for part in first.expressions)


def result_name(part: exp.Expr) -> str | None:
    """The name of one column of a result, None where PostgreSQL's own stands."""
    if isinstance(part, exp.Star) or (isinstance(part, exp.Column) and isinstance(part.this, exp.Star)):
        return None
    if isinstance(part, (exp.Alias, exp.Column)):
        return part.alias_or_name
    return ""

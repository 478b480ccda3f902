"""The statement SELECT, with INTO, and the names of a result.

Owns how a query becomes a step. No I/O.
Source: Transact-SQL reference, "SELECT", "SELECT - INTO Clause".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql import insert, merge, update, variables
from keyless.providers.sql.tsql.blocks import Statement
from keyless.providers.sql.tsql.columns import result_names
from keyless.providers.sql.tsql.plan import Action, Step, syntax
from keyless.providers.sql.tsql.writer import Writer

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader


def with_(reader: Reader) -> Step | list[Statement]:
    """WITH, and the statement behind it."""
    if reader.behind_with() in _CHANGES:
        node = reader.whole(reader.parser._parse_with)
        return _CHANGES[reader.ahead()](reader, node)
    return query(reader)


def query(reader: Reader) -> Step | list[Statement]:
    """SELECT …"""
    query = reader.query()
    if query is None:
        raise reader.error()
    writer = reader.writer()
    if target := _into(writer, query):
        return reader.step(Action.CHANGE, f"CREATE TABLE {target} AS {writer(query)}", writer)
    if variables.assigns(query):
        return [variables.select(reader, query)]
    for part in query.selects if isinstance(query, exp.Query) else ():
        if isinstance(part.unalias(), (exp.Predicate, exp.Connector, exp.Not)):
            raise syntax("a predicate in the select list")
    return reader.step(Action.QUERY, writer(query), writer, result_names(query))


def _into(writer: Writer, query: exp.Expr) -> str:
    """The table that INTO makes, '' without."""
    first = query
    while isinstance(first, exp.SetOperation):
        first = first.this
    if first.args.get("into") is None:
        return ""
    into = writer.parts(writer.parts(first).args["into"])
    into.args.get("temporary")
    return writer.table(into.this)


_CHANGES = {"INSERT": insert.insert, "UPDATE": update.update, "DELETE": update.delete, "MERGE": merge.merge}

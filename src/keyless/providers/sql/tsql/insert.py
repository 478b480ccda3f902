"""The statement INSERT.

Owns its grammar. No I/O.
Source: Transact-SQL reference, "INSERT".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.engine import Command
from keyless.providers.sql.tsql import common, execute, outputs, queries, rows, sources
from keyless.providers.sql.tsql.blocks import InsertExecute, Statement
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import Action, Step, columns_of, overriding, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

_HINTS_THAT_CHANGE_NOTHING = {"TABLOCK", "TABLOCKX", "UPDLOCK", "XLOCK", "HOLDLOCK", "SERIALIZABLE"}


def insert(reader: Reader, with_: exp.Expr | None = None) -> Step | list[Statement]:
    """INSERT …"""
    reader.need("INSERT")
    writer = reader.writer()
    top = rows.top(reader)
    reader.word("INTO")
    target = reader.hinted_table()
    for hint in sources.hinted(writer, writer.parts(target).args.get("hints") or []) - _HINTS_THAT_CHANGE_NOTHING:
        raise unsupported(f"The table hint {hint}")
    table = writer.table(target)
    columns = ""
    if reader.ahead() == "(" and not reader.opens_query():
        columns = f" ({', '.join(quoted(name) for name in reader.names(reader.name))})"
    output = outputs.read(reader, writer)
    query = _query(reader)
    if query is not None:
        queries.limit_recursion(writer, query)  # what is in front of the query has to know it
    with common.scope(writer, with_) as writer.with_:
        if query is not None or reader.ahead() != "DEFAULT":
            columns = (columns or columns_of(table)) + overriding(table)
        if query is None and reader.ahead() in {"EXEC", "EXECUTE"}:
            if output.parts or top is not None or writer.with_ or writer.parameters:
                raise unsupported("INSERT … EXEC with TOP, OUTPUT or WITH")
            head = reader.step(Action.CHANGE, f"INSERT INTO {table}{columns} ", writer, arguments=(table,))
            return [InsertExecute(replace(head, command=Command.INSERT), execute.call(reader), reader.line)]
        body = writer(query) if query is not None else _default(reader)
        if top is not None:
            source = f'({body}) AS "~rows"'
            body = f"SELECT * FROM {source}{top.limit(writer, source, '')}"
        step = outputs.changed(reader, writer, f"INSERT INTO {table}{columns} {body}", output)
    return replace(step, arguments=(table, *step.arguments))


def _query(reader: Reader) -> exp.Expr | None:
    return None if reader.ahead() in {"DEFAULT", "EXEC", "EXECUTE"} else reader.query()


def _default(reader: Reader) -> str:
    if not reader.word("DEFAULT", "VALUES"):
        raise reader.error()
    return "DEFAULT VALUES"

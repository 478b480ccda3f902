"""The statement INSERT.

Owns its grammar. No I/O.
Source: Transact-SQL reference, "INSERT".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.engine import Command
from keyless.providers.sql.tsql import common, execute, outputs, rows, sources
from keyless.providers.sql.tsql.blocks import InsertExecute, Statement
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import Action, Step, columns_of, unsupported
from keyless.providers.sql.tsql.writer import Writer

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
    with common.scope(writer, with_) as writer.with_:
        output = outputs.read(reader, writer)
        overriding = " OVERRIDING SYSTEM VALUE" if reader.identity_insert == table else ""
        if not columns and not overriding and reader.ahead() != "DEFAULT":
            columns = columns_of(table)
        if reader.ahead() in {"EXEC", "EXECUTE"}:
            if output.parts or top is not None or writer.with_ or writer.parameters:
                raise unsupported("INSERT … EXEC with TOP, OUTPUT or WITH")
            head = reader.step(Action.CHANGE, f"INSERT INTO {table}{columns}{overriding} ", writer, arguments=(table,))
            return [InsertExecute(replace(head, command=Command.INSERT), execute.call(reader), reader.line)]
        body = _body(reader, writer)
        if top is not None:
            source = f'({body}) AS "~rows"'
            body = f"SELECT * FROM {source}{top.limit(writer, source, '')}"
        step = outputs.changed(reader, writer, f"INSERT INTO {table}{columns}{overriding} {body}", output)
    return replace(step, arguments=(table, *step.arguments))


def _body(reader: Reader, writer: Writer) -> str:
    if reader.word("DEFAULT", "VALUES"):
        return "DEFAULT VALUES"
    query = reader.query()
    if query is None:
        raise reader.error()
    return writer(query)

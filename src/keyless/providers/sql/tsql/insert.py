"""The statement INSERT.

Owns its grammar. No I/O.
Source: Transact-SQL reference, "INSERT".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from keyless.providers.sql.tsql import output as outputs
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import COLUMNS, Step, unsupported
from keyless.providers.sql.tsql.writer import Writer

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader


def insert(reader: Reader) -> Step:
    """INSERT …"""
    reader.need("INSERT")
    if reader.ahead() == "TOP":
        raise unsupported("INSERT TOP")
    reader.word("INTO")
    writer = Writer(reader.declared)
    table = reader.table_name()
    target = writer.table(table)
    columns = ""
    if reader.ahead() == "(":
        columns = f" ({', '.join(quoted(name) for name in reader.names(reader.name))})"
    output, names, into = outputs.returning(reader, writer)
    overriding = " OVERRIDING SYSTEM VALUE" if reader.identity_insert == target else ""
    if not columns and not overriding and reader.ahead() != "DEFAULT":
        columns = " " + COLUMNS
    if reader.word("DEFAULT", "VALUES"):
        body = "DEFAULT VALUES"
    elif reader.ahead() in {"EXEC", "EXECUTE"}:
        raise unsupported("INSERT … EXEC")
    else:
        query = reader.query()
        if query is None:
            raise reader.error()
        body = writer(query)
    step = outputs.changed(reader, f"INSERT INTO {target}{columns}{overriding} {body}", output, into, names, writer)
    return replace(step, arguments=(target,))

"""The statement MERGE.

Owns its grammar. No I/O.
Source: Transact-SQL reference, "MERGE".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql import common, outputs, sources, update
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import Step, unsupported
from keyless.providers.sql.tsql.writer import Writer

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

# rows are locked by the change itself; the others hold a table against what would be inserted beside it
_ROW_LOCKS = {"UPDLOCK", "XLOCK"}
_TABLE_LOCKS = {"HOLDLOCK", "SERIALIZABLE", "TABLOCK", "TABLOCKX"}


def merge(reader: Reader, with_: exp.Expr | None = None) -> Step:
    """MERGE …"""
    reader.need("MERGE")
    if reader.ahead() == "TOP":
        raise unsupported("MERGE TOP")
    reader.word("INTO")
    writer = reader.writer()
    target = reader.hinted_table()
    table = writer.table(target)
    hints = sources.hinted(writer, writer.parts(target).args.get("hints") or [])
    for hint in hints - _ROW_LOCKS - _TABLE_LOCKS:
        raise unsupported(f"The table hint {hint}")
    alias = reader.name() if reader.word("AS") or reader.ahead() != "USING" else target.name
    reader.need("USING")
    source = reader.whole(reader.parser._parse_table)
    reader.need("ON")
    condition = reader.expression()
    with common.scope(writer, with_) as writer.with_:
        sql = f"MERGE INTO {table} AS {quoted(alias)} USING {writer(source)} ON {writer(condition)}"
        while reader.word("WHEN"):
            sql += _when(reader, writer)
        output = outputs.read(reader, writer)
        if reader.ahead() == "OPTION":
            raise unsupported("OPTION here")
        lock = f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"
        return outputs.changed(reader, writer, sql, output, (lock,) if hints & _TABLE_LOCKS else ())


def _when(reader: Reader, writer: Writer) -> str:
    matched = not reader.word("NOT")
    reader.need("MATCHED")
    sql = " WHEN MATCHED"
    if not matched:
        source = reader.word("BY", "SOURCE")
        if not source:
            reader.word("BY", "TARGET")
        sql = f" WHEN NOT MATCHED BY {'SOURCE' if source else 'TARGET'}"
    if reader.word("AND"):
        sql += f" AND {writer(reader.expression())}"
    reader.need("THEN")
    if reader.word("DELETE"):
        return f"{sql} THEN DELETE"
    if reader.word("UPDATE"):
        reader.need("SET")
        sets = [_assigned(reader, writer)]
        while reader.word(","):
            sets.append(_assigned(reader, writer))
        return f"{sql} THEN UPDATE SET {', '.join(sets)}"
    reader.need("INSERT")
    columns = f" ({', '.join(map(quoted, reader.names(reader.name)))})" if reader.ahead() == "(" else ""
    if reader.word("DEFAULT", "VALUES"):
        return f"{sql} THEN INSERT DEFAULT VALUES"
    reader.need("VALUES")
    values = reader.names(lambda: "DEFAULT" if reader.word("DEFAULT") else writer(reader.expression()))
    return f"{sql} THEN INSERT{columns} VALUES ({', '.join(values)})"


def _assigned(reader: Reader, writer: Writer) -> str:
    column, value = update.assignment(reader)
    parts = writer.parts(column)
    parts.text("table")
    written = "DEFAULT" if value is None else writer(value)
    return f"{quoted(parts.name)} = {written}"

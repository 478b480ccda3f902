"""Bulk load: rows go into a temporary table by COPY, and from there into the table that is meant.

Owns both steps. So the rows need no memory, and their values are converted and checked as those of an INSERT are.
Source: Transact-SQL reference, "BULK INSERT": defaults, identity values.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import psycopg

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.postgres.errors import translated
from keyless.providers.sql.postgres.transactions import Connection, Transactions
from keyless.providers.sql.tsql import bulk, types
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.types import Column, Kind, Row

_STAGE = 'pg_temp."~bulk"'
_COLUMNS = """SELECT a.attname::text, a.attidentity::text <> '', pg_catalog.pg_get_expr(d.adbin, d.adrelid)
  FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped"""
# what another type takes in a form that COPY can write; the INSERT converts it
_STAGED = {
    Kind.DATETIMEOFFSET: "tsql.citext",
    Kind.XML: "tsql.citext",
    Kind.DATETIME: "timestamp",
    Kind.SMALLDATETIME: "timestamp",
    Kind.TINYINT: "int2",
    Kind.MONEY: "numeric",
    Kind.SMALLMONEY: "numeric",
}


async def load(
    connection: Connection,
    transactions: Transactions,
    text: str,
    columns: Sequence[Column],
    rows: AsyncIterator[Sequence[Row]],
) -> int:
    """Load rows as an INSERT BULK says; raises SqlError, and then none was loaded."""
    wanted = bulk.read(text)
    if len(wanted.columns) != len(columns):
        raise SqlError(4816, "The rows have other columns than the INSERT BULK before them.")
    try:
        async with transactions.guarded():
            known = await _known(connection, wanted)
            try:
                await _stage(connection, columns, rows)
                return await _insert(connection, wanted, known)
            finally:
                if connection.info.transaction_status in (
                    psycopg.pq.TransactionStatus.IDLE,
                    psycopg.pq.TransactionStatus.INTRANS,
                ):
                    await connection.execute(f"DROP TABLE IF EXISTS {_STAGE}")
    except psycopg.Error as error:
        raise translated(error) from None


async def _known(connection: Connection, wanted: bulk.Bulk) -> dict[str, tuple[bool, str]]:
    """The table's columns: whether each is the identity, and its default."""
    found = await connection.execute(_COLUMNS, [wanted.table])
    known = {str(name): (bool(identity), str(default or "")) for name, identity, default in await found.fetchall()}
    if not known:
        raise SqlError(208, f"Invalid object name '{wanted.table.replace(chr(34), '')}'.")
    for name in wanted.columns:
        if name.lower() not in known:
            raise SqlError(207, f"Invalid column name '{name}'.")
    return known


async def _stage(connection: Connection, columns: Sequence[Column], rows: AsyncIterator[Sequence[Row]]) -> None:
    declared = ", ".join(f"c{place} {_staged(column)}" for place, column in enumerate(columns))
    await connection.execute(f"CREATE TEMPORARY TABLE {_STAGE} ({declared})")
    async with connection.cursor() as cursor, cursor.copy(f"COPY {_STAGE} FROM STDIN") as copy:
        async for some in rows:
            for row in some:
                await copy.write_row(row)


def _staged(column: Column) -> str:
    if column.type.kind is Kind.SQL_VARIANT:
        raise SqlError(4816, f"Column {column.name}: a sql_variant cannot be loaded.")
    return _STAGED.get(column.type.kind) or types.of_parameter(column.type)


async def _insert(connection: Connection, wanted: bulk.Bulk, known: dict[str, tuple[bool, str]]) -> int:
    names = [name.lower() for name in wanted.columns]
    for place, name in enumerate(names):
        identity, default = known[name]
        if default and not identity and not wanted.keep_nulls:
            await connection.execute(f"UPDATE {_STAGE} SET c{place} = {default} WHERE c{place} IS NULL")
    kept = " OVERRIDING SYSTEM VALUE" if any(known[name][0] for name in names) else ""
    listed = ", ".join(quoted(name) for name in names)
    chosen = ", ".join(f"c{place}" for place in range(len(names)))
    done = await connection.execute(f"INSERT INTO {wanted.table} ({listed}){kept} SELECT {chosen} FROM {_STAGE}")
    return max(done.rowcount, 0)

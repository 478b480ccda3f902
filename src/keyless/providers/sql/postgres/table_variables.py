"""Table variables: temporary tables that live as long as the batch or procedure that declares them.

Owns making and dropping them, and that a rollback leaves them as they are: SQL Server does not take back what was
written to a table variable. Source: Transact-SQL reference, "table".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.postgres.describing import Descriptions
from keyless.providers.sql.postgres.frames import Frame
from keyless.providers.sql.postgres.transactions import Connection, Transactions
from keyless.providers.sql.tsql.blocks import TableVariable
from keyless.providers.sql.types import Value

_LARGEST = 64 << 20
_SEQUENCE = """SELECT pg_catalog.pg_get_serial_sequence($1, attname) FROM pg_catalog.pg_attribute
  WHERE attrelid = pg_catalog.to_regclass($1) AND attidentity <> ''"""
_SET_LAST = """SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence($1, attname), $2::int8)
  FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attidentity <> ''"""
_TOO_LARGE = (
    "A table variable with more than 64 MiB cannot be kept through a ROLLBACK by this server: use a temporary table."
)


@dataclass(frozen=True)
class _Rescued:
    """A table's rows as PostgreSQL copies them, and the identity that it gave last."""

    variable: TableVariable
    rows: bytes
    last: Value


class TableVariables:
    """Those of one session."""

    def __init__(self, connection: Connection, transactions: Transactions, descriptions: Descriptions) -> None:
        self._connection = connection
        self._transactions = transactions
        self._descriptions = descriptions
        self._rescued: list[_Rescued] = []

    async def create(self, frame: Frame) -> None:
        """A frame begins: its tables are there, and empty."""
        for variable in frame.program.tables:
            await self._create(variable)

    async def drop(self, frame: Frame) -> None:
        """A frame ends."""
        if frame.program.tables and not self._connection.closed:
            names = ", ".join(variable.table for variable in frame.program.tables)
            async with self._transactions.guarded():
                await self._connection.execute(f"DROP TABLE IF EXISTS {names}")

    async def rescue(self, frame: Frame) -> None:
        """A transaction is about to be rolled back: keep what the tables hold."""
        if not self._transactions.depth:
            return
        for variable in _around(frame):
            self._rescued.append(await self._rescue(variable))

    async def restore(self, frame: Frame) -> None:
        """The transaction has been rolled back."""
        rescued, self._rescued = self._rescued, []
        for one in rescued:
            await self._create(one.variable)
            async with self._transactions.guarded(), self._connection.cursor() as cursor:
                async with cursor.copy(f"COPY {one.variable.table} FROM STDIN (FORMAT binary)") as copy:
                    await copy.write(one.rows)
                if one.last is not None:
                    await cursor.execute(_SET_LAST, [one.variable.table, one.last])

    async def _create(self, variable: TableVariable) -> None:
        async with self._transactions.guarded():
            await self._connection.execute(f"DROP TABLE IF EXISTS {variable.table}; {variable.step.sql}")
        self._descriptions.forget()

    async def _rescue(self, variable: TableVariable) -> _Rescued:
        rows = bytearray()
        async with self._transactions.guarded(), self._connection.cursor() as cursor:
            async with cursor.copy(f"COPY {variable.table} TO STDOUT (FORMAT binary)") as copy:
                async for part in copy:
                    rows += part
                    if len(rows) > _LARGEST:
                        raise SqlError(40510, _TOO_LARGE)
            found = await cursor.execute(_SEQUENCE, [variable.table])
            row = await found.fetchone()
            last: Value = None
            if row is not None and row[0] is not None:
                found = await cursor.execute(f"SELECT last_value FROM {row[0]!s} WHERE is_called")
                row = await found.fetchone()
                last = None if row is None else row[0]
        return _Rescued(variable, bytes(rows), last)


def _around(frame: Frame | None) -> Iterator[TableVariable]:
    while frame is not None:
        yield from frame.program.tables
        frame = frame.outer

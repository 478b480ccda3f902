"""Identity columns: which one an INSERT gave, SET IDENTITY_INSERT, and columns that an INSERT leaves out.

Owns the questions to the catalog about them.
Source: Transact-SQL reference, "SCOPE_IDENTITY", "SET IDENTITY_INSERT".
"""

from __future__ import annotations

from dataclasses import replace

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.postgres.settings import Settings
from keyless.providers.sql.postgres.transactions import Connection, Transactions
from keyless.providers.sql.tsql.plan import OPEN, OVERRIDES, Step

_IDENTITY = """SELECT tsql.last_identity() FROM pg_catalog.pg_attribute
  WHERE attrelid = pg_catalog.to_regclass($1) AND attidentity <> ''"""
_IDENTITY_COLUMN = """SELECT attname::text FROM pg_catalog.pg_attribute
  WHERE attrelid = pg_catalog.to_regclass($1) AND attidentity <> ''"""
_GIVEN = """SELECT coalesce('(' || string_agg(quote_ident(attname), ', ' ORDER BY attnum) || ')', '')
  FROM pg_catalog.pg_attribute
  WHERE attrelid = pg_catalog.to_regclass($1) AND attnum > 0 AND NOT attisdropped
    AND attidentity = '' AND attgenerated = ''"""


class Identities:
    """The identities of one session."""

    def __init__(self, connection: Connection, transactions: Transactions, settings: Settings) -> None:
        self._connection = connection
        self._transactions = transactions
        self._settings = settings

    async def completed(self, step: Step) -> Step:
        """An INSERT, with what only the session knows: without a list of columns it leaves the identity out."""
        given = self._settings.identity_insert
        parts = step.sql.split(OPEN)
        for place in range(1, len(parts), 2):
            table = parts[place].removeprefix(OVERRIDES)
            if table != parts[place]:
                parts[place] = "OVERRIDING SYSTEM VALUE" if table == given else ""
            else:
                parts[place] = "" if table == given else await self._columns(table)
        return replace(step, sql="".join(parts))

    async def _columns(self, table: str) -> str:
        async with self._transactions.guarded():
            found = await self._connection.execute(_GIVEN, [table])
            row = await found.fetchone()
        return str(row[0]) if row else ""

    async def inserted(self, step: Step) -> None:
        """Remember the identity that an INSERT gave; NULL where the table has none."""
        settings = self._settings
        if not step.arguments or not settings.count or settings.identity_insert == step.arguments[0]:
            return
        found = await self._connection.execute(_IDENTITY, [step.arguments[0]])
        row = await found.fetchone()
        settings.identity = settings.scope_identity = row[0] if row is not None else None

    async def set_insert(self, table: str, state: str) -> None:
        """SET IDENTITY_INSERT."""
        settings = self._settings
        if state == "ON":
            if settings.identity_insert not in {"", table}:
                raise SqlError(8107, f"IDENTITY_INSERT is already ON for table {settings.identity_insert}.")
            async with self._transactions.guarded():
                await self._connection.execute("SELECT tsql.need_own($1)", [table])
            settings.identity_insert = table
        elif settings.identity_insert == table:
            settings.identity_insert = ""
            async with self._transactions.guarded():
                await self._reseed(table)

    async def _reseed(self, table: str) -> None:
        """The next identity comes after those that were given by hand."""
        found = await self._connection.execute(_IDENTITY_COLUMN, [table])
        row = await found.fetchone()
        if row is not None:
            await self._connection.execute("SELECT tsql.reseed($1, $2)", [table, row[0]])

"""Connections to PostgreSQL, each logged in as a role.

Owns how a role logs in and how it is made. Must not know what a database holds.
"""

from __future__ import annotations

import asyncio
from typing import cast

import psycopg

from keyless.providers.sql.postgres.process import ADMINISTRATOR
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.types import Value

Connection = psycopg.AsyncConnection[tuple[Value, ...]]
# what PostgreSQL says for some moments after one of its processes was killed
_RECOVERING = "the database system is "
_PAUSES = (0.05,) * 10 + (0.5,) * 20
_SETTINGS = "-c search_path=tsql,pg_catalog -c TimeZone=UTC -c DateStyle=ISO,MDY"


class Connections:
    """The way to one PostgreSQL: `conninfo` says where it is, without user and database."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo

    async def administrator(self, database: str) -> Connection:
        """Who makes databases and roles."""
        # who asks may hold the locks that this waits for, which PostgreSQL cannot see: so it does not wait long
        return await self.open(database, ADMINISTRATOR, "-c lock_timeout=5s")

    async def open(self, database: str, role: str, more: str = "") -> Connection:
        """One as a role; `more` are further settings of the session."""
        for pause in _PAUSES:
            try:
                return await self._connect(database, role, more)
            except psycopg.OperationalError as error:
                if _RECOVERING not in str(error):
                    raise
            await asyncio.sleep(pause)
        return await self._connect(database, role, more)

    async def _connect(self, database: str, role: str, more: str) -> Connection:
        connection = await psycopg.AsyncConnection.connect(
            self._conninfo, dbname=database, user=role, autocommit=True, cursor_factory=psycopg.AsyncRawCursor,
            options=f"{_SETTINGS} {more}",
        )  # fmt: skip
        return cast("Connection", connection)

    async def make_role(self, connection: Connection, name: str, *, login: bool) -> None:
        """A role that may do nothing yet, but log in with `open`; asked of an administrator's connection."""
        may = "LOGIN" if login else "NOLOGIN"
        await connection.execute(f"CREATE ROLE {quoted(name)} {may} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION")

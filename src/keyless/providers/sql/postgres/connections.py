"""Connections to PostgreSQL, each logged in as a role.

Owns how a role logs in and how it is made. Must not know what a database holds.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import cast

import psycopg

from keyless.providers.sql.postgres.access import Access
from keyless.providers.sql.tsql.names import quoted, text
from keyless.providers.sql.types import Value

Connection = psycopg.AsyncConnection[tuple[Value, ...]]
# what PostgreSQL says for some moments after one of its processes was killed
_RECOVERING = "the database system is "
_PAUSES = (0.05,) * 10 + (0.5,) * 20
_SETTINGS = "-c search_path=tsql,pg_catalog -c TimeZone=UTC -c DateStyle=ISO,MDY -c jit=off"


class Connections:
    """The way to one PostgreSQL."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def administrator(self, database: str) -> Connection:
        """Who makes databases and roles."""
        # who asks may hold the locks that this waits for, which PostgreSQL cannot see: so it does not wait long
        return await self.open(database, self._access.administrator, "-c lock_timeout=5s")

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
            self._access.conninfo, dbname=database, user=role, password=self._password(role), autocommit=True,
            cursor_factory=psycopg.AsyncRawCursor, options=f"{_SETTINGS} {more}",
        )  # fmt: skip
        return cast("Connection", connection)

    async def make_role(self, connection: Connection, name: str) -> None:
        """A role that may log in with `open`, and nothing else yet; asked of an administrator's connection."""
        await connection.execute(f"CREATE ROLE {quoted(name)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION")
        await self.admit(connection, name)

    async def admit(self, connection: Connection, name: str) -> None:
        """See that a role has its password, where roles have one."""
        password = self._password(name)
        if password is None:
            return
        found = await connection.execute("SELECT 1 FROM pg_authid WHERE rolname = $1 AND rolpassword IS NULL", [name])
        if await found.fetchone():
            # made here: the server's log may hold the statement
            verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
            await connection.execute(f"ALTER ROLE {quoted(name)} PASSWORD {text(verifier.decode())}")

    def _password(self, role: str) -> str | None:
        """That of one of our roles. The administrator's is in a file that libpq reads."""
        secret = self._access.secret
        if secret is None or role == self._access.administrator:
            return None
        return hmac.new(secret.reveal().encode(), role.encode(), hashlib.sha256).hexdigest()

"""The engine: sessions in databases, and the users of these.

Owns one role for each user. A session logs in as its role, so what it may do is PostgreSQL's to decide. A role may
connect to its one database only.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import psycopg

from keyless.providers.sql.engine import Database, FindPrincipal, Login, SqlError
from keyless.providers.sql.postgres import own_types
from keyless.providers.sql.postgres.access import Server
from keyless.providers.sql.postgres.connections import Connections
from keyless.providers.sql.postgres.databases import Databases, database_name
from keyless.providers.sql.postgres.plans import Plans
from keyless.providers.sql.postgres.refusals import not_opened
from keyless.providers.sql.postgres.session import PostgresSession


@dataclass(frozen=True)
class _Place:
    """Where a session is: PostgreSQL's database, and the role that it logged in as."""

    database: str
    role: str


class PostgresEngine:
    """Databases behind the gateway. `find_principal` knows the principals of the directory."""

    def __init__(self, server: Server, find_principal: FindPrincipal) -> None:
        self._server = server
        self._connections = Connections(server.access)
        self._databases = Databases(self._connections, alone=server.access.alone)
        self._find_principal = find_principal
        self._plans = Plans()
        self._sessions: dict[PostgresSession, _Place] = {}
        self._made: set[str] = set()
        self._making = asyncio.Lock()

    async def start(self, databases: Sequence[Database]) -> None:
        for name in await self._databases.clean({database_name(database) for database in databases}):
            await self._forget(name)

    async def prepare(self, database: Database) -> None:
        name = database_name(database)
        async with self._making:  # one after the other: two cannot copy the template at once
            if name not in self._made:
                await self._databases.create(name, str(database.id))
                self._made.add(name)

    async def delete_database(self, database: Database) -> None:
        name = database_name(database)
        await self._forget(name)
        async with self._making:
            await self._databases.remove(name)

    async def _forget(self, name: str) -> None:
        self._made.discard(name)
        for session in [session for session, of in self._sessions.items() if of.database == name]:
            await session.close()

    async def open(self, login: Login) -> PostgresSession:
        if login.database is None:
            raise SqlError(4060, "Name a database: this server has no sessions in master.", severity=11)
        name = database_name(login.database)
        try:
            await self.prepare(login.database)
            role = f"{name}_o" if login.administrator else await self._role_of(name, login)
            connection = await self._connections.open(name, role, _told(login))
            try:
                own = await own_types.register(connection)
            except BaseException:  # whoever logs in may go away meanwhile
                await connection.close()
                raise
        except psycopg.OperationalError as error:
            raise not_opened(error, login.database) from None
        sessions = self._sessions

        def closed() -> None:
            sessions.pop(session, None)

        session = PostgresSession(
            connection,
            login,
            own,
            self._plans,
            self._find_principal,
            partial(self._users_changed, name),
            closed,
        )
        sessions[session] = _Place(name, role)
        return session

    async def close(self) -> None:
        for session in list(self._sessions):
            await session.close()
        await self._server.stop()

    async def _role_of(self, name: str, login: Login) -> str:
        """The role of whoever has a user here, or is in a group that has one."""
        who = login.principal
        role = f"{name}_u{hashlib.sha256(who.principal_id.encode()).hexdigest()[:16]}"
        async with await self._connections.administrator(name) as connection:
            found = await connection.execute(
                "SELECT tsql.enter($1, $2, $3, $4)", [who.principal_id, list(login.groups), who.display_name, role]
            )
            row = await found.fetchone()
            await self._connections.admit(connection, role)
        if row is None or row[0] is None:
            message = f"Login failed for user '{who.display_name}': it is no user of this database that may connect."
            raise SqlError(18456, message, severity=14)
        return role

    async def _users_changed(self, name: str) -> None:
        """End the sessions of whom may connect no more."""
        async with await self._connections.administrator(name) as connection:
            found = await connection.execute("SELECT role::text FROM tsql.logins WHERE NOT active")
            gone = {row[0] for row in await found.fetchall()}
        over = SqlError(18456, "The session is over: its user may not connect to this database any more.", severity=20)
        for session, of in list(self._sessions.items()):
            if of.database == name and of.role in gone:
                await session.end(over)


def _told(login: Login) -> str:
    """What the catalog shows of where this is: PostgreSQL's own names of things are not the user's."""
    names = {"database": login.database.id.name if login.database else "master", "server": login.server.name}
    return " ".join(f"-c keyless.{key}={_escaped(name)}" for key, name in names.items())


def _escaped(name: str) -> str:
    """As libpq takes a value among its options."""
    return name.replace("\\", "\\\\").replace(" ", "\\ ")

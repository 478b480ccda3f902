"""The engine: sessions in databases, and the users of these.

Owns one role for each user. A session logs in as its role, so what it may do is PostgreSQL's to decide. A role may
connect to its one database only.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import psycopg

from keyless.model.identity import Principal
from keyless.providers.sql.engine import Database, Login, SqlError
from keyless.providers.sql.postgres import own_types
from keyless.providers.sql.postgres.access import Server
from keyless.providers.sql.postgres.connections import Connection, Connections
from keyless.providers.sql.postgres.databases import Databases, database_name
from keyless.providers.sql.postgres.errors import translated
from keyless.providers.sql.postgres.refusals import not_opened
from keyless.providers.sql.postgres.session import PostgresSession
from keyless.providers.sql.tsql.names import quoted, text
from keyless.providers.sql.tsql.plan import Action, Step
from keyless.providers.sql.tsql.reader import translate
from keyless.providers.sql.types import Parameter

_PLANS = 2000
_MEMBERS = {"db_owner": "o", "db_ddladmin": "o", "db_datareader": "r", "db_datawriter": "w"}
FindPrincipal = Callable[[str], Awaitable[Principal | None]]


class PostgresEngine:
    """Databases behind the gateway. `find_principal` knows a principal by its name in the directory."""

    def __init__(self, server: Server, find_principal: FindPrincipal) -> None:
        self._server = server
        self._connections = Connections(server.access)
        self._databases = Databases(self._connections, alone=server.access.alone)
        self._find_principal = find_principal
        self._plans: OrderedDict[tuple[object, ...], tuple[Step, ...]] = OrderedDict()
        self._sessions: dict[PostgresSession, str] = {}
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
        for session in [session for session, of in self._sessions.items() if of == name]:
            await session.close()

    async def open(self, login: Login) -> PostgresSession:
        if login.database is None:
            raise SqlError(4060, "Name a database: this server has no sessions in master.", severity=11)
        name = database_name(login.database)
        try:
            await self.prepare(login.database)
            role = f"{name}_o" if login.administrator else await self._role_of(name, login)
            connection = await self._connections.open(name, role, _told(login))
            own = await own_types.register(connection)
        except psycopg.OperationalError as error:
            raise not_opened(error, login.database) from None
        sessions = self._sessions

        def closed() -> None:
            sessions.pop(session, None)

        session = PostgresSession(
            connection,
            login,
            own,
            self._translate,
            partial(self._manage, name, role),
            closed,
        )
        sessions[session] = name
        return session

    async def close(self) -> None:
        for session in list(self._sessions):
            await session.close()
        await self._server.stop()

    async def _role_of(self, name: str, login: Login) -> str:
        async with await self._connections.administrator(name) as connection:
            found = await connection.execute(
                "SELECT role FROM tsql.users WHERE principal = $1", [login.principal.principal_id]
            )
            row = await found.fetchone()
        if row is None:
            raise SqlError(
                18456,
                f"Login failed for user '{login.principal.display_name}': it is no user of this database.",
                severity=14,
            )
        return str(row[0])

    def _translate(self, batch: str, parameters: Sequence[Parameter], identity_insert: str) -> tuple[Step, ...]:
        declared = {parameter.name.lower(): parameter.type for parameter in parameters}
        key = (batch, tuple(declared.items()), identity_insert)
        plan = self._plans.get(key)
        if plan is None:
            plan = translate(batch, declared, identity_insert)
            self._plans[key] = plan
            if len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return plan

    async def _manage(self, name: str, role: str, step: Step) -> str:
        """What concerns users: who may do it is asked first, and PostgreSQL's administrator does it."""
        async with await self._connections.administrator(name) as connection:
            try:
                async with connection.transaction():
                    return await self._managed(connection, name, role, step)
            except psycopg.Error as error:
                raise translated(error, step.line) from None

    async def _managed(self, connection: Connection, name: str, role: str, step: Step) -> str:
        owner = f"{name}_o"
        found = await connection.execute("SELECT pg_has_role($1, $2, 'MEMBER')", [role, owner])
        if await found.fetchone() != (True,):
            raise SqlError(15247, "User does not have permission to perform this action.", line=step.line)
        if step.action is Action.DEFINE:
            users = [quoted(await _user(connection, user)) for user in step.arguments]
            return step.sql + ", ".join(users)
        if step.action is Action.CREATE_USER:
            await self._create_user(connection, name, step.arguments[0])
        elif step.action is Action.DROP_USER:
            await _drop_user(connection, name, step.arguments[0], if_exists=bool(step.arguments[1]))
        elif step.action is Action.MEMBER:
            group, verb, user = step.arguments
            member = await _user(connection, user)
            suffix = _MEMBERS[group]
            sql = "GRANT {} TO {}" if verb == "ADD" else "REVOKE {} FROM {}"
            await connection.execute(sql.format(quoted(f"{name}_{suffix}"), quoted(member)))
            if suffix == "o":
                # what it makes belongs to the database's owner, so that all owners are alike
                setting = f"SET role = {text(owner)}" if verb == "ADD" else "RESET role"
                await connection.execute(f"ALTER ROLE {quoted(member)} IN DATABASE {quoted(name)} {setting}")
        return "SELECT 1"

    async def _create_user(self, connection: Connection, name: str, user: str) -> None:
        principal = await self._find_principal(user)
        if principal is None:
            raise SqlError(33130, f"Principal '{user}' could not be found in the directory.")
        role = f"{name}_u{hashlib.sha256(principal.principal_id.encode()).hexdigest()[:16]}"
        found = await connection.execute(
            "SELECT 1 FROM tsql.users WHERE name = $1::tsql.citext OR role = $2", [user, role]
        )
        if await found.fetchone():
            raise SqlError(15023, f"User, group, or role '{user}' already exists in the current database.")
        await self._connections.make_role(connection, role, login=True)
        await connection.execute("INSERT INTO tsql.users VALUES ($1, $2, $3)", [user, principal.principal_id, role])
        await connection.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {quoted(name)} TO {quoted(role)}")


async def _user(connection: Connection, user: str) -> str:
    found = await connection.execute("SELECT role FROM tsql.users WHERE name = $1::tsql.citext", [user])
    row = await found.fetchone()
    if row is None:
        raise SqlError(
            15151, f"Cannot find the user '{user}', because it does not exist or you do not have permission."
        )
    return str(row[0])


async def _drop_user(connection: Connection, name: str, user: str, *, if_exists: bool) -> None:
    try:
        role = await _user(connection, user)
    except SqlError:
        if if_exists:
            return
        raise
    await connection.execute("DELETE FROM tsql.users WHERE role = $1", [role])
    await connection.execute(f"DROP OWNED BY {quoted(role)}")
    await connection.execute(f"REVOKE ALL ON DATABASE {quoted(name)} FROM {quoted(role)}")
    await connection.execute(f"DROP ROLE {quoted(role)}")


def _told(login: Login) -> str:
    """What the catalog shows of where this is: PostgreSQL's own names of things are not the user's."""
    names = {"database": login.database.id.name if login.database else "master", "server": login.server.name}
    return " ".join(f"-c keyless.{key}={_escaped(name)}" for key, name in names.items())


def _escaped(name: str) -> str:
    """As libpq takes a value among its options."""
    return name.replace("\\", "\\\\").replace(" ", "\\ ")

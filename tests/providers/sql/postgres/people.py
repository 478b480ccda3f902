"""Sessions of several people in one database, for tests of what each may do."""

from __future__ import annotations

from dataclasses import dataclass, field

from keyless.providers.sql.engine import Database, Login, Rows, SqlError
from keyless.providers.sql.postgres.engine import PostgresEngine
from keyless.providers.sql.postgres.session import PostgresSession
from keyless.providers.sql.types import Row
from tests.providers.sql.postgres.conftest import SERVER, principal


async def run(session: PostgresSession, statement: str) -> list[Row]:
    """The rows of a batch."""
    found: list[Row] = []
    async for event in session.run(statement):
        if isinstance(event, Rows):
            found += event.rows
    return found


async def failure(session: PostgresSession, statement: str) -> SqlError | None:
    """How a batch fails; None where it does not."""
    try:
        await run(session, statement)
    except SqlError as error:
        return error
    return None


@dataclass
class People:
    """Everybody in one database; dbo is the server's administrator."""

    engine: PostgresEngine
    database: Database
    dbo: PostgresSession
    sessions: dict[str, PostgresSession] = field(default_factory=dict)

    async def come(self, name: str, *groups: str) -> PostgresSession:
        """Somebody logs in, as a member of these groups."""
        ids = tuple(principal(group).principal_id for group in groups)
        login = Login(SERVER, self.database, principal(name), False, groups=ids)
        self.sessions[name] = await self.engine.open(login)
        return self.sessions[name]

    async def user(self, name: str, *grants: str) -> PostgresSession:
        """A new user, logged in; `{0}` in the grants is its name."""
        await run(self.dbo, f"CREATE USER [{name}] FROM EXTERNAL PROVIDER")
        for grant in grants:
            await run(self.dbo, grant.format(f"[{name}]"))
        return await self.come(name)

    async def says(self, name: str, statement: str) -> int:
        """The number of the error that somebody gets, 0 for none."""
        error = await failure(self.sessions[name], statement)
        return error.number if error else 0

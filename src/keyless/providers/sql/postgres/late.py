"""The engine, started when it is first needed: most instances have no database.

Owns the moment of the start, and another one after PostgreSQL has ended by itself. Must not import PostgreSQL's driver
or the parser before that moment: they would make every start of the server slower.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keyless.model.errors import KeylessError
from keyless.providers.sql.engine import UNAVAILABLE, Database, FindPrincipal, Login, Session, SqlError
from keyless.providers.sql.postgres.access import Place, Server

if TYPE_CHECKING:
    from keyless.providers.sql.postgres.engine import PostgresEngine

_MOMENT = 0.5


class LateEngine:
    """Databases behind the gateway, at `place`. `find_principal` knows the principals of the directory."""

    def __init__(self, place: Place, find_principal: FindPrincipal) -> None:
        self._place = place
        self._find_principal = find_principal
        self._databases: dict[str, Database] = {}
        self._server: Server | None = None
        self._starting: asyncio.Task[PostgresEngine] | None = None

    async def start(self, databases: Sequence[Database]) -> None:
        self._databases = {database.guid: database for database in databases}

    async def prepare(self, database: Database) -> None:
        self._databases[database.guid] = database
        engine = await self._running()
        await engine.prepare(database)

    async def delete_database(self, database: Database) -> None:
        self._databases.pop(database.guid, None)
        if self._starting is not None or not self._place.alone:  # else its next start removes what is left
            engine = await self._running()
            await engine.delete_database(database)

    async def open(self, login: Login) -> Session:
        try:
            engine = await self._running()
            try:
                return await engine.open(login)
            except SqlError as error:
                if error.number != UNAVAILABLE or not await self._ended():
                    raise
            engine = await self._running()
        except KeylessError as error:
            raise SqlError(UNAVAILABLE, error.message, severity=20) from None
        return await engine.open(login)

    async def back_up(self, folder: Path) -> None:
        if self._place.is_backed_up():
            await self._running()
            assert self._server is not None
            await self._place.back_up(self._server, folder)

    async def close(self) -> None:
        if self._starting is None:
            return
        (engine,) = await asyncio.gather(self._starting, return_exceptions=True)
        if not isinstance(engine, BaseException):
            await engine.close()

    async def _running(self) -> PostgresEngine:
        starting = self._starting
        if starting is None or (starting.done() and (starting.exception() or not self._alive())):
            starting = self._starting = asyncio.create_task(self._start(starting))
        return await asyncio.shield(starting)  # who waits may go away, the others still wait

    def _alive(self) -> bool:
        return self._server is not None and self._server.alive

    async def _ended(self) -> bool:
        """Whether PostgreSQL has just ended: its sockets close a moment before its process is seen to end."""
        return self._server is not None and await self._server.ended(_MOMENT)

    async def _start(self, before: asyncio.Task[PostgresEngine] | None) -> PostgresEngine:
        if before is not None and before.exception() is None:
            await before.result().close()
        from keyless.providers.sql.postgres.engine import PostgresEngine  # noqa: PLC0415 - see above

        self._server = await self._place.start()
        engine = PostgresEngine(self._server, self._find_principal)
        await engine.start(list(self._databases.values()))
        return engine

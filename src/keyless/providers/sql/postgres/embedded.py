"""The embedded PostgreSQL as the engine's place. Owns nothing but that."""

from __future__ import annotations

from pathlib import Path

from keyless.providers.sql.postgres import copies, process
from keyless.providers.sql.postgres.access import Server


class Embedded:
    """PostgreSQL in a folder of the data folder."""

    alone = True

    def __init__(self, folder: Path, connections: int = process.CONNECTIONS) -> None:
        self._folder = folder
        self._connections = connections

    async def start(self) -> Server:
        return await process.start(self._folder, self._connections)

    def is_backed_up(self) -> bool:
        return (self._folder / "PG_VERSION").exists()

    async def back_up(self, server: Server, folder: Path) -> None:
        await copies.take(server.access.conninfo, folder)

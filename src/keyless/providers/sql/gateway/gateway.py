"""The listening side: connections of SQL drivers, as many as there is room for, and their end.

Must not know TDS (`connection`) nor who may connect (`logins`).
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from keyless.http.acceptor import Acceptor
from keyless.providers.sql.engine import Engine
from keyless.providers.sql.gateway.channel import Channel, Contexts
from keyless.providers.sql.gateway.connection import Connection
from keyless.providers.sql.gateway.limits import Limits, Room
from keyless.providers.sql.gateway.logins import Logins
from keyless.providers.sql.gateway.requests import STOP_SECONDS
from keyless.providers.sql.gateway.sockets import keep_alive

log = logging.getLogger("keyless.sql")


class Gateway:
    """Serves SQL drivers at sockets that are handed to it."""

    def __init__(self, engine: Engine, logins: Logins, contexts: Contexts, limits: Limits) -> None:
        self._engine = engine
        self._logins = logins
        self._contexts = contexts
        self._room = Room(limits)
        self._tasks: set[asyncio.Task[None]] = set()
        self._acceptors: list[Acceptor] = []
        self._listeners: list[socket.socket] = []

    def start(self, listener: socket.socket) -> None:
        """Accept at a bound socket until `stop`."""
        opened: Callable[[], int] = self._tasks.__len__
        self._listeners.append(listener)
        self._acceptors.append(Acceptor(listener, None, self._protocol, opened, self._room.limits.connections))

    async def stop(self) -> None:
        """Accept nothing more, and end the sessions; what they had not committed is rolled back."""
        for acceptor, listener in zip(self._acceptors, self._listeners, strict=True):
            acceptor.close()
            listener.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _protocol(self) -> asyncio.BaseProtocol:
        reader = asyncio.StreamReader()
        return asyncio.StreamReaderProtocol(reader, self._connected)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        self._room.enter(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.leave(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        keep_alive(writer.get_extra_info("socket"))
        channel = Channel(reader, writer)
        try:
            await Connection(channel, self._contexts, self._logins, self._engine, self._room).run()
        except Exception as error:
            log.error("a connection failed: %s", type(error).__name__)
        finally:
            await channel.close(STOP_SECONDS)

"""Accepting connections: no more than there is room for, and no end when the system has none left.

Owns the listening socket's readiness, the TLS handshakes under way, and the count of connections. Must not know what
is said on them. `loop.create_server` counts nothing, and waits a minute for each handshake.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable

log = logging.getLogger("keyless.http")

BACKLOG = 2048
HANDSHAKE_SECONDS = 10.0
#: How long nothing is accepted when the process has no descriptor left.
PAUSE_SECONDS = 0.2
#: The most that is accepted in one turn of the event loop.
_AT_ONCE = 64


class Acceptor:
    """Accepts at one socket until `close`. `opened` counts the connections that have a protocol.

    Without a context the protocol sees the bytes as they come.
    """

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext | None,
        protocol: Callable[[], asyncio.BaseProtocol],
        opened: Callable[[], int],
        limit: int,
    ) -> None:
        self._listener = listener
        self._context = context
        self._protocol = protocol
        self._opened = opened
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        listener.listen(BACKLOG)
        self._loop.add_reader(listener.fileno(), self._accept)

    def close(self) -> None:
        """Accept nothing more; handshakes under way come to nothing."""
        self._loop.remove_reader(self._listener.fileno())
        if self._pause is not None:
            self._pause.cancel()
        for task in self._handshakes:
            task.cancel()

    async def wait_closed(self) -> None:
        """Return once the last handshake is over."""
        if self._handshakes:
            await asyncio.wait(self._handshakes)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            if len(self._handshakes) + self._opened() >= self._limit:
                connection.close()
                continue
            connection.setblocking(False)
            task = self._loop.create_task(self._connect(connection))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _connect(self, connection: socket.socket) -> None:
        # whoever does not get through the handshake learns from that itself
        with contextlib.suppress(OSError, EOFError):
            await self._loop.connect_accepted_socket(
                self._protocol,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self._context else None,
            )

    def _rest(self, error: OSError) -> None:
        """Let connections end: the next one would fail as this one did."""
        log.error("no connection can be accepted now: %s", error.strerror or type(error).__name__)
        self._loop.remove_reader(self._listener.fileno())
        self._pause = self._loop.call_later(PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener.fileno(), self._accept)

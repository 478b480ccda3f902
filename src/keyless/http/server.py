"""The server under the kernel: connections over TLS on sockets that are handed to it, and their end.

Owns who is let in, how many there may be, and that what is under way is finished first. Must not know HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from socket import socket

from keyless.http.acceptor import Acceptor
from keyless.http.hosts import Hosts
from keyless.http.http1 import Http1, Service
from keyless.http.message import Request, Response
from keyless.model.app import Lease

#: How long what is under way may take when the server ends.
GRACE_SECONDS = 10.0
#: How many connections there may be, and how many more are told that these are too many before they are closed.
MAX_CONNECTIONS = 12_000
SPARE_CONNECTIONS = 64


class HttpServer:
    """Serves one kernel: over TLS on TCP sockets, and in the clear on connections that carry a lease."""

    def __init__(
        self,
        dispatch: Callable[[Request], Awaitable[Response]],
        hosts: Hosts,
        new_id: Callable[[], str],
        context: ssl.SSLContext,
        connections: int = MAX_CONNECTIONS,
    ) -> None:
        """`dispatch` answers a request and never raises; `new_id` names requests (`request_ids.py`)."""
        self._service = Service(dispatch, hosts, new_id)
        self._context = context
        self._connections = connections
        self._acceptors: list[Acceptor] = []
        self._accepting = asyncio.Event()
        self._stopping = asyncio.Event()

    def protocol(self, lease: Lease | None = None) -> Http1:
        """A protocol for one more connection; after a lease's preamble, its requests carry that lease."""
        full = len(self._service.connections) >= self._connections
        return Http1(self._service, lease, full=full)

    async def serve(self, sockets: list[socket]) -> None:
        """Serve until `stop`; then finish what is under way."""
        opened, limit = self._service.connections.__len__, self._connections + SPARE_CONNECTIONS
        self._acceptors = [Acceptor(one, self._context, self.protocol, opened, limit) for one in sockets]
        self._accepting.set()
        await self._stopping.wait()
        for acceptor, one in zip(self._acceptors, sockets, strict=True):
            acceptor.close()
            one.close()
        for connection in list(self._service.connections):
            connection.end()
        await self._finish()
        for acceptor in self._acceptors:
            await acceptor.wait_closed()

    async def started(self) -> None:
        """Return once it accepts connections."""
        await self._accepting.wait()

    def stop(self) -> None:
        """Accept nothing more; returns at once."""
        self._stopping.set()

    async def _finish(self) -> None:
        service = self._service
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                if service.connections:
                    service.empty.clear()
                    await service.empty.wait()
                await asyncio.gather(*(asyncio.shield(task) for task in service.tasks))
        for task in list(service.tasks):
            task.cancel()
        for connection in list(service.connections):
            connection.abort()

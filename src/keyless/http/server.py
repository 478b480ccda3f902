"""The server under the kernel: uvicorn with httptools, over TLS, on sockets that are handed to it.

Owns its settings and its end. The only module that knows uvicorn.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Generator
from socket import socket

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from keyless.http.asgi import OWN_NAMES, Application
from keyless.model.app import Lease

KEEP_ALIVE_SECONDS = 75
GRACE_SECONDS = 10
FAREWELL_SECONDS = 0.5


class _Protocol(HttpToolsProtocol):
    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what ASGI does not: how the client spelt the names that are its own."""
        super().on_header(name, value)
        if self.headers[-1][0].startswith(OWN_NAMES):
            self.headers[-1] = (name, value)

    def shutdown(self) -> None:
        """Close the connection if it is idle, else after its answer, as the server stops."""
        super().shutdown()
        if self.transport.is_closing():
            # TLS ends when both sides have said so, and a client's pool of idle connections never does
            self.loop.call_later(FAREWELL_SECONDS, self.transport.abort)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the program's affair (`bootstrap`), not uvicorn's."""
        yield


class HttpServer:
    """Serves one application: over TLS on TCP sockets, and in the clear on connections that carry a lease."""

    def __init__(self, application: Application, context: ssl.SSLContext) -> None:
        self._config = uvicorn.Config(
            application,
            http=_Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=2048,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._config.load()
        self._config.ssl = context
        self._server = _Server(self._config)

    def protocol(self, lease: Lease) -> asyncio.Protocol:
        """A protocol for a connection whose preamble has been read: its requests carry `lease`."""
        return _Protocol(self._config, self._server.server_state, {"lease": lease})

    async def serve(self, sockets: list[socket]) -> None:
        """Serve until `stop`; then finish what is under way."""
        await self._server.serve(sockets=sockets)

    async def started(self) -> None:
        """Return once it accepts connections."""
        await self._server.accepting.wait()

    def stop(self) -> None:
        """Accept nothing more; returns at once."""
        self._server.should_exit = True

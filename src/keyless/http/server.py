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
#: How long a client may take to send a request's head, and how many bytes that may have.
HEAD_SECONDS = 30.0
MAX_HEAD = 64 * 1024
#: How many requests a client may send before it has read an answer.
MAX_PIPELINED = 1000
#: How long an idle client may take to notice that the server ends.
IDLE_SECONDS = 1.0
_HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with limits where it has none.

    They are on what brings a request no further (a head, and what stands around a body: trailers, chunk extensions),
    on requests that wait for their turn, and on the end of a connection.
    """

    _in_head = True
    _idle = 0
    _advanced = False
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        self._advanced = False
        super().data_received(data)
        if self.transport.is_closing():  # what it sent could not be read; who floods does not wait to be told
            self.loop.call_later(IDLE_SECONDS, self.transport.abort)
            return
        if len(self.pipeline) > MAX_PIPELINED:
            self.transport.abort()
            return
        self._idle = 0 if self._advanced else self._idle + len(data)
        if self._idle > MAX_HEAD:
            self._break_off()
        elif self._in_head and not self._advanced and self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _break_off(self) -> None:
        if self._in_head and (self.cycle is None or self.cycle.response_complete):
            self.transport.write(_HEAD_TOO_LARGE)
        self.transport.close()
        self.loop.call_later(IDLE_SECONDS, self.transport.abort)

    def on_headers_complete(self) -> None:
        self._in_head, self._advanced = False, True
        self._forget_deadline()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._advanced = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head, self._advanced = True, True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.pipeline:  # what was sent already comes first
            self.flow.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what ASGI does not: how the client spelt the names that are its own."""
        super().on_header(name, value)
        if self.headers[-1][0].startswith(OWN_NAMES):
            self.headers[-1] = (name, value)

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():  # a client with nothing to wait for may never say goodbye
            self.loop.call_later(IDLE_SECONDS, self.transport.abort)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


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

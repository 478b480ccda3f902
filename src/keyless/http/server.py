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

from keyless.http.acceptor import Acceptor
from keyless.http.asgi import OWN_NAMES, Application, Receive, Scope, Send
from keyless.model.app import Lease

KEEP_ALIVE_SECONDS = 75
GRACE_SECONDS = 10
#: How long a client may take to send a request's head, and how many bytes that may have.
HEAD_SECONDS = 30.0
MAX_HEAD = 64 * 1024
#: A body has to bring so many bytes in each such time in which the server takes them; else the client has gone, or
#: means harm.
BODY_SECONDS = 60.0
MIN_BODY = 1024
#: How long a client may take to read what lies ready for it.
READ_SECONDS = 300.0
#: How many connections there may be, and how many more are told that these are too many before they are closed.
MAX_CONNECTIONS = 12_000
SPARE_CONNECTIONS = 64
#: How many requests a client may send before it has read an answer.
MAX_PIPELINED = 1000
#: How long an idle client may take to notice that the server ends.
IDLE_SECONDS = 1.0
_TOO_MANY = b"Too many connections are open: try again soon.\n"
_HEAD_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with limits where it has none.

    They are on what brings a request no further (a head, and what stands around a body: trailers, chunk extensions),
    on bodies that stall and answers that nobody reads, on requests that wait for their turn, and on the end of a
    connection.
    """

    _in_head = True
    _idle = 0
    _advanced = False
    _deadline: asyncio.TimerHandle | None = None
    _body_timer: asyncio.TimerHandle | None = None
    _body_bytes = 0
    _body_paused = False
    _read_timer: asyncio.TimerHandle | None = None

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
        if not self._in_head:
            self._body_bytes += len(data)
            self._body_paused = self._body_paused or self.flow.read_paused
            if self._body_timer is None:
                self._watch_body()
        self._idle = 0 if self._advanced else self._idle + len(data)
        if self._idle > MAX_HEAD:
            self._break_off()
        elif self._in_head and not self._advanced and self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _watch_body(self) -> None:
        self._body_bytes, self._body_paused = 0, self.flow.read_paused
        self._body_timer = self.loop.call_later(BODY_SECONDS, self._check_body)

    def _check_body(self) -> None:
        if self._body_bytes < MIN_BODY and not self._body_paused:
            self.transport.abort()
        else:
            self._watch_body()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._read_timer is None:
            self._read_timer = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._read_timer = _cancelled(self._read_timer)

    def _break_off(self) -> None:
        if self._in_head and (self.cycle is None or self.cycle.response_complete):
            self.transport.write(_HEAD_TOO_LARGE)
        self.transport.close()
        self.loop.call_later(IDLE_SECONDS, self.transport.abort)

    def on_headers_complete(self) -> None:
        self._in_head, self._advanced = False, True
        self._deadline = _cancelled(self._deadline)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._advanced = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head, self._advanced = True, True
        self._body_timer = _cancelled(self._body_timer)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.pipeline:  # what was sent already comes first
            self.flow.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline = _cancelled(self._deadline)
        self._body_timer = _cancelled(self._body_timer)
        self._read_timer = _cancelled(self._read_timer)
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


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Stop a timer; what to keep in its place."""
    if timer is not None:
        timer.cancel()
    return None


async def _too_many(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"text/plain"), (b"retry-after", b"5"), (b"connection", b"close")]
    headers.append((b"content-length", str(len(_TOO_MANY)).encode()))
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": _TOO_MANY})


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, context: ssl.SSLContext, connections: int) -> None:
        super().__init__(config)
        self._context = context
        self._connections = connections
        self.accepting = asyncio.Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """uvicorn's, but for who accepts."""
        opened = self.server_state.connections.__len__
        limit = self._connections + SPARE_CONNECTIONS
        self.servers = [Acceptor(one, self._context, self.protocol, opened, limit) for one in sockets or ()]  # type: ignore[misc]
        self.started = True
        self.accepting.set()

    def protocol(self, lease: Lease | None = None) -> _Protocol:
        """A protocol for one more connection."""
        made = _Protocol(self.config, self.server_state, {"lease": lease} if lease else {})
        if len(self.server_state.connections) >= self._connections:
            made.app = _too_many
        return made

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the program's affair (`bootstrap`), not uvicorn's."""
        yield


class HttpServer:
    """Serves one application: over TLS on TCP sockets, and in the clear on connections that carry a lease."""

    def __init__(self, application: Application, context: ssl.SSLContext, connections: int = MAX_CONNECTIONS) -> None:
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
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._config.load()
        self._server = _Server(self._config, context, connections)

    def protocol(self, lease: Lease) -> asyncio.Protocol:
        """A protocol for a connection whose preamble has been read: its requests carry `lease`."""
        return self._server.protocol(lease)

    async def serve(self, sockets: list[socket]) -> None:
        """Serve until `stop`; then finish what is under way."""
        await self._server.serve(sockets=sockets)

    async def started(self) -> None:
        """Return once it accepts connections."""
        await self._server.accepting.wait()

    def stop(self) -> None:
        """Accept nothing more; returns at once."""
        self._server.should_exit = True

"""Two connections made into one: bytes go both ways with bounded buffers, and one side may end before the other.

Owns the asyncio side of every connection of the launcher. Knows no protocol but the end of an HTTP header block.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar, cast

from keyless.model.errors import ErrorKind, KeylessError, invalid

MAX_HEAD = 32 * 1024
HEAD_SECONDS = 30.0
HANDSHAKE_SECONDS = 10.0
#: How long something that is restarting is waited for.
PATIENCE_SECONDS = 30.0
#: What the child said before it ended may still be on its way out.
DRAIN_SECONDS = 2.0
#: Bytes kept of a side that has no other side yet.
MAX_HELD = 64 * 1024

if TYPE_CHECKING:
    from ssl import SSLContext

AWAY = "The keyless server is away: start it with `keyless up`."

T = TypeVar("T")


class Endpoint(asyncio.Protocol):
    """One side. Until it is joined to another it keeps what arrives, up to a limit."""

    def __init__(self, connected: Callable[[Endpoint], None] | None = None) -> None:
        self._connected = connected
        self._held = bytearray()
        self._other: Endpoint | None = None
        self._ended = False
        self._deaf = False
        self._news = asyncio.Event()
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self._connected is not None:
            self._connected(self)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if self._other is not None:
            self._other.transport.write(data)
            return
        self._held += data
        if len(self._held) >= MAX_HELD:
            self.transport.pause_reading()
        self._news.set()

    def eof_received(self) -> bool:
        self._ended = True
        self._news.set()
        if self._other is not None:
            self._other.finish(also_ended=self)
        return self.transport.can_write_eof()  # the other direction goes on, where there can be one way alone

    def connection_lost(self, error: Exception | None) -> None:
        self._ended = True
        self._news.set()
        if not self.lost.done():
            self.lost.set_result(None)
        if self._other is not None:
            self._other.transport.close()

    def pause_writing(self) -> None:
        if self._other is not None:
            self._other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None:
            self._other.transport.resume_reading()

    def finish(self, also_ended: Endpoint) -> None:
        """No more goes out here; once both sides have ended, both are closed."""
        if self._ended:
            self.transport.close()
            also_ended.transport.close()
        elif not self.transport.can_write_eof():
            self.transport.close()
        elif not self.transport.is_closing():
            with suppress(OSError):
                self.transport.write_eof()

    def join(self, other: Endpoint) -> None:
        """Make one connection of the two, beginning with what each has kept."""
        self._other, other._other = other, self
        both = ((self, other), (other, self))
        for side, opposite in both:
            side.transport.resume_reading()
            opposite.transport.write(bytes(side._held))
            side._held.clear()
        for side, opposite in both:
            if side.lost.done():
                opposite.transport.close()
            elif side._ended:
                opposite.finish(also_ended=side)

    def is_spent(self) -> bool:
        """Whether all that will ever come from this side has gone out at the other."""
        return self._ended and (self._other is None or self._other.transport.get_write_buffer_size() == 0)

    def answer(self, data: bytes) -> None:
        """Send `data` and close."""
        if not self.transport.is_closing():
            self.transport.write(data)
        self.transport.close()

    def drop_input(self) -> None:
        """Take nothing more from the peer, whatever it sends."""
        self._held.clear()
        self._deaf = True

    async def start_tls(self, context: SSLContext) -> None:
        """From now on speak TLS as the server; raises OSError. Reading has been paused since the beginning."""
        try:
            secured = await asyncio.get_running_loop().start_tls(
                self.transport, self, context, server_side=True, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
            if secured is None:
                raise ConnectionError("the peer has gone")
            self.transport = secured
        except BaseException:
            self.transport.abort()
            self.connection_lost(None)  # nobody else says so
            raise

    async def read_all(self) -> bytes:
        """All that the peer sends until it ends; raises ConnectionError beyond a limit."""
        while not self._ended:
            if len(self._held) >= MAX_HELD:
                raise ConnectionError("too much came")
            self._news.clear()
            await self._news.wait()
        return bytes(self._held)

    async def read_head(self) -> bytes:
        """Take a header block off what arrived, with the empty line that ends it; what follows is kept.

        Returns nothing when the peer ended without a word. Raises TOO_LARGE, or INVALID when it takes too long or
        ends halfway.
        """
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                while (end := self._held.find(b"\r\n\r\n")) < 0 and len(self._held) <= MAX_HEAD:
                    if self._ended:
                        if self._held:
                            raise invalid("The request ended before its header block did.")
                        return b""
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise invalid(f"No whole request came within {HEAD_SECONDS:.0f} seconds.") from None
        if end < 0 or end + 4 > MAX_HEAD:
            raise KeylessError(ErrorKind.TOO_LARGE, f"The header block is longer than {MAX_HEAD} bytes.")
        head = bytes(self._held[: end + 4])
        del self._held[: end + 4]
        return head


async def connect_to(host: str, port: int) -> Endpoint:
    """A connection to a host; raises OSError."""
    loop = asyncio.get_running_loop()
    _, endpoint = await loop.create_connection(Endpoint, host, port, happy_eyeballs_delay=0.25)
    return endpoint


async def patiently(attempt: Callable[[], Awaitable[T]], away: str) -> T:
    """The result of `attempt`, tried again after each OSError; after `PATIENCE_SECONDS` UNAVAILABLE with `away`."""
    pause = 0.05
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await attempt()
                except OSError:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, 1.0)
    except TimeoutError:
        raise KeylessError(ErrorKind.UNAVAILABLE, away) from None


class Port:
    """A listening socket whose connections are admitted, counted, and handled each in a task of its own."""

    def __init__(
        self,
        listening: socket.socket,
        handle: Callable[[Endpoint], Awaitable[None]],
        *,
        admit: Callable[[socket.socket], bool],
        limit: int,
        tls: SSLContext | None = None,
    ) -> None:
        self._tls = tls
        self._listening = listening
        self._handle = handle
        self._admit = admit
        self._limit = limit
        self._handling: dict[Endpoint, asyncio.Task[None]] = {}

    async def open(self) -> None:
        """Begin to accept."""
        loop = asyncio.get_running_loop()
        await loop.create_server(lambda: Endpoint(self._accept), sock=self._listening, backlog=512)

    async def drain(self) -> None:
        """Wait, for a little while, until what clients said before they ended has been passed on."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < deadline and not all(client.is_spent() for client in self._handling):  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    def _accept(self, client: Endpoint) -> None:
        connection: socket.socket = client.transport.get_extra_info("socket")
        if len(self._handling) >= self._limit or not self._admit(connection):
            client.transport.abort()
            return
        if self._tls is not None:
            client.transport.pause_reading()
        self._handling[client] = asyncio.ensure_future(self._run(client))
        client.lost.add_done_callback(lambda _: self._handling.pop(client).cancel())

    async def _run(self, client: Endpoint) -> None:
        try:
            if self._tls is not None:
                try:
                    await client.start_tls(self._tls)
                except OSError:
                    return
            await self._handle(client)
        except BaseException:
            client.transport.abort()
            raise

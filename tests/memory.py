"""A connection to the server's protocol without a socket: bytes go in, and what comes out is kept.

Owns the transport that stands in for a real one, flow control included, and the reading of one answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httptools

from keyless.http.http1 import Http1

PIECE = 64 * 1024


class MemoryTransport(asyncio.Transport):
    """Keeps what is sent; `closed` is set when the protocol, or the test, has closed it."""

    def __init__(self, protocol: Http1, peer: str = "") -> None:
        super().__init__({"peername": (peer, 50_000)} if peer else None)
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self.sent = bytearray()
        self.writes = 0
        self.reading = True
        self.closed = asyncio.Event()
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not self.closed.is_set():
            self.sent += data
            self.writes += 1

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        self.write(b"".join(list_of_data))

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def close(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    async def feed(self, data: bytes) -> None:
        """Send as a client does: no faster than the server reads, and nothing after the end."""
        for at in range(0, len(data), PIECE):
            while not self.reading and not self.closed.is_set():
                await asyncio.sleep(0)
            if self.closed.is_set():
                return
            self._protocol.data_received(data[at : at + PIECE])


@dataclass
class Answer:
    """One answer as a client reads it; `whole` if it did not break off."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    whole: bool = False

    # httptools calls these

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.whole = True


async def exchange(protocol: Http1, request: bytes, peer: str = "") -> Answer:
    """One request, which has to ask for the end of the connection, and its answer."""
    transport = MemoryTransport(protocol, peer)
    await transport.feed(request)
    await transport.closed.wait()
    return read_answer(bytes(transport.sent), head_only=request.startswith(b"HEAD "))


def read_answer(data: bytes, *, head_only: bool = False) -> Answer:
    """The one answer in these bytes."""
    answer = Answer()
    parser = httptools.HttpResponseParser(answer)
    parser.feed_data(data)
    answer.status = parser.get_status_code()
    answer.whole = answer.whole or head_only
    return answer

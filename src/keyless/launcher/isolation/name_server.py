"""The name server inside: claimed names lead to keyless; all others are asked of the machine's own servers.

Owns the two sockets' traffic. Its questions go out from where the launcher is, so that a name server on the machine's
loopback is reached as well. Without a way out there is nobody to ask, and it refuses.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from keyless.launcher.isolation import dns
from keyless.launcher.lease import Claims
from keyless.launcher.routes import is_claimed
from keyless.model.errors import KeylessError

PORT = 53
ANSWER_SECONDS = 3.0
IDLE_SECONDS = 10.0
#: Questions that are being asked at one time, and connections; more are dropped, and clients ask again.
MAX_ASKED = 512
MAX_CONNECTIONS = 64


class NameServer:
    """Answers questions; `servers` are the addresses of those who know other names."""

    def __init__(self, claims: Claims, address: str, servers: Sequence[str], port: int = PORT) -> None:
        self._claims = claims
        self._address = address
        self._servers = servers
        self._port = port
        self._asked: set[asyncio.Task[None]] = set()
        self._connections = 0

    async def open(self, datagrams: socket.socket, streams: socket.socket) -> None:
        """Begin to answer on a UDP socket and on a listening TCP socket."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=datagrams)
        await asyncio.start_server(self._serve, sock=streams)

    async def answer(self, message: bytes, *, over_tcp: bool) -> bytes:
        """The answer to a message; nothing for what is no query."""
        try:
            query = dns.read_query(message)
        except KeylessError:
            return b""
        if is_claimed(query.name, self._claims):
            return dns.answer(query, (self._address,))
        ask = _over_tcp if over_tcp else _over_udp
        for server in self._servers:
            with suppress(OSError, TimeoutError, IncompleteReadError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await ask(server, self._port, message, query)
        return dns.failure(query, dns.SERVER_FAILURE if self._servers else dns.REFUSED)

    def take(self, message: bytes, reply: _Datagrams, client: object) -> None:
        """Answer a datagram, unless too many wait."""
        if len(self._asked) < MAX_ASKED:
            task = asyncio.ensure_future(reply.answer(message, client))
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._connections += 1
        try:
            while self._connections <= MAX_CONNECTIONS:
                async with asyncio.timeout(IDLE_SECONDS):
                    message = await _read(reader)
                answer = await self.answer(message, over_tcp=True)
                if not answer:
                    return
                writer.write(dns.frame(answer))
                async with asyncio.timeout(IDLE_SECONDS):
                    await writer.drain()
        except (OSError, TimeoutError, IncompleteReadError):
            return
        finally:
            self._connections -= 1
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._server.take(data, self, addr)

    async def answer(self, message: bytes, client: object) -> None:
        answer = await self._server.answer(message, over_tcp=False)
        if answer:
            self._transport.sendto(answer, cast("tuple[str, int]", client))


async def _over_udp(server: str, port: int, message: bytes, query: dns.Query) -> bytes:
    # a socket for each question: its port is one more thing that a forged answer would have to guess
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(asking, (server, port))
        await loop.sock_sendall(asking, message)
        while True:
            answer = await loop.sock_recv(asking, dns.MAX_DATAGRAM)
            if dns.answers(answer, query):
                return answer


async def _over_tcp(server: str, port: int, message: bytes, query: dns.Query) -> bytes:
    reader, writer = await asyncio.open_connection(server, port)
    try:
        writer.write(dns.frame(message))
        answer = await _read(reader)
    finally:
        writer.close()
    if not dns.answers(answer, query):
        raise ConnectionError("the server answered something else")
    return answer


async def _read(reader: StreamReader) -> bytes:
    return await reader.readexactly(dns.length_of(await reader.readexactly(2)))

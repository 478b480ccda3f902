"""The server's limits on connections and on their pace, each with a server of the test's own and short times."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from keyless.http import acceptor, http1
from keyless.http import server as http_server
from keyless.http.hosts import Hosts
from keyless.http.message import Request, Response
from keyless.http.tls import TlsStore
from keyless.model.errors import KeylessError
from keyless.model.secretstr import SecretStr
from keyless.store.private_file import write_private

NAME = "x.keyless.localhost"
MIB = 1024 * 1024


class Served:
    """A server that reads the body, then answers with `answer` bytes."""

    def __init__(self, folder: Path, connections: int = 100) -> None:
        tls = TlsStore(folder / "tls", SecretStr("p"), "keyless.localhost", (), time.time, write=write_private)
        tls.ensure()
        self.client = ssl.create_default_context(cafile=str(folder / "tls" / "own-ca.pem"))
        hosts = Hosts("keyless.localhost")
        self.http = http_server.HttpServer(self._dispatch, hosts, lambda: "id", tls.server_context(), connections)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.slowness = 0.0
        self.answer = 2
        self.bodies: list[int] = []

    async def _dispatch(self, request: Request) -> Response:
        size = 0
        try:
            async for chunk in request.body.stream():
                size += len(chunk)
                await asyncio.sleep(self.slowness)
        except KeylessError:
            return Response(400)
        self.bodies.append(size)
        return Response(200, self._zeros(), length=self.answer)

    async def _zeros(self) -> AsyncIterator[bytes]:
        for at in range(0, self.answer, MIB):
            yield bytes(min(MIB, self.answer - at))

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.client, server_hostname=NAME)

    async def settled(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that the server has counted, which is a little after its client has it."""
        made = await self.connect()
        await asyncio.sleep(0.05)
        return made

    async def is_served(self) -> bool:
        """Whether a new connection gets an answer."""
        try:
            reader, writer = await self.connect()
        except OSError:
            return False
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await asyncio.wait_for(reader.read(12), 5)
        writer.close()
        return head == b"HTTP/1.1 200"


@asynccontextmanager
async def served(folder: Path, connections: int = 100) -> AsyncIterator[Served]:
    one = Served(folder, connections)
    task = asyncio.create_task(one.http.serve([one.listener]))
    await one.http.started()
    try:
        yield one
    finally:
        one.http.stop()
        await task


async def closed(reader: asyncio.StreamReader, seconds: float = 3) -> bytes:
    """What comes until the server closes, which must not take longer than this."""
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), seconds)
    return b""


HEAD = b"PUT / HTTP/1.1\r\nHost: x\r\n"
BODIES = {
    "nothing of it": HEAD + b"Content-Length: 100000\r\n\r\n",
    "some of it": HEAD + b"Content-Length: 100000\r\n\r\n" + b"x" * 5000,
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\nxxxx",
    "no last chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nxxxx\r\n",
}


@pytest.mark.parametrize("begin", BODIES)
async def test_a_body_that_stalls_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, begin: str) -> None:
    monkeypatch.setattr(http1, "BODY_SECONDS", 0.2)
    async with served(tmp_path) as one:
        reader, writer = await one.connect()
        writer.write(BODIES[begin])
        started = time.monotonic()
        assert await closed(reader) == b""
        assert time.monotonic() - started < 2
        assert one.bodies == []
        assert await one.is_served()
        writer.close()


async def test_a_body_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(http1, "BODY_SECONDS", 0.2)
    async with served(tmp_path) as one:
        reader, writer = await one.connect()
        writer.write(HEAD + b"Content-Length: 100000\r\n\r\n")
        end = asyncio.ensure_future(closed(reader))
        for _ in range(200):
            await asyncio.sleep(0.01)
            writer.write(b"x")
            if end.done():
                break
        assert await end == b""
        assert one.bodies == []
        writer.close()


async def test_a_slow_body_that_gets_on_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(http1, "BODY_SECONDS", 0.2)
    async with served(tmp_path) as one:
        reader, writer = await one.connect()
        for _ in range(2):  # the second request on a connection has a time of its own
            writer.write(HEAD + b"Content-Length: 20000\r\n\r\n")
            for _ in range(10):
                writer.write(b"x" * 2000)
                await asyncio.sleep(0.08)
            assert b"200" in await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
            await asyncio.sleep(0.3)
        assert one.bodies == [20_000, 20_000]
        writer.close()


async def test_a_server_that_is_slow_itself_does_not_blame_the_client(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(http1, "BODY_SECONDS", 0.1)
    async with served(tmp_path) as one:
        one.slowness = 0.5
        reader, writer = await one.connect()
        writer.write(HEAD + b"Content-Length: 400000\r\n\r\n" + b"x" * 400_000)
        assert b"200" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        assert one.bodies == [400_000]
        writer.close()


async def test_an_answer_that_nobody_reads_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(http1, "READ_SECONDS", 0.3)
    async with served(tmp_path) as one:
        one.answer = 64 * MIB
        with (
            socket.create_connection(("127.0.0.1", one.port)) as plain,
            one.client.wrap_socket(plain, server_hostname=NAME, do_handshake_on_connect=False) as wire,
        ):
            await asyncio.to_thread(wire.do_handshake)
            wire.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.sleep(1)
            received = await asyncio.to_thread(_drained, wire)
        assert received < 64 * MIB
        one.answer = 2
        assert await one.is_served()


def _drained(wire: ssl.SSLSocket) -> int:
    size = 0
    with contextlib.suppress(OSError):
        while data := wire.recv(MIB):
            size += len(data)
    return size


async def test_a_handshake_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(acceptor, "HANDSHAKE_SECONDS", 0.2)
    async with served(tmp_path) as one:
        for begin in (b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
            writer.write(begin)
            assert b"HTTP" not in await closed(reader)
            writer.close()
        assert await one.is_served()


async def test_too_many_connections_are_told_so_and_then_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(http_server, "SPARE_CONNECTIONS", 2)
    async with served(tmp_path, connections=5) as one:
        held = [await one.settled() for _ in range(5)]
        told = [await one.settled() for _ in range(2)]
        # those beyond do not get as far as a handshake
        for _ in range(3):
            with pytest.raises((OSError, EOFError)):
                await one.connect()
        for reader, writer in told:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = await closed(reader)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 5\r\n" in answer
            assert answer.endswith(b"Too many connections are open: try again soon.\n")
            writer.close()
        # who was there before is served as ever
        reader, writer = held[0]
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        for _, writer in held:
            writer.close()
        async with asyncio.timeout(5):
            while not await one.is_served():
                await asyncio.sleep(0.02)


async def test_handshakes_count_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(http_server, "SPARE_CONNECTIONS", 0)
    async with served(tmp_path, connections=3) as one:
        silent = [await asyncio.open_connection("127.0.0.1", one.port) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert not await one.is_served()
        for _, writer in silent:
            writer.close()
        async with asyncio.timeout(5):
            while not await one.is_served():
                await asyncio.sleep(0.02)


async def test_no_descriptor_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(acceptor, "PAUSE_SECONDS", 0.05)
    async with served(tmp_path) as one:

        class Exhausted:
            def accept(self) -> None:
                raise OSError(24, os.strerror(24))

            def fileno(self) -> int:
                return one.listener.fileno()

        (accepting,) = one.http._acceptors
        listener = accepting._listener
        accepting._listener = Exhausted()  # type: ignore[assignment]
        waiting = asyncio.create_task(one.is_served())
        await asyncio.sleep(0.3)
        assert not waiting.done()
        accepting._listener = listener
        assert await asyncio.wait_for(waiting, 5)
        assert "Too many open files" in caplog.text
        assert len(caplog.records) < 10


async def test_the_end_does_not_wait_for_handshakes(tmp_path: Path) -> None:
    started = time.monotonic()
    async with served(tmp_path) as one:
        _, writer = await asyncio.open_connection("127.0.0.1", one.port)
        await asyncio.sleep(0.05)
    writer.close()
    assert time.monotonic() - started < 3

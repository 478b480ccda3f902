from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from keyless.launcher import proxy as proxy_module
from keyless.launcher import relay
from keyless.launcher.lease import Address, Claims
from keyless.launcher.proxy import Proxy
from keyless.launcher.relay import Port
from keyless.launcher.routes import UserProxies, user_proxies

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Place:
    """Loopback servers, and a proxy between."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, handler: Handler, port: int = 0) -> int:
        async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await handler(reader, writer)
            writer.close()

        server = await asyncio.start_server(guarded, "127.0.0.1", port)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def proxy(
        self, server: int = 1, user: UserProxies | None = None, limit: int = 10, *, isolated: bool = False
    ) -> int:
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        claims = Claims("keyless.localhost", ("*.vault.azure.net",))
        through = Proxy(Address("127.0.0.1", server), claims, user or user_proxies({}), isolated=isolated)
        await Port(listening, through.handle, admit=lambda connection: True, limit=limit).open()
        return int(listening.getsockname()[1])

    async def connect(self, port: int) -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        self._writers.append(writer)
        return reader, writer

    async def tunnel(self, port: int, target: str) -> Streams:
        reader, writer = await self.connect(port)
        writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"
        return reader, writer

    async def ask(self, port: int, request: bytes) -> bytes:
        reader, writer = await self.connect(port)
        writer.write(request)
        return await asyncio.wait_for(reader.read(), 20)

    def close(self) -> None:
        for writer in self._writers:
            writer.close()
        for server in self._servers:
            server.close()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    yield made
    made.close()
    await asyncio.sleep(0)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says how much came once the peer has ended its half."""
    writer.write(b"%d bytes" % len(await reader.read()))


async def show(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Shows the request in its answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(4) if head.startswith(b"POST") else b""
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + head + body)


async def test_a_claimed_name_leads_to_the_server_whatever_the_port(place: Place) -> None:
    port = await place.proxy(await place.serve(echo))
    for target in ("shop.vault.azure.net:443", "login.keyless.localhost:8443", "KEYLESS.localhost.:1"):
        reader, writer = await place.tunnel(port, target)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"


async def test_any_other_host_is_reached_directly(place: Place) -> None:
    target = await place.serve(echo)
    reader, writer = await place.tunnel(await place.proxy(), f"localhost:{target}")
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"


async def test_a_request_may_come_byte_by_byte_and_with_more_behind_it(place: Place) -> None:
    target = await place.serve(count)
    reader, writer = await place.connect(await place.proxy())
    for byte in f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\n\r\nearly".encode():
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"late")
    writer.write_eof()
    assert await reader.read() == b"9 bytes"


async def test_one_half_may_end_before_the_other(place: Place) -> None:
    reader, writer = await place.tunnel(await place.proxy(), f"127.0.0.1:{await place.serve(count)}")
    writer.write(b"x" * 1_000_000)
    writer.write_eof()
    assert await reader.read() == b"1000000 bytes"


async def test_the_servers_end_reaches_the_client(place: Place) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")

    reader, _ = await place.tunnel(await place.proxy(), f"127.0.0.1:{await place.serve(hang_up)}")
    assert await asyncio.wait_for(reader.read(), 10) == b"bye"


async def test_a_slow_reader_slows_the_sender_down(place: Place) -> None:
    sent = 0
    gate = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(640):
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536
        gate.set()

    target = await place.serve(flood)
    reader, _ = await place.tunnel(await place.proxy(), f"127.0.0.1:{target}")
    before = -1
    while before != sent:
        before = sent
        await asyncio.sleep(0.2)
    assert sent < 640 * 65536 / 2
    total = 0
    while data := await reader.read(1 << 20):
        total += len(data)
    assert total == 640 * 65536
    assert gate.is_set()


async def test_a_plain_request_is_forwarded_and_its_connection_closed(place: Place) -> None:
    target = await place.serve(show)
    request = (
        f"POST http://localhost:{target}/a?b HTTP/1.1\r\nHost: x\r\nProxy-Connection: keep-alive\r\n"
        "Content-Length: 4\r\n\r\nbody"
    )
    answer = await place.ask(await place.proxy(), request.encode())
    shown = f"POST /a?b HTTP/1.1\r\nHost: localhost:{target}\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
    assert answer.partition(b"\r\n\r\n")[2].decode() == shown


async def test_a_plain_request_for_a_name_of_ours_is_told_to_use_https(place: Place) -> None:
    answer = await place.ask(await place.proxy(), b"GET http://shop.vault.azure.net/ HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b"keyless: shop.vault.azure.net answers https only: ask for an https:// address.\n")


async def test_the_users_proxy_is_asked_for_all_that_is_not_ours(place: Place) -> None:
    asked = []

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 Yes\r\nX: y\r\n\r\n")
        await echo(reader, writer)

    url = f"http://user:pass@127.0.0.1:{await place.serve(upstream)}"
    server = await place.serve(count)
    port = await place.proxy(server, user_proxies({"HTTPS_PROXY": url, "NO_PROXY": "exempt.test"}))
    reader, writer = await place.tunnel(port, "example.com:443")
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    authority = b"example.com:443"
    expected = b"CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n"
    assert asked == [expected % (authority, authority)]
    _, writer = await place.tunnel(port, "shop.vault.azure.net:443")
    assert len(asked) == 1


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Who are you?\r\n\r\n", b"", b"x" * 40_000, b"garbage"])
async def test_a_refusal_of_the_users_proxy_is_passed_on_as_an_error(place: Place, answer: bytes) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    upstream = await place.serve(refuse)
    user = user_proxies({"HTTPS_PROXY": f"http://user:pass@127.0.0.1:{upstream}"})
    said = await place.ask(await place.proxy(user=user), b"CONNECT example.com:443 HTTP/1.1\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 502 ")
    assert f"keyless: The proxy 127.0.0.1:{upstream} ".encode() in said
    assert b"pass" not in said


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\r\n\r\n", 400),
        (b"CONNECT h HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT h:443 HTTP/1.1\r\nX: " + b"x" * relay.MAX_HEAD, 400),
        (b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n", 502),
        (b"CONNECT no-such-host.invalid:443 HTTP/1.1\r\n\r\n", 502),
    ],
)
async def test_what_cannot_be_done_is_answered_with_a_sentence(place: Place, request_head: bytes, status: int) -> None:
    answer = await place.ask(await place.proxy(), request_head)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\n\r\nkeyless: " in answer
    assert answer.endswith(b".\n")


async def test_a_silent_client_is_not_waited_for(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "HEAD_SECONDS", 0.1)
    answer = await place.ask(await place.proxy(), b"CONNECT h:443 HTT")
    assert b"No whole request came within" in answer


async def test_a_server_that_restarts_is_waited_for(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holding:
        free = holding.getsockname()[1]
        port = await place.proxy(free)
    tunnel = asyncio.ensure_future(place.tunnel(port, "shop.vault.azure.net:443"))
    await asyncio.sleep(0.2)
    assert not tunnel.done()
    await place.serve(echo, free)
    reader, writer = await asyncio.wait_for(tunnel, 10)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"


async def test_but_not_for_ever_and_the_name_never_falls_through(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "PATIENCE_SECONDS", 0.2)
    tried = []
    connect = relay.connect_to

    async def recorded(host: str, port: int) -> relay.Endpoint:
        tried.append((host, port))
        return await connect(host, port)

    monkeypatch.setattr(proxy_module, "connect_to", recorded)
    answer = await place.ask(await place.proxy(1), b"CONNECT shop.vault.azure.net:443 HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"start it with `keyless up`" in answer
    assert set(tried) == {("127.0.0.1", 1)}
    assert len(tried) > 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.9.9.9", "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433"])
async def test_an_isolated_program_does_not_reach_this_machine(place: Place, host: str) -> None:
    listening = await asyncio.start_server(echo, "127.9.9.9" if host == "127.9.9.9" else "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    proxy = await place.proxy(await place.serve(echo), isolated=True)
    for request in (b"CONNECT %b:%d HTTP/1.1", b"GET http://%b:%d/ HTTP/1.1"):
        answer = await place.ask(proxy, request % (host.encode(), port) + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 "), answer
        assert b"which an isolated program does not reach" in answer
    # the server is reached by its names
    await place.tunnel(proxy, "shop.vault.azure.net:443")
    listening.close()


async def test_there_is_a_limit_to_connections_which_ends_with_them(place: Place) -> None:
    port = await place.proxy(await place.serve(echo), limit=1)
    _, writer = await place.tunnel(port, "shop.vault.azure.net:443")
    assert await place.ask(port, b"") == b""
    writer.close()
    await writer.wait_closed()
    for _ in range(100):
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await place.tunnel(port, "shop.vault.azure.net:443")
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the place was never free again")


async def test_a_client_that_gives_up_is_forgotten(place: Place) -> None:
    port = await place.proxy(1, limit=1)
    _, writer = await place.connect(port)
    writer.write(b"CONNECT shop.vault.azure.net:443 HTTP/1.1\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(0.1)
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    await asyncio.sleep(0.1)
    assert (await place.ask(port, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 400 ")

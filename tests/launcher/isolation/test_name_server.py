from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress

import pytest

from keyless.launcher.isolation import dns, name_server
from keyless.launcher.isolation.name_server import NameServer
from keyless.launcher.lease import Claims
from keyless.launcher.sockets import listen, receive
from tests.launcher.isolation.test_dns import SENT

CLAIMS = Claims("keyless.localhost", ("*.vault.azure.net",))
FOREIGN = SENT.replace(b"\5azure", b"\5other")


class Upstream(asyncio.DatagramProtocol):
    """The machine's own name server, which knows that every name is at 10.1.1.1; `spoil` changes what it says."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.spoil: Callable[[bytes], list[bytes]] = lambda answer: [answer]

    async def start(self, stack: AsyncExitStack) -> int:
        streams = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        stack.callback(streams.close)
        port: int = streams.sockets[0].getsockname()[1]
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", port)
        )
        stack.callback(transport.close)
        return port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        for answer in self._answers(data):
            self._transport.sendto(answer, addr)  # type: ignore[attr-defined]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        message = await reader.readexactly(dns.length_of(await reader.readexactly(2)))
        for answer in self._answers(message):
            writer.write(dns.frame(answer))
        writer.close()

    def _answers(self, message: bytes) -> list[bytes]:
        self.asked.append(message)
        return self.spoil(dns.answer(dns.read_query(message), ["10.1.1.1"]))


class Client:
    """Asks a name server that has nothing but its two sockets."""

    def __init__(self, datagrams: int, streams: int) -> None:
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.connect(("127.0.0.1", datagrams))
        self._udp.setblocking(False)
        self._streams = streams

    async def over_udp(self, message: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._udp, message)
        return await asyncio.wait_for(loop.sock_recv(self._udp, 4096), 5)

    async def over_tcp(self, *messages: bytes) -> list[bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._streams)
        writer.write(b"".join(map(dns.frame, messages)))
        answers: list[bytes] = []
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while len(answers) < len(messages):
                answers += [await reader.readexactly(dns.length_of(await reader.readexactly(2)))]
        writer.close()
        return answers

    def close(self) -> None:
        self._udp.close()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as made:
        yield made


@pytest.fixture
async def upstream() -> Upstream:
    return Upstream()


async def client_of(stack: AsyncExitStack, upstream: Upstream | None, *before: str) -> Client:
    """A client of a new name server that asks `before`, and then `upstream`."""
    port = await upstream.start(stack) if upstream else 1
    servers = (*before, "127.0.0.1") if upstream else before
    datagrams, streams = receive("127.0.0.1", 0), listen("127.0.0.1", 0)
    await NameServer(CLAIMS, "127.0.0.1", servers, port).open(datagrams, streams)
    made = Client(datagrams.getsockname()[1], streams.getsockname()[1])
    stack.callback(made.close)
    return made


def addresses(answer: bytes) -> bytes:
    return answer[-4:] if answer[7] else b""


async def test_claimed_names_are_answered_and_asked_of_nobody(stack: AsyncExitStack, upstream: Upstream) -> None:
    client = await client_of(stack, upstream)
    assert addresses(await client.over_udp(SENT)) == bytes([127, 0, 0, 1])
    assert list(map(addresses, await client.over_tcp(SENT, SENT))) == [bytes([127, 0, 0, 1])] * 2
    own = SENT[:12] + b"\1a\7keyless\x09localhost\0" + SENT[-4:]
    assert addresses(await client.over_udp(own)) == bytes([127, 0, 0, 1])
    assert upstream.asked == []


async def test_other_names_are_asked_of_the_machines_server_and_its_answer_is_passed_on(
    stack: AsyncExitStack, upstream: Upstream
) -> None:
    client = await client_of(stack, upstream)
    assert addresses(await client.over_udp(FOREIGN)) == bytes([10, 1, 1, 1])
    assert list(map(addresses, await client.over_tcp(FOREIGN, FOREIGN))) == [bytes([10, 1, 1, 1])] * 2
    assert upstream.asked == [FOREIGN] * 3


async def test_the_next_server_is_asked_when_one_does_not_answer(stack: AsyncExitStack, upstream: Upstream) -> None:
    client = await client_of(stack, upstream, "127.0.0.9")  # refuses connections
    assert addresses(await client.over_udp(FOREIGN)) == bytes([10, 1, 1, 1])
    assert list(map(addresses, await client.over_tcp(FOREIGN))) == [bytes([10, 1, 1, 1])]


async def test_a_forged_answer_is_not_taken(stack: AsyncExitStack, upstream: Upstream) -> None:
    def forge(answer: bytes) -> list[bytes]:
        forged = bytes([answer[0] ^ 1]) + answer[1:-4] + bytes([6, 6, 6, 6])
        return [forged, forged.replace(b"Shop", b"evil"), answer]

    upstream.spoil = forge
    client = await client_of(stack, upstream)
    assert addresses(await client.over_udp(FOREIGN)) == bytes([10, 1, 1, 1])


async def test_a_server_that_is_silent_is_given_up(
    stack: AsyncExitStack, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_server, "ANSWER_SECONDS", 0.05)
    upstream.spoil = lambda answer: []
    client = await client_of(stack, upstream)
    for answer in (await client.over_udp(FOREIGN), *await client.over_tcp(FOREIGN)):
        assert answer == dns.failure(dns.read_query(FOREIGN), dns.SERVER_FAILURE)


async def test_without_a_way_out_other_names_are_refused_at_once(stack: AsyncExitStack) -> None:
    client = await client_of(stack, None)
    assert await client.over_udp(FOREIGN) == dns.failure(dns.read_query(FOREIGN), dns.REFUSED)


async def test_what_is_no_question_gets_no_answer_and_harms_nobody(stack: AsyncExitStack, upstream: Upstream) -> None:
    client = await client_of(stack, upstream)
    assert await client.over_tcp(b"nonsense") == []
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.over_udp(b"nonsense"), 0.1)
    assert addresses(await client.over_udp(SENT)) == bytes([127, 0, 0, 1])


async def test_there_are_limits(stack: AsyncExitStack, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_server, "MAX_ASKED", 0)
    monkeypatch.setattr(name_server, "MAX_CONNECTIONS", 0)
    client = await client_of(stack, upstream)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.over_udp(SENT), 0.1)
    assert await client.over_tcp(SENT) == []


async def test_an_idle_connection_is_closed(stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_server, "IDLE_SECONDS", 0.05)
    client = await client_of(stack, None)
    reader, writer = await asyncio.open_connection("127.0.0.1", client._streams)
    writer.write(b"\0")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()

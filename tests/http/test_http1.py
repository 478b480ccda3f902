"""One connection: framing, order, streams, limits, clients that leave, and its end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from keyless.http import http1
from keyless.http.hosts import Hosts
from keyless.http.http1 import MAX_PIPELINED, MAX_WAITING, Http1, Service
from keyless.http.message import Request, Response
from keyless.model.errors import ErrorKind, KeylessError
from tests.memory import Answer, MemoryTransport, read_answer

HOSTS = Hosts("keyless.localhost")
HOST = b"Host: management.keyless.localhost:8443\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = b"PUT / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"

Handler = Callable[[Request], Awaitable[Response]]


class Client:
    """A connection to a handler."""

    def __init__(self, handler: Handler, *, full: bool = False) -> None:
        self._handler = handler
        self.requests: list[Request] = []
        self.service = Service(self._dispatch, HOSTS, lambda: "id")
        self.protocol = Http1(self.service, full=full)
        self.transport = MemoryTransport(self.protocol)

    async def _dispatch(self, request: Request) -> Response:
        self.requests.append(request)
        return await self._handler(request)

    def send(self, data: bytes) -> None:
        self.protocol.data_received(data)

    async def ask(self, data: bytes) -> Answer:
        """Send this; what has come when the connection rests or is closed."""
        await self.transport.feed(data)
        await self.rest()
        return self.answer(head_only=data.startswith(b"HEAD "))

    async def rest(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    def answer(self, *, head_only: bool = False) -> Answer:
        return read_answer(bytes(self.transport.sent), head_only=head_only)

    @property
    def statuses(self) -> list[bytes]:
        return re.findall(rb"HTTP/1\.1 (\d{3}) ", bytes(self.transport.sent))

    @property
    def closed(self) -> bool:
        return self.transport.closed.is_set()


async def ok(_request: Request) -> Response:
    return Response(200, b"hello", {"X-One": "1"})


async def read_all(request: Request) -> Response:
    try:
        return Response(200, await request.body.read(10))
    except KeylessError as error:
        return Response(413 if error.kind is ErrorKind.TOO_LARGE else 400)


async def test_an_answer_goes_out_whole() -> None:
    client = Client(ok)
    answer = await client.ask(GET)
    assert (answer.status, answer.body, answer.whole) == (200, b"hello", True)
    headers = dict(answer.headers)
    assert headers.pop("date").endswith(" GMT")
    assert headers == {"x-one": "1", "content-length": "5"}
    assert client.transport.writes == 1
    assert not client.closed


async def test_an_answer_that_takes_its_time() -> None:
    async def slow(_request: Request) -> Response:
        await asyncio.sleep(0.01)
        await asyncio.sleep(0)
        return Response(200, b"late")

    client = Client(slow)
    client.send(GET + GET)
    assert client.transport.sent == b""
    await asyncio.sleep(0.05)
    await client.rest()
    assert client.statuses == [b"200", b"200"]
    assert not client.service.tasks


async def test_head_says_the_length_and_sends_nothing() -> None:
    answer = await Client(ok).ask(GET.replace(b"GET", b"HEAD"))
    assert (dict(answer.headers)["content-length"], answer.body) == ("5", b"")


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_has_no_length(status: int) -> None:
    async def nothing(_request: Request) -> Response:
        return Response(status)

    answer = await Client(nothing).ask(GET)
    assert {"content-length", "transfer-encoding"}.isdisjoint(dict(answer.headers))


async def test_names_that_users_chose_keep_their_case() -> None:
    async def meta(_request: Request) -> Response:
        return Response(200, b"", {"x-ms-meta-OwnName": "1", "ETag": "2"})

    assert {"x-ms-meta-OwnName", "etag"} <= set(dict((await Client(meta).ask(GET)).headers))


@pytest.mark.parametrize("headers", [{"A": "b\r\nc: d"}, {"A\r\nb: c": "d"}, {"": "a"}, {"a": "\0"}])
async def test_no_value_ends_its_line(headers: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    async def split(_request: Request) -> Response:
        return Response(200, b"x", headers)

    client = Client(split)
    answer = await client.ask(GET)
    assert answer.status == 500
    assert "c: d" not in str(answer.headers)
    assert client.closed
    assert "ValueError" in caplog.text


async def test_a_request_for_no_host_reaches_nobody() -> None:
    client = Client(ok)
    answer = await client.ask(b"GET / HTTP/1.1\r\n\r\n")
    assert answer.status == 400
    assert client.requests == []
    assert dict(answer.headers)["content-type"] == "text/plain"
    assert answer.body.endswith(b".\n")


async def test_byte_by_byte() -> None:
    client = Client(read_all)
    for byte in CHUNKED + b"5\r\nhello\r\n0\r\n\r\n" + GET:
        client.send(bytes([byte]))
    await client.rest()
    assert client.statuses == [b"200", b"200"]
    assert bytes(client.transport.sent).count(b"\r\n\r\nhello") == 1


@pytest.mark.parametrize(("parts", "status"), [([b"12345", b"67890"], 200), ([b"12345", b"678901"], 413)])
async def test_a_body_is_read_up_to_its_limit(parts: list[bytes], status: int) -> None:
    client = Client(read_all)
    client.send(CHUNKED)
    for part in parts:
        client.send(b"%x\r\n%b\r\n" % (len(part), part))
        await client.rest()
    client.send(b"0\r\n\r\n")
    await client.rest()
    assert client.answer().status == status


async def test_a_length_beyond_the_limit_is_refused_before_anything_is_read() -> None:
    client = Client(read_all)
    assert (await client.ask(b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: 11\r\n\r\n")).status == 413


async def test_what_nobody_asks_for_is_thrown_away() -> None:
    client = Client(ok)
    client.send(b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n")
    await client.rest()
    assert client.statuses == [b"200"]
    for _ in range(10):
        client.send(b"x" * 100_000)
        assert client.transport.reading
    client.send(GET)
    await client.rest()
    assert client.statuses == [b"200", b"200"]


async def test_a_client_that_breaks_off_in_its_body_gets_no_answer() -> None:
    client = Client(read_all)
    client.send(CHUNKED + b"1\r\n1\r\n")
    await client.rest()
    client.transport.close()
    await client.rest()
    assert client.transport.sent == b""
    assert not client.service.tasks
    assert not client.service.connections


async def test_an_upload_comes_no_faster_than_it_is_taken() -> None:
    taken = asyncio.Event()

    async def slow(request: Request) -> Response:
        await taken.wait()
        size = 0
        async for chunk in request.body.stream():
            size += len(chunk)
        return Response(200, str(size).encode())

    client = Client(slow)
    sent = asyncio.create_task(
        client.transport.feed(b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: 4000000\r\n\r\n" + b"x" * 4_000_000)
    )
    await client.rest()
    assert not client.transport.reading
    assert client.protocol._receiving is not None
    assert client.protocol._receiving.body.size <= MAX_WAITING + 64 * 1024
    taken.set()
    await sent
    await client.rest()
    assert client.answer().body == b"4000000"
    assert client.transport.reading


@pytest.mark.parametrize(("handler", "told"), [(read_all, True), (ok, False)])
async def test_who_asks_before_sending_is_told(handler: Handler, told: bool) -> None:
    client = Client(handler)
    client.send(b"PUT / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    await client.rest()
    assert (client.statuses[0] == b"100") is told
    # without that word, what comes next on the connection might be anything
    assert client.closed is not told
    if told:
        client.send(b"ok")
        await client.rest()
        assert client.statuses == [b"100", b"200"]
        assert not client.closed


async def test_answers_come_in_order_and_the_rest_waits() -> None:
    client = Client(ok)
    client.send(GET * 100)
    assert not client.transport.reading
    for _ in range(5):
        await client.rest()
    assert client.statuses == [b"200"] * 100
    assert client.transport.reading


async def test_too_many_requests_in_one_breath() -> None:
    client = Client(ok)
    client.send(GET * (MAX_PIPELINED + 100))
    assert client.closed


async def test_no_more_is_answered_than_is_read() -> None:
    client = Client(ok)
    client.protocol.pause_writing()
    client.send(GET)
    await client.rest()
    assert client.requests == []
    client.protocol.resume_writing()
    await client.rest()
    assert client.statuses == [b"200"]


async def test_a_stream_waits_for_its_reader_and_stops_when_it_has_gone() -> None:
    made = 0
    closed = False

    async def endless() -> AsyncIterator[bytes]:
        nonlocal made, closed
        try:
            while True:
                made += 1
                yield b"x"
                await asyncio.sleep(0)
        finally:
            closed = True

    async def handler(_request: Request) -> Response:
        return Response(200, endless())

    client = Client(handler)
    client.send(GET)
    client.protocol.pause_writing()
    await client.rest()
    assert made < 5
    client.protocol.resume_writing()
    await client.rest()
    assert made > 20
    client.protocol.pause_writing()
    await client.rest()
    before = made
    client.transport.close()
    await client.rest()
    assert closed
    assert made <= before + 1
    assert not client.service.tasks


@pytest.mark.parametrize(
    ("length", "framing"), [(6, ("content-length", "6")), (None, ("transfer-encoding", "chunked"))]
)
async def test_a_stream_is_sent_to_its_end_and_not_at_all_for_head(
    length: int | None, framing: tuple[str, str]
) -> None:
    closed: list[str] = []

    async def two(name: str) -> AsyncIterator[bytes]:
        try:
            yield b"one"
            yield b""
            yield b"two"
        finally:
            closed.append(name)

    async def handler(request: Request) -> Response:
        return Response(200, two(request.method), length=length)

    client = Client(handler)
    answer = await client.ask(GET)
    assert (answer.body, answer.whole) == (b"onetwo", True)
    assert framing in answer.headers
    assert not client.closed
    answer = await Client(handler).ask(GET.replace(b"GET", b"HEAD"))
    assert answer.body == b""
    assert ("content-length" in dict(answer.headers)) is (length is not None)
    assert closed == ["GET"]


async def test_an_old_client_learns_from_the_end_that_it_has_all() -> None:
    async def two() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async def handler(_request: Request) -> Response:
        return Response(200, two())

    client = Client(handler)
    client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n" + HOST + b"\r\n")
    await client.rest()
    assert client.closed
    assert client.transport.sent.endswith(b"connection: close\r\n\r\nonetwo")


@pytest.mark.parametrize("length", [None, 3, 99])
async def test_a_stream_that_fails_breaks_off_and_says_no_value(
    caplog: pytest.LogCaptureFixture, length: int | None
) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"one"
        if length != 3:
            raise RuntimeError("hunter2")
        yield b"two"

    async def handler(_request: Request) -> Response:
        return Response(200, broken(), length=length)

    client = Client(handler)
    answer = await client.ask(GET)
    assert client.closed
    assert answer.body == b"one"
    assert answer.whole is (length == 3)
    assert "broke off" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_stream_shorter_than_it_said_breaks_off() -> None:
    async def short() -> AsyncIterator[bytes]:
        yield b"one"

    async def handler(_request: Request) -> Response:
        return Response(200, short(), length=4)

    client = Client(handler)
    assert not (await client.ask(GET)).whole
    assert client.closed


async def test_a_handler_that_raises_is_500(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_request: Request) -> Response:
        raise RuntimeError("hunter2")

    client = Client(broken)
    assert (await client.ask(GET)).status == 500
    assert client.closed
    assert "hunter2" not in caplog.text + bytes(client.transport.sent).decode()


TWO_WAYS = {
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "the same length twice": b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "gzip": b"Transfer-Encoding: gzip\r\n\r\nhello",
    "chunked, then gzip": b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"Content-Length : 5\r\n\r\nhello",
    "bare line feeds": b"Content-Length: 5\n\nhello",
    "a bare carriage return": b"A: b\rContent-Length: 5\r\n\r\nhello",
    "a folded line": b"A: b\r\n Content-Length: 5\r\n\r\nhello",
    "NUL": b"A: b\0\r\n\r\n",
    "an upgrade with a body": b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("what", TWO_WAYS)
async def test_what_can_be_read_in_two_ways_is_refused_and_ends_the_connection(what: str) -> None:
    client = Client(ok)
    client.send(GET + b"POST / HTTP/1.1\r\n" + HOST + TWO_WAYS[what] + GET)
    await client.rest()
    assert client.statuses == [b"200", b"400"]
    assert len(client.requests) == 1
    assert client.closed


async def test_a_body_that_breaks_the_rules_is_refused_after_what_came_before() -> None:
    client = Client(read_all)
    client.send(GET + CHUNKED)
    await client.rest()
    client.send(b"zz\r\nhello\r\n0\r\n\r\n" + GET)
    await client.rest()
    assert client.statuses == [b"200", b"400"]
    assert client.closed


async def test_an_upgrade_is_declined_and_the_connection_goes_on() -> None:
    """Java's HTTP client asks for h2c in its first request without TLS."""
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n\r\n"
    client = Client(ok)
    client.send(b"GET / HTTP/1.1\r\n" + HOST + upgrade + GET)
    await client.rest()
    assert client.statuses == [b"200", b"200"]


async def test_nothing_after_the_last_request_is_read() -> None:
    client = Client(ok)
    client.send(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n" + GET + b"\0")
    await client.rest()
    assert client.statuses == [b"200"]
    assert client.closed
    assert b"connection: close\r\n" in client.transport.sent


async def test_trailers_say_nothing() -> None:
    client = Client(read_all)
    client.send(CHUNKED + b"0\r\nAuthorization: Bearer x\r\n\r\n" + GET)
    await client.rest()
    assert client.statuses == [b"200", b"200"]
    assert all("authorization" not in request.headers for request in client.requests)


async def test_one_too_many_is_told_so() -> None:
    client = Client(ok, full=True)
    answer = await client.ask(GET)
    assert (answer.status, client.requests) == (503, [])
    assert client.closed


async def test_the_end_waits_for_what_is_under_way() -> None:
    go_on = asyncio.Event()

    async def slow(_request: Request) -> Response:
        await go_on.wait()
        return Response(200, b"done")

    idle, busy = Client(slow), Client(slow)
    busy.send(GET)
    for client in (idle, busy):
        client.protocol.end()
    assert idle.closed
    assert not busy.closed
    go_on.set()
    await busy.rest()
    assert busy.answer().body == b"done"
    assert b"connection: close\r\n" in busy.transport.sent
    assert busy.closed


async def test_an_idle_connection_is_closed_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1, "KEEP_ALIVE_SECONDS", 0.1)
    client = Client(ok)
    for _ in range(4):
        client.send(GET)
        await asyncio.sleep(0.05)
        assert not client.closed
    await asyncio.sleep(0.15)
    assert client.closed
    assert client.statuses == [b"200"] * 4


async def test_a_head_that_is_not_read_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1, "HEAD_SECONDS", 0.03)

    async def slow(_request: Request) -> Response:
        await asyncio.sleep(0.05)
        return Response(200)

    client = Client(slow)
    client.send(GET * 2 + GET[:10])
    await asyncio.sleep(0.06)
    assert not client.closed  # nothing more was read until the first had been answered
    assert client.statuses == [b"200"]
    await asyncio.sleep(0.1)
    assert client.closed


async def test_a_handler_may_take_longer_than_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEEP_ALIVE_SECONDS", "HEAD_SECONDS", "BODY_SECONDS"):
        monkeypatch.setattr(http1, name, 0.02)

    async def slow(_request: Request) -> Response:
        await asyncio.sleep(0.1)
        return Response(200)

    client = Client(slow)
    client.send(GET)
    await asyncio.sleep(0.11)
    await client.rest()
    assert client.statuses == [b"200"]

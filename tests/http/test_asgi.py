"""From ASGI to a request and back: limits, streams, clients that leave."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.http.asgi import MAX_HEADER_BYTES, MAX_HEADERS, MAX_PATH, Application, split_authority
from keyless.http.hosts import Hosts
from keyless.http.message import Headers, Request, Response, parse_query
from keyless.model.errors import ErrorKind, KeylessError

HOSTS = Hosts("keyless.localhost")


class Client:
    """One request through the application; what comes back."""

    def __init__(self, handler: Callable[[Request], Awaitable[Response]], **scope: Any) -> None:
        self._application = Application(self._dispatch, HOSTS, lambda: "id")
        self._handler = handler
        self.requests: list[Request] = []
        self.messages: list[MutableMapping[str, Any]] = []
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.scope = {
            "type": "http",
            "method": "GET",
            "raw_path": b"/",
            "query_string": b"",
            "headers": [(b"host", b"management.keyless.localhost:8443")],
            "state": {},
        } | scope

    async def _dispatch(self, request: Request) -> Response:
        self.requests.append(request)
        return await self._handler(request)

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        self.messages.append(message)

    async def run(self) -> None:
        await self._application(self.scope, self.incoming.get, self._send)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.messages[0]["headers"]}

    @property
    def content(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])


async def ok(_request: Request) -> Response:
    return Response(200, b"hello", {"X-One": "1"})


async def read_all(request: Request) -> Response:
    return Response(200, await request.body.read(10))


async def test_an_answer_goes_out_whole() -> None:
    client = Client(ok)
    await client.run()
    assert (client.status, client.content) == (200, b"hello")
    assert client.headers == {"x-one": "1", "content-length": "5"}
    assert not client.messages[-1].get("more_body")


async def test_head_says_the_length_and_sends_nothing() -> None:
    client = Client(ok, method="HEAD")
    await client.run()
    assert (client.headers["content-length"], client.content) == ("5", b"")


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_has_no_length(status: int) -> None:
    async def nothing(_request: Request) -> Response:
        return Response(status)

    client = Client(nothing)
    await client.run()
    assert "content-length" not in client.headers


@pytest.mark.parametrize("headers", [[], [(b"host", b"")], *([(b"host", h)] for h in (b"x:port", b"x:0", b"x:70000"))])
async def test_a_request_for_no_host_reaches_nobody(headers: list[tuple[bytes, bytes]]) -> None:
    client = Client(ok, headers=headers)
    await client.run()
    assert client.status == 400
    assert client.requests == []
    assert client.headers["content-type"] == "text/plain"
    assert client.content.endswith(b".\n")


@pytest.mark.parametrize(
    "scope",
    [
        {"headers": [(b"host", b"x")] + [(b"a", b"b")] * MAX_HEADERS},
        {"headers": [(b"host", b"x"), (b"a", b"b" * MAX_HEADER_BYTES)]},
        {"raw_path": b"/" + b"x" * MAX_PATH},
        {"headers": [(b"host", b"x"), (b"content-length", b"-1")]},
        {"headers": [(b"host", b"x"), (b"content-length", b"1e3")]},
        {"headers": [(b"host", b"x"), (b"content-length", b"1" * 30)]},
        {"query_string": b"&".join(b"a=%d" % i for i in range(100))},
        {"query_string": b"a=%ff"},
    ],
)
async def test_a_head_that_is_no_good_comes_with_its_fault(scope: dict[str, Any]) -> None:
    """The kernel refuses it, in the envelope of the surface that it was for."""
    client = Client(ok, **scope)
    await client.run()
    (request,) = client.requests
    assert request.fault is not None
    assert request.fault.kind is ErrorKind.INVALID
    assert request.query == {}


async def test_a_request_is_read_as_it_was_sent() -> None:
    client = Client(
        ok,
        method="PUT",
        raw_path=b"/a%2Fb//c",
        query_string=b"api%2Dversion=1&x=&x=2&y=a+b",
        headers=[(b"host", b"KV.vault.keyless.localhost:8443"), (b"accept", b"a"), (b"accept", b"b")],
    )
    await client.run()
    (request,) = client.requests
    assert (request.host, request.port) == ("kv.vault.keyless.localhost", 8443)
    assert (request.target.surface, request.target.name) == ("vault", "kv")
    assert request.query == {"api-version": "1", "x": "", "y": "a b"}
    assert request.headers.get("accept") == "a, b"
    assert request.segments() == ["a/b", "", "c"]
    assert request.base_url == "https://kv.vault.keyless.localhost:8443"
    assert "accept" in repr(request.headers)
    assert "a, b" not in repr(request.headers)


async def test_a_body_is_read_up_to_its_limit() -> None:
    for parts, status in (([b"12345", b"67890"], 200), ([b"12345", b"678901"], 413)):

        async def handler(request: Request) -> Response:
            try:
                return await read_all(request)
            except KeylessError as error:
                return Response(413 if error.kind is ErrorKind.TOO_LARGE else 500)

        client = Client(handler, headers=[(b"host", b"x"), (b"transfer-encoding", b"chunked")])
        for i, part in enumerate(parts):
            client.incoming.put_nowait({"type": "http.request", "body": part, "more_body": i < len(parts) - 1})
        await client.run()
        assert client.status == status


async def test_a_length_beyond_the_limit_is_refused_before_anything_is_read() -> None:
    async def handler(request: Request) -> Response:
        with pytest.raises(KeylessError):
            await request.body.read(10)
        return Response(413)

    client = Client(handler, headers=[(b"host", b"x"), (b"content-length", b"11")])
    await asyncio.wait_for(client.run(), 1)  # nothing ever arrives
    assert client.status == 413


async def test_a_client_that_breaks_off_in_its_body_gets_no_answer() -> None:
    seen: list[ErrorKind] = []

    async def handler(request: Request) -> Response:
        try:
            return await read_all(request)
        except KeylessError as error:
            seen.append(error.kind)
            return Response(400)

    client = Client(handler, headers=[(b"host", b"x"), (b"transfer-encoding", b"chunked")])
    client.incoming.put_nowait({"type": "http.request", "body": b"1", "more_body": True})
    client.incoming.put_nowait({"type": "http.disconnect"})
    await client.run()
    assert seen == [ErrorKind.INVALID]
    assert client.messages == []


async def test_a_stream_stops_when_the_client_has_gone_and_is_closed() -> None:
    sent = 0
    closed = False

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent, closed
        try:
            while True:
                sent += 1
                if sent == 5:
                    client.incoming.put_nowait({"type": "http.disconnect"})
                await asyncio.sleep(0)
                yield b"x"
        finally:
            closed = True

    async def handler(_request: Request) -> Response:
        return Response(200, endless())

    client = Client(handler)
    await asyncio.wait_for(client.run(), 2)
    assert sent < 20
    assert closed


async def test_a_stream_is_sent_to_its_end_and_not_at_all_for_head() -> None:
    closed: list[str] = []

    async def two(name: str) -> AsyncIterator[bytes]:
        try:
            yield b"one"
            yield b"two"
        finally:
            closed.append(name)

    async def handler(request: Request) -> Response:
        return Response(200, two(request.method), length=6)

    for method, content in (("GET", b"onetwo"), ("HEAD", b"")):
        client = Client(handler, method=method)
        await client.run()
        assert (client.content, client.headers["content-length"]) == (content, "6")
    assert closed == ["GET"]


async def test_a_stream_that_fails_breaks_off_and_says_no_value(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"one"
        raise RuntimeError("hunter2")

    async def handler(_request: Request) -> Response:
        return Response(200, broken())

    client = Client(handler)
    await client.run()
    assert all(message.get("more_body", True) for message in client.messages)  # it never says that it is complete
    assert "RuntimeError" in caplog.text
    assert "hunter2" not in caplog.text


async def test_what_is_not_http_is_ignored() -> None:
    client = Client(ok, type="websocket")
    await client.run()
    assert client.messages == []


@given(st.text(max_size=30))
def test_any_host_header_is_read_or_refused(text: str) -> None:
    try:
        host, port = split_authority(text)
    except KeylessError:
        return
    assert host == host.lower()
    assert port is None or 0 < port < 65_536


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Example.COM", ("example.com", None)),
        ("example.com.:443", ("example.com", 443)),
        ("[::1]:8443", ("::1", 8443)),
        ("[::1]", ("::1", None)),
        ("127.0.0.1:1", ("127.0.0.1", 1)),
    ],
)
def test_host_and_port(text: str, expected: tuple[str, int | None]) -> None:
    assert split_authority(text) == expected


def test_a_host_that_no_name_can_be_is_refused() -> None:
    with pytest.raises(KeylessError, match="at most 260 bytes"):
        split_authority("a" * 261)


@given(st.text(max_size=40))
def test_any_query_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(KeylessError):
        assert all(isinstance(value, str) for value in parse_query(text).values())


def test_headers_ignore_case_and_hide_values() -> None:
    headers = Headers([("Authorization", "Bearer hunter2"), ("X-Ms-Meta-A", "1"), ("x-ms-meta-b", "2")])
    assert headers.get("authorization") == "Bearer hunter2"
    assert "authorization" in headers
    assert headers.with_prefix("x-ms-meta-") == {"A": "1", "b": "2"}
    assert headers.get("missing") == ""
    assert "hunter2" not in repr(headers)

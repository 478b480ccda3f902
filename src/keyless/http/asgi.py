"""From ASGI to the kernel and back.

Owns reading an ASGI scope into a typed request and sending a response, with flow control and limits. Must not
decide anything about the request.

Source: ASGI 3.0, "HTTP & WebSocket message format".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from keyless.http.hosts import Hosts
from keyless.http.message import Body, Headers, Request, Response, Target, parse_query
from keyless.model.app import Lease
from keyless.model.errors import KeylessError, invalid

log = logging.getLogger("keyless.http")

MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024
#: A blob's name has up to 1,024 characters, each up to 12 bytes when it is encoded.
MAX_PATH = 16 * 1024
#: Headers whose names users choose; clients show them as they come, so their case is kept both ways.
OWN_NAMES = b"x-ms-meta-"
_OWN_NAMES = OWN_NAMES.decode()
#: A name in the DNS has at most 253 characters.
MAX_AUTHORITY = 260
_IDENTITY, _NOTHING = Target("identity"), Target("")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class _Incoming:
    """A request's body as ASGI brings it, and whether the client broke off in the middle of it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.client_is_gone = False

    async def chunks(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._receive()
            if message["type"] != "http.request":
                self.client_is_gone = True
                raise invalid("The client broke off in the middle of the body.")
            if message["body"]:
                yield message["body"]
            more = message.get("more_body", False)


class Application:
    """The ASGI application in front of a kernel's `dispatch`."""

    def __init__(
        self, dispatch: Callable[[Request], Awaitable[Response]], hosts: Hosts, new_id: Callable[[], str]
    ) -> None:
        """`new_id` names requests (`request_ids.py`)."""
        self._dispatch = dispatch
        self._hosts = hosts
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = _Incoming(receive)
        try:
            request = _read(scope, body, self._hosts, self._new_id())
        except KeylessError as error:
            answer = Response(400, headers={"Content-Type": "text/plain"})
            await _send_whole(answer, f"{error.message}\n".encode(), scope["method"], send)
            return
        response = await self._dispatch(request)
        if body.client_is_gone:
            await _discard(response.body)
            return
        try:
            await self._respond(response, request, receive, send)
        except Exception as error:
            # the head is on the wire already: all that is left is to break off, which the server does
            log.error("the answer to %s broke off: %s", request.request_id, type(error).__name__)

    @staticmethod
    async def _respond(response: Response, request: Request, receive: Receive, send: Send) -> None:
        if isinstance(response.body, bytes):
            await _send_whole(response, response.body, request.method, send)
        else:
            await _send_stream(response, response.body, request.method, receive, send)


def _read(scope: Scope, incoming: _Incoming, hosts: Hosts, request_id: str) -> Request:
    """Raises INVALID only for a request that names no host, so that no surface can be told to refuse it."""
    raw = scope["headers"]
    headers = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw])
    path = scope["raw_path"].decode("latin-1")
    host, port = split_authority(headers.get("host"))
    lease: Lease | None = scope.get("state", {}).get("lease")
    target = _IDENTITY if lease else hosts.target(host, path)
    raw_query = scope["query_string"].decode("latin-1")
    query: Mapping[str, str] = {}
    length: int | None = 0
    fault = None
    try:
        _check_limits(raw, path)
        query, length = parse_query(raw_query), _length(headers)
    except KeylessError as error:
        fault = error
    return Request(
        method=scope["method"],
        host=host,
        port=port,
        target=target or _NOTHING,
        path=path,
        query=query,
        headers=headers,
        body=Body(incoming.chunks(), length),
        request_id=request_id,
        raw_query=raw_query,
        peer=(scope.get("client") or ("",))[0],
        lease=lease,
        fault=fault,
    )


def _check_limits(headers: Sequence[tuple[bytes, bytes]], path: str) -> None:
    if len(headers) > MAX_HEADERS or sum(map(len, chain.from_iterable(headers))) > MAX_HEADER_BYTES:
        raise invalid(f"A request has at most {MAX_HEADERS} headers of {MAX_HEADER_BYTES} bytes together.")
    if len(path) > MAX_PATH:
        raise invalid(f"A path has at most {MAX_PATH} bytes.")


@lru_cache(maxsize=1024)
def split_authority(text: str) -> tuple[str, int | None]:
    """Host in lower case and port of a Host header (RFC 9110, 7.2); raises INVALID when it makes no sense."""
    if len(text) > MAX_AUTHORITY:
        raise invalid(f"A Host header has at most {MAX_AUTHORITY} bytes.")
    host, _, port = text.rpartition(":") if text.rfind(":") > text.rfind("]") else (text, "", "")
    if not host or (port and not (port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65536)):
        raise invalid("A request needs a Host header.")
    return host.strip("[]").rstrip(".").lower(), int(port) if port else None


def _length(headers: Headers) -> int | None:
    if "transfer-encoding" in headers:
        return None
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise invalid("Content-Length is not a number.")
    return int(text)


async def _send_whole(response: Response, body: bytes, method: str, send: Send) -> None:
    # a HEAD answer says the length that the GET would have
    length = len(body) if response.length is None else response.length
    await send(_start(response, length))
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


async def _send_stream(
    response: Response, body: AsyncIterator[bytes], method: str, receive: Receive, send: Send
) -> None:
    # send() says nothing when the client has gone; only receive() does
    watch = asyncio.ensure_future(_disconnected(receive))
    try:
        await send(_start(response, response.length))
        if method != "HEAD":
            async for chunk in body:
                if watch.done():
                    return
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        watch.cancel()
        await _discard(body)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] == "http.request":
        pass


async def _discard(body: bytes | AsyncIterator[bytes]) -> None:
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()


def _start(response: Response, length: int | None) -> dict[str, Any]:
    headers = [(_name(name), value.encode("latin-1")) for name, value in response.headers.items()]
    if length is not None and response.status not in {204, 304}:
        headers.append((b"content-length", str(length).encode()))
    return {"type": "http.response.start", "status": response.status, "headers": headers}


class _AsSpelt(bytes):
    """A name that the server below, which puts all names into lower case, leaves alone."""

    def lower(self) -> bytes:
        return self


def _name(name: str) -> bytes:
    return _AsSpelt(name.encode("latin-1")) if name.startswith(_OWN_NAMES) else _known_name(name)


@lru_cache(maxsize=256)
def _known_name(name: str) -> bytes:
    return name.encode("latin-1").lower()

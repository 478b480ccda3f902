"""One HTTP/1.1 request and its answer, without a connection: bytes in, bytes out.

Owns what a token request needs and no more. `http.client` would do as well, but importing it takes longer than
everything else on the way to a first token. Source: RFC 9112.
"""

from __future__ import annotations

from collections.abc import Mapping

MAX_HEAD = 64 * 1024
MAX_BODY = 1024 * 1024


class BadResponse(ValueError):
    """What came is not an HTTP/1.1 response, is too long, or ended too early."""


class Response:
    """A whole response; `headers` has lower-case names."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


def get_request(host: str, target: str, headers: Mapping[str, str]) -> bytes:
    """A GET that asks for the connection to be closed after the answer; raises ValueError for a line break in it."""
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    if any(c in line for line in lines for c in "\r\n\0"):
        raise ValueError("a header or the target has a line break in it")
    return "\r\n".join([*lines, "Accept: application/json", "Connection: close", "", ""]).encode("latin-1")


class ResponseReader:
    """Reads one response from pieces of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: tuple[int, dict[str, str]] | None = None

    def feed(self, data: bytes) -> Response | None:
        """Take what arrived (nothing: the peer ended); return the response once it is whole."""
        self._buffer += data
        if len(self._buffer) > MAX_HEAD + MAX_BODY:
            raise BadResponse("the answer is too long")
        while self._head is None and (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            status, headers = _read_head(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
            if status >= 200:  # those below only announce the real one
                self._head = status, headers
        if self._head is not None:
            body = self._body(self._head[1], ended=not data)
            if body is not None:
                return Response(*self._head, body)
        elif len(self._buffer) > MAX_HEAD:
            raise BadResponse("the header block is too long")
        if not data:
            raise BadResponse("the connection ended before the answer did")
        return None

    def _body(self, headers: dict[str, str], *, ended: bool) -> bytes | None:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return _read_chunks(bytes(self._buffer))
        length = headers.get("content-length")
        if length is None:
            return bytes(self._buffer) if ended else None
        if not (length.isascii() and length.isdigit()) or len(length) > 8 or int(length) > MAX_BODY:
            raise BadResponse("the length of the body makes no sense")
        return bytes(self._buffer[: int(length)]) if len(self._buffer) >= int(length) else None


def _read_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    version, _, remainder = first.partition(" ")
    status = remainder[:3]
    if not version.startswith("HTTP/1.") or not (status.isascii() and status.isdigit() and len(status) == 3):
        raise BadResponse("this is no HTTP/1.1 response")
    headers = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadResponse("a header line has no colon")
        headers[name.strip().lower()] = value.strip()
    return int(status), headers


def _read_chunks(data: bytes) -> bytes | None:
    body = bytearray()
    at = 0
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return None
        try:
            size = int(data[at:end].split(b";")[0], 16)
        except ValueError:
            raise BadResponse("a chunk has no size") from None
        if size < 0 or len(body) + size > MAX_BODY:
            raise BadResponse("the body is too long")
        at = end + 2 + size + 2
        if len(data) < at:
            return None
        if size == 0:
            return bytes(body)
        body += data[end + 2 : end + 2 + size]

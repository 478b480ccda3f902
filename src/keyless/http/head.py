"""The head of a request, from bytes to a typed request.

Owns the limits on a head, and the reading of target, host and headers. Pure. Must not decide anything about the
request, nor know how its bytes came.

Source: RFC 9112 section 3.2 (request target), RFC 9110 sections 5.3 and 7.2 (header fields, Host).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain

import httptools

from keyless.http.hosts import Hosts
from keyless.http.message import Body, Headers, Request, Target, parse_query
from keyless.model.app import Lease
from keyless.model.errors import KeylessError, invalid

MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024
#: A blob's name has up to 1,024 characters, each up to 12 bytes when it is encoded.
MAX_PATH = 16 * 1024
#: A name in the DNS has at most 253 characters.
MAX_AUTHORITY = 260
_IDENTITY, _NOTHING = Target("identity"), Target("")


def read_request(
    hosts: Hosts,
    method: str,
    target: bytes,
    fields: Sequence[tuple[bytes, bytes]],
    body: Body,
    request_id: str,
    peer: str = "",
    lease: Lease | None = None,
) -> Request:
    """Raises INVALID only for a request that names no host, so that no surface can be told to refuse it.

    Raises ValueError for a target that is none.
    """
    path, raw_query = _split_target(target)
    headers = Headers.read(fields)
    host, port = split_authority(headers.get("host"))
    query: Mapping[str, str] = {}
    fault = None
    try:
        _check_limits(fields, path)
        query, body.length = parse_query(raw_query), _length(headers)
    except KeylessError as error:
        fault = error
    return Request(
        method,
        host,
        port,
        _IDENTITY if lease else hosts.target(host, path) or _NOTHING,
        path,
        query,
        headers,
        body,
        request_id,
        raw_query,
        peer,
        lease,
        fault,
    )


def _split_target(target: bytes) -> tuple[str, str]:
    """Path and query, as they were sent."""
    if not target.startswith(b"/") or b"#" in target:
        try:
            parsed = httptools.parse_url(target)
        except httptools.HttpParserInvalidURLError as error:
            raise ValueError("a target that is none") from error
        if not parsed.path:
            raise ValueError("a target without a path")
        return parsed.path.decode("ascii"), (parsed.query or b"").decode("ascii")
    path, _, query = target.decode("ascii").partition("?")
    return path, query


def _check_limits(fields: Sequence[tuple[bytes, bytes]], path: str) -> None:
    if len(fields) > MAX_HEADERS or sum(map(len, chain.from_iterable(fields))) > MAX_HEADER_BYTES:
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
    """What `Content-Length` says; None for a body in chunks."""
    if "transfer-encoding" in headers:
        return None
    text = headers.get("content-length", "0")
    if text == "0":
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise invalid("Content-Length is not a number.")
    return int(text)

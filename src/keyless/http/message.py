"""Requests and responses as every surface sees them.

Owns their shapes and the reading of query, headers and body. Must not know the transport (`http1.py`)
nor any surface. Bodies are streams; `read` needs a limit, so that nothing is ever held unbounded in memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from keyless.model.errors import ErrorKind, KeylessError, invalid

if TYPE_CHECKING:
    from keyless.model.app import Lease

MAX_QUERY_FIELDS = 64


#: Headers whose names users choose; clients show them as they come, so their case is kept both ways.
OWN_NAMES = "x-ms-meta-"
_MAX_REMEMBERED_NAME = 64


class Headers:
    """Request headers: names ignore case; of a repeated one the values are joined with a comma (RFC 9110, 5.3)."""

    __slots__ = ("_map", "_spelt")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._map: dict[str, str] = {}
        self._spelt: dict[str, str] = {}
        for name, value in pairs:
            self._add(name.lower(), name, value)

    @classmethod
    def read(cls, fields: Iterable[tuple[bytes, bytes]]) -> Headers:
        """As they came over the wire."""
        headers = cls()
        known = headers._map
        for name, value in fields:
            key = _lower(name) if len(name) <= _MAX_REMEMBERED_NAME else name.decode("latin-1").lower()
            if key in known or key.startswith(OWN_NAMES):
                headers._add(key, name.decode("latin-1"), value.decode("latin-1"))
            else:
                known[key] = value.decode("latin-1")
        return headers

    def _add(self, key: str, name: str, value: str) -> None:
        self._map[key] = f"{self._map[key]}, {value}" if key in self._map else value
        self._spelt.setdefault(key, name)

    def get(self, name: str, default: str = "") -> str:
        """The value, or `default`."""
        return self._map.get(name, default)

    def __contains__(self, name: str) -> bool:
        return name in self._map

    def any_of(self, names: Set[str]) -> bool:
        """Whether one of these is there at all: most requests have none of the many that an operation knows."""
        return not self._map.keys().isdisjoint(names)

    def items(self) -> Iterable[tuple[str, str]]:
        """All headers, names in lower case."""
        return self._map.items()

    def with_prefix(self, prefix: str) -> dict[str, str]:
        """Those whose name begins with `prefix` (`x-ms-meta-`), without it; the rest as the client spelt it."""
        found = ((name, value) for name, value in self._map.items() if name.startswith(prefix))
        return {self._spelt.get(name, name)[len(prefix) :]: value for name, value in found}

    def __repr__(self) -> str:
        return f"Headers({sorted(self._map)})"  # names only: a value may be a token


@lru_cache(maxsize=1024)
def _lower(name: bytes) -> str:
    return name.decode("latin-1").lower()


def parse_query(raw: str) -> Mapping[str, str]:
    """Decode a query string; names are decoded too (clients send `api%2Dversion`), the first of a name counts."""
    if not raw:
        return {}
    return _remembered_query(raw) if len(raw) <= _MAX_REMEMBERED else _parse_query(raw)


def _parse_query(raw: str) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS, errors="strict")
    except (ValueError, UnicodeDecodeError) as error:
        raise invalid("The query string cannot be read.", "InvalidQueryParameterValue") from error
    query: dict[str, str] = {}
    for name, value in pairs:
        query.setdefault(name, value)
    return query


def _segments(path: str) -> tuple[str, ...]:
    try:
        return tuple([unquote(part, errors="strict") for part in path.split("/")[1:]])
    except UnicodeDecodeError as error:
        raise invalid("The path is not UTF-8.", "InvalidUri") from error


# most requests of a client have the same few paths and query strings; what is signed is longer, and differs each time
_MAX_REMEMBERED = 200
_remembered_segments = lru_cache(maxsize=1024)(_segments)
_remembered_query = lru_cache(maxsize=1024)(_parse_query)


async def _one(data: bytes) -> AsyncIterator[bytes]:
    yield data


class Body:
    """A request's body, read once: as a stream, or whole up to a limit."""

    __slots__ = ("_chunks", "length")

    def __init__(self, chunks: AsyncIterator[bytes] | None = None, length: int | None = 0) -> None:
        self._chunks = chunks
        #: What `Content-Length` says; None for a chunked body.
        self.length = length

    @classmethod
    def of(cls, data: bytes) -> Body:
        """A body that is at hand already."""
        return cls(_one(data), len(data))

    def stream(self) -> AsyncIterator[bytes]:
        """The chunks as they arrive; raises KeylessError INVALID when the client breaks off."""
        return self._chunks or _one(b"")

    async def read(self, limit: int) -> bytes:
        """All of it; raises TOO_LARGE beyond `limit` bytes without reading on."""
        if self.length is not None and self.length > limit:
            raise _too_large(limit)
        parts: list[bytes] = []
        size = 0
        async for chunk in self.stream():
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            parts.append(chunk)
        return b"".join(parts)


def _too_large(limit: int) -> KeylessError:
    return KeylessError(
        ErrorKind.TOO_LARGE, f"The request body may have at most {limit} bytes.", code="RequestBodyTooLarge"
    )


@dataclass(frozen=True)
class Target:
    """What a host name stands for: a surface and, where names are part of the host, the vault or account.

    `suffix` is the host without that name (`vault.azure.net`). In path style the account is the path's first
    segment and `prefix` (`/account`) is to be taken off the path.
    """

    surface: str
    name: str = ""
    suffix: str = ""
    prefix: str = ""


@dataclass(slots=True)
class Request:
    """One request. `path` is percent-encoded as it was sent; `host` is in lower case and without a port."""

    method: str
    host: str
    port: int | None
    target: Target
    path: str
    query: Mapping[str, str]
    headers: Headers
    body: Body
    request_id: str
    raw_query: str = ""
    peer: str = ""
    #: The instance whose identity port this request came through, if it did.
    lease: Lease | None = None
    #: What is wrong with its form; no surface handles such a request, but the one that it is for refuses it.
    fault: KeylessError | None = None

    @property
    def authority(self) -> str:
        """Host and port as the client wrote them; 443 is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port in {None, 443} else f"{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """`https://host:port` and the path-style prefix: where the client believes this vault or account to be."""
        return f"https://{self.authority}{self.target.prefix}"

    def segments(self) -> list[str]:
        """The segments after the target's prefix, decoded one by one: an encoded slash stays inside its segment."""
        path = self.path[len(self.target.prefix) :]
        return list(_remembered_segments(path) if len(path) <= _MAX_REMEMBERED else _segments(path))

    def __repr__(self) -> str:
        return f"Request({self.method} {self.host}{self.path} {self.request_id})"


@dataclass(slots=True)
class Response:
    """One response; a streamed body says its `length` when that is known."""

    status: int
    body: bytes | AsyncIterator[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None

    def __repr__(self) -> str:
        return f"Response({self.status})"

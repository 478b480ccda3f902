"""What the two lists share: their query, their marker, and the building of a long document in short steps."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from keyless.http.message import Request, Response
from keyless.model.errors import KeylessError, invalid
from keyless.providers.storage.errors import unsupported
from keyless.providers.storage.xml import ListingHead, list_closing, list_opening

MAX_RESULTS = 5000
#: After so many entries the event loop may see to others.
_ENTRIES_AT_ONCE = 250
_MARKER_VERSION = b"1"
#: Each adds nothing, because what it would show does not exist here.
_NOTHING_TO_INCLUDE = frozenset({"", "immutabilitypolicy", "legalhold", "permissions", "system"})
_INCLUDE = frozenset({"copy", "deleted", "metadata", "snapshots", "tags", "uncommittedblobs", "versions"})
_UNSUPPORTED = ("startfrom", "endbefore", "showonly")


@dataclass(frozen=True, slots=True)
class Paging:
    """The query of a list, read. `start` is where the list goes on, `include` what it shows besides."""

    head: ListingHead
    prefix: str
    start: str
    limit: int
    include: frozenset[str]


def read_paging(request: Request, container: str = "") -> Paging:
    """Read prefix, marker, maxresults, delimiter and include; raises INVALID with the code of the parameter."""
    query = request.query
    for name in query:
        if name.lower() in _UNSUPPORTED:
            raise unsupported(f"the query parameter {name} of a list")
    marker = query.get("marker", "")
    limit, asked = read_limit(request)
    head = ListingHead(
        endpoint=f"{request.base_url}/",
        prefix=query.get("prefix", ""),
        marker=marker,
        max_results=asked,
        delimiter=query.get("delimiter", ""),
        container=container,
    )
    return Paging(head, head.prefix, decode_marker(marker), limit, read_include(request))


def read_include(request: Request) -> frozenset[str]:
    """What a list is to show besides; raises INVALID for what none has."""
    include = frozenset(word.strip().lower() for word in request.query.get("include", "").split(","))
    if "deletedwithversions" in include:
        raise unsupported("a list of names that have but deleted versions")
    if include - _NOTHING_TO_INCLUDE - _INCLUDE:
        raise invalid("The query parameter include names something that a list does not have.", _BAD_VALUE)
    return include & _INCLUDE


def read_limit(request: Request) -> tuple[int, int]:
    """How many entries a page has at most, and what the client asked for (0: nothing); raises INVALID."""
    asked = read_max_results(request)
    return min(asked or MAX_RESULTS, MAX_RESULTS), asked


async def document(head: ListingHead, items: str, entries: Iterable[str], following: str) -> Response:
    """The answer of a list; `items` names its element, `following` is the next marker."""
    parts = [list_opening(head, items)]
    for entry in entries:
        parts.append(entry)
        if len(parts) % _ENTRIES_AT_ONCE == 0:
            await asyncio.sleep(0)
    parts.append(list_closing(following, items))
    return Response(200, "".join(parts).encode(), {"Content-Type": "application/xml"})


def encode_marker(start: str) -> str:
    """Where the next page starts, as clients carry it: opaque, and safe in a URL."""
    return base64.urlsafe_b64encode(_MARKER_VERSION + start.encode()).decode().rstrip("=")


def decode_marker(marker: str) -> str:
    """What `encode_marker` was given; raises INVALID for anything that did not come from it."""
    if not marker:
        return ""
    try:
        decoded = base64.urlsafe_b64decode(marker + "=" * (-len(marker) % 4))
        if decoded[:1] == _MARKER_VERSION:
            return decoded[1:].decode()
    except (binascii.Error, ValueError):
        pass
    raise bad_marker()


_BAD_VALUE = "InvalidQueryParameterValue"


def bad_marker() -> KeylessError:
    """A marker that cannot be read."""
    return invalid("The marker is not one that an earlier page gave: start the list anew.", _BAD_VALUE)


def read_max_results(request: Request) -> int:
    """What the client set, or 0; raises INVALID."""
    text = request.query.get("maxresults", "")
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise invalid("The query parameter maxresults must be a number.", _BAD_VALUE)
    if int(text) == 0:
        raise invalid("The query parameter maxresults must be 1 or more.", "OutOfRangeQueryParameterValue")
    return int(text)

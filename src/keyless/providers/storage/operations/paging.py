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
#: Each adds nothing here, because what it would show does not exist (snapshots, versions, …) or is not listed.
_NOTHING_TO_INCLUDE = frozenset(
    {
        "", "deleted", "deletedwithversions", "immutabilitypolicy", "legalhold", "permissions", "snapshots",
        "system", "tags", "uncommittedblobs", "versions",
    }
)  # fmt: skip
_UNSUPPORTED = ("startfrom", "endbefore", "showonly")


@dataclass(frozen=True, slots=True)
class Paging:
    """The query of a list, read. `start` is the first name that may be listed."""

    head: ListingHead
    prefix: str
    start: str
    limit: int
    metadata: bool
    copy: bool


def read_paging(request: Request, container: str = "") -> Paging:
    """Read prefix, marker, maxresults, delimiter and include; raises INVALID with the code of the parameter."""
    query = request.query
    for name in query:
        if name.lower() in _UNSUPPORTED:
            raise unsupported(f"the query parameter {name} of a list")
    marker = query.get("marker", "")
    asked = _read_max_results(query.get("maxresults", ""))
    include = {word.strip().lower() for word in query.get("include", "").split(",")}
    if include - _NOTHING_TO_INCLUDE - {"metadata", "copy"}:
        raise invalid("The query parameter include names something that a list does not have.", _BAD_VALUE)
    head = ListingHead(
        endpoint=f"{request.base_url}/",
        prefix=query.get("prefix", ""),
        marker=marker,
        max_results=asked,
        delimiter=query.get("delimiter", ""),
        container=container,
    )
    return Paging(
        head,
        head.prefix,
        decode_marker(marker),
        min(asked or MAX_RESULTS, MAX_RESULTS),
        metadata="metadata" in include,
        copy="copy" in include,
    )


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
    raise _bad_marker()


_BAD_VALUE = "InvalidQueryParameterValue"


def _bad_marker() -> KeylessError:
    return invalid("The marker is not one that an earlier page gave: start the list anew.", _BAD_VALUE)


def _read_max_results(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise invalid("The query parameter maxresults must be a number.", _BAD_VALUE)
    if int(text) == 0:
        raise invalid("The query parameter maxresults must be 1 or more.", "OutOfRangeQueryParameterValue")
    return int(text)

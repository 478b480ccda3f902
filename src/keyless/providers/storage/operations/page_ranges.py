"""Get Page Ranges: which pages were written, or have changed since a snapshot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from keyless.http.message import Request, Response
from keyless.http.surface import Call
from keyless.model.errors import conflict, invalid
from keyless.providers.storage import xml
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.blob_types import require_type
from keyless.providers.storage.conditions import read_conditions
from keyless.providers.storage.errors import unsupported
from keyless.providers.storage.headers import read_range, version_of
from keyless.providers.storage.moments import read_moment
from keyless.providers.storage.operations.answers import etag_headers, refused_read
from keyless.providers.storage.operations.pages import PAGE
from keyless.providers.storage.operations.paging import bad_marker, decode_marker, encode_marker, read_max_results
from keyless.providers.storage.page_ranges import PageRange, changed, joined, written
from keyless.providers.storage.reading import Pin
from keyless.providers.storage.tables.page_map import Piece, pieces
from keyless.providers.storage.tables.records import Blob, BlobPath, BlobType, Kind

#: From this version on, a list comes in pages of so many ranges.
_PAGED_SINCE, _MOST = "2020-10-02", 10_000
_RANGES_AT_ONCE = 1000


async def get_page_ranges(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET /c/b?comp=pagelist`."""
    request = call.request
    if "x-ms-previous-snapshot-url" in request.headers:
        raise unsupported("x-ms-previous-snapshot-url (name the snapshot in prevsnapshot)")
    limit = read_max_results(request) or _MOST
    since = _read_previous(request, at)
    blob = await blobs.blobs.get(at)
    pins = [_pin(blobs, blob)]
    if refused := refused_read(request, blob, read_conditions(request.headers), blobs.clock()):
        return refused
    require_type(blob, BlobType.PAGE)
    start, end = _read_bounds(request, blob.size)
    found = _pieces(blobs, blob, start, end)
    if since is None:
        ranges = written(found)
    else:
        old = await blobs.blobs.find(since)
        if old is None:
            raise conflict("There is no such previous snapshot: name one of this blob's.", "PreviousSnapshotNotFound")
        if old.form.type is not BlobType.PAGE:
            raise conflict(
                "The previous snapshot is not of a page blob: name a later one.",
                "PreviousSnapshotOperationNotSupported",
            )
        pins.append(_pin(blobs, old))
        ranges = changed(_pieces(blobs, old, start, end), found)
    headers = etag_headers(blob) | {"Content-Type": "application/xml", "x-ms-blob-content-length": str(blob.size)}
    paged = version_of(request.headers) >= _PAGED_SINCE
    return Response(200, _document(joined(ranges), min(limit, _MOST) if paged else None, pins), headers)


async def _document(
    ranges: AsyncIterator[PageRange], limit: int | None, _pins: list[Pin | None]
) -> AsyncIterator[bytes]:
    """The document by pieces; after `limit` ranges it says where the next page starts."""
    yield xml.page_list_opening().encode()
    shown: list[PageRange] = []
    count, following = 0, ""
    async for found in ranges:
        if count == limit:
            following = encode_marker(str(found.start))
            break
        shown.append(found)
        count += 1
        if len(shown) == _RANGES_AT_ONCE:
            yield xml.page_ranges(shown).encode()
            shown = []
    yield (xml.page_ranges(shown) + xml.page_list_closing(following)).encode()


def _pieces(blobs: BlobStore, blob: Blob, start: int, end: int) -> AsyncIterator[Piece]:
    assert blob.manifest is not None, "a page blob has a manifest from the start"
    return pieces(blobs.store, blob.manifest, blob.form.generation, start, min(end, blob.size))


def _pin(blobs: BlobStore, blob: Blob) -> Pin | None:
    return None if blob.manifest is None else blobs.pins.pin(blob.manifest)


def _read_previous(request: Request, at: BlobPath) -> BlobPath | None:
    text = request.query.get("prevsnapshot", "")
    if not text:
        return None
    moment = read_moment(text, "prevsnapshot")
    if at.kind is Kind.SNAPSHOT and moment > at.moment:
        raise invalid("The previous snapshot is the newer one: exchange them.", "PreviousSnapshotCannotBeNewer")
    return replace(at, kind=Kind.SNAPSHOT, moment=moment)


def _read_bounds(request: Request, size: int) -> tuple[int, int]:
    """Where the pages that are asked for start and end: whole pages, from the marker on."""
    asked = read_range(request.headers)
    start, length = (0, size) if asked is None else asked.within(size)
    end = start + length
    text = decode_marker(request.query.get("marker", ""))
    if text and not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise bad_marker()
    return max(start - start % PAGE, int(text or 0)), end + -end % PAGE

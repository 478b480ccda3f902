"""List Blobs, flat or by hierarchy."""

from __future__ import annotations

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.model.errors import invalid
from keyless.providers.storage import xml
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.operations.paging import bad_marker, document, encode_marker, read_paging
from keyless.providers.storage.tables.listing import Position, Query
from keyless.providers.storage.tables.records import BlobPath, Kind


async def list_blobs(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET /c?restype=container&comp=list`."""
    paging = read_paging(call.request, at.container)
    include = paging.include
    if "snapshots" in include and paging.head.delimiter:
        raise invalid("Snapshots are listed without a delimiter only.", "InvalidQueryParameterValue")
    container = await blobs.containers.get(at.account, at.container)
    now = blobs.clock()
    kinds = {Kind.SNAPSHOT: "snapshots", Kind.VERSION: "versions", Kind.DELETED: "deleted"}
    query = Query(
        paging.prefix,
        paging.head.delimiter,
        _read_position(paging.start),
        paging.limit,
        frozenset(kind for kind, word in kinds.items() if word in include),
        deleted="deleted" in include,
        uncommitted="uncommittedblobs" in include,
        now=int(now),
    )
    page = await blobs.list_page(container.id, query)
    shown = xml.Shown(
        now,
        metadata="metadata" in include,
        tags="tags" in include,
        versions="versions" in include,
        copies="copy" in include,
    )
    entries = (
        xml.prefix_entry(entry) if isinstance(entry, str) else xml.blob_entry(entry, shown) for entry in page.entries
    )
    following = encode_marker(_write_position(page.next_start)) if page.next_start else ""
    return await document(paging.head, "Blobs", entries, following)


def _write_position(at: Position) -> str:
    """As it goes into a marker: a name holds no U+0000."""
    return f"{at.name}\0{at.kind}\0{at.moment}" if at.kind or at.moment else at.name


def _read_position(text: str) -> Position:
    name, *rest = text.split("\0")
    if not rest:
        return Position(name)
    if len(rest) != 2 or not all(number.isascii() and number.isdecimal() and len(number) < 19 for number in rest):
        raise bad_marker()
    return Position(name, int(rest[0]), int(rest[1]))

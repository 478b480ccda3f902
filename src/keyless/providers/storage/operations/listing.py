"""List Blobs, flat or by hierarchy."""

from __future__ import annotations

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.providers.storage import xml
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.operations.paging import document, encode_marker, read_paging
from keyless.providers.storage.tables.listing import Query
from keyless.providers.storage.tables.records import BlobPath


async def list_blobs(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET /c?restype=container&comp=list`."""
    paging = read_paging(call.request, at.container)
    container = await blobs.containers.get(at.account, at.container)
    query = Query(paging.prefix, paging.head.delimiter, paging.start, paging.limit)
    page = await blobs.list_page(container.id, query)
    entries = (
        xml.prefix_entry(entry)
        if isinstance(entry, str)
        else xml.blob_entry(entry, with_metadata=paging.metadata, with_copy=paging.copy)
        for entry in page.entries
    )
    following = encode_marker(page.next_start) if page.next_start else ""
    return await document(paging.head, "Blobs", entries, following)

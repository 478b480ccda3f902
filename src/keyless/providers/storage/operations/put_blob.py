"""Put Blob: one operation for three types of blobs."""

from __future__ import annotations

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.operations.appends import put_append_blob
from keyless.providers.storage.operations.blobs import put_block_blob, read_type
from keyless.providers.storage.operations.pages import put_page_blob
from keyless.providers.storage.tables.records import BlobPath, BlobType

_PUT = {BlobType.BLOCK: put_block_blob, BlobType.APPEND: put_append_blob, BlobType.PAGE: put_page_blob}


async def put_blob(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b` with `x-ms-blob-type`."""
    return await _PUT[read_type(call.request.headers)](blobs, at, call)

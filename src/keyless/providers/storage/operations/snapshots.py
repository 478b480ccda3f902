"""Snapshot Blob and Undelete Blob."""

from __future__ import annotations

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import read_conditions, read_lease_only
from keyless.providers.storage.headers import read_metadata
from keyless.providers.storage.moments import moment_text
from keyless.providers.storage.operations.answers import etag_headers, version_headers
from keyless.providers.storage.tables.records import BlobPath


async def snapshot_blob(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=snapshot`; it has the blob's metadata, unless some comes with the request."""
    headers = call.request.headers
    blob, moment = await blobs.changes.snapshot(at, read_metadata(headers), read_conditions(headers))
    snapshot = {"x-ms-snapshot": moment_text(moment), "x-ms-request-server-encrypted": "true"}
    return Response(201, b"", etag_headers(blob) | version_headers(blob.version) | snapshot)


async def undelete_blob(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=undelete`: the blob, its snapshots and its versions."""
    read_lease_only(call.request.headers)
    await blobs.changes.undelete(at)
    return Response(200)

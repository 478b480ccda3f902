"""Get and Set Blob Metadata, Set Blob Properties."""

from __future__ import annotations

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import read_conditions
from keyless.providers.storage.headers import metadata_headers, read_metadata, read_settings
from keyless.providers.storage.operations.answers import etag_headers, refused_read, version_headers, written
from keyless.providers.storage.operations.pages import PAGE_BLOB_PROPERTIES, set_page_blob_properties
from keyless.providers.storage.tables.records import BlobPath

_SETTINGS = tuple(
    f"x-ms-blob-{name}"
    for name in (
        "cache-control",
        "content-type",
        "content-md5",
        "content-encoding",
        "content-language",
        "content-disposition",
    )
)


async def get_blob_metadata(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET` or `HEAD /c/b?comp=metadata`."""
    blob = await blobs.blobs.get(at)
    if refused := refused_read(call.request, blob, read_conditions(call.request.headers), blobs.clock()):
        return refused
    return Response(200, b"", etag_headers(blob) | metadata_headers(blob.metadata))


async def set_blob_metadata(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=metadata`: all of it is replaced."""
    headers = call.request.headers
    version = await blobs.changes.set_metadata(at, read_metadata(headers), read_conditions(headers))
    return Response(200, b"", written(version))


async def set_blob_properties(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=properties`: if any is named, those that are not become unset."""
    headers = call.request.headers
    named = any(name in headers for name in _SETTINGS)
    settings = read_settings(headers, standard_too=False) if named else None
    if any(name in headers for name in PAGE_BLOB_PROPERTIES):
        return await set_page_blob_properties(blobs, at, headers, settings)
    version = await blobs.changes.set_settings(at, settings, read_conditions(headers))
    return Response(200, b"", etag_headers(version) | version_headers(version.moment))

"""Create Container, Get Container Properties, Delete Container, List Containers."""

from __future__ import annotations

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.model.errors import conflict
from keyless.providers.storage import xml
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import read_conditions, refuse_conditions
from keyless.providers.storage.headers import http_date, metadata_headers, read_metadata
from keyless.providers.storage.operations.paging import document, encode_marker, read_paging
from keyless.providers.storage.tables.records import BlobPath, Container


async def create_container(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c?restype=container`."""
    headers = call.request.headers
    refuse_conditions(headers)
    if "x-ms-blob-public-access" in headers:
        raise conflict(
            "keyless gives nobody anonymous access: assign a role at the container instead.",
            "PublicAccessNotPermitted",
        )
    container = await blobs.containers.create(at.account, at.container, read_metadata(headers))
    return Response(201, b"", _version(container))


async def get_container_properties(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET` or `HEAD /c?restype=container`."""
    refuse_conditions(call.request.headers)
    container = await blobs.containers.get(at.account, at.container)
    fixed = {
        "x-ms-lease-status": "unlocked",
        "x-ms-lease-state": "available",
        "x-ms-has-immutability-policy": "false",
        "x-ms-has-legal-hold": "false",
        "x-ms-immutable-storage-with-versioning-enabled": "false",
        "x-ms-default-encryption-scope": "$account-encryption-key",
        "x-ms-deny-encryption-scope-override": "false",
    }
    return Response(200, b"", _version(container) | fixed | metadata_headers(container.metadata))


async def delete_container(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`DELETE /c?restype=container`."""
    await blobs.containers.delete(at.account, at.container, read_conditions(call.request.headers))
    return Response(202)


async def list_containers(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET /?comp=list`."""
    paging = read_paging(call.request)
    found = await blobs.containers.page(at.account, paging.prefix, paging.start, paging.limit + 1)
    following = encode_marker(found[paging.limit].name) if len(found) > paging.limit else ""
    entries = (xml.container_entry(c, with_metadata=paging.metadata) for c in found[: paging.limit])
    return await document(paging.head, "Containers", entries, following)


def _version(container: Container) -> dict[str, str]:
    return {"ETag": f'"{container.etag}"', "Last-Modified": http_date(container.changed)}

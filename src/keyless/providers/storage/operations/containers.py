"""Containers: create, delete, restore, list; their properties, metadata and access control list."""

from __future__ import annotations

import re

from keyless.http.message import Headers, Response
from keyless.http.surface import Call
from keyless.model.errors import conflict, invalid
from keyless.providers.storage import xml
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import read_lease_only
from keyless.providers.storage.errors import unsupported
from keyless.providers.storage.headers import metadata_headers, read_metadata
from keyless.providers.storage.operations.answers import etag_headers, lease_headers
from keyless.providers.storage.operations.paging import bad_marker, document, encode_marker, read_paging
from keyless.providers.storage.tables.records import BlobPath, Container
from keyless.providers.storage.xml_tree import MAX_DOCUMENT_BYTES, read_tree


async def create_container(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c?restype=container`."""
    headers = call.request.headers
    read_lease_only(headers)
    _refuse_public_access(headers)
    container = await blobs.containers.create(at.account, at.container, read_metadata(headers))
    return Response(201, b"", etag_headers(container))


async def get_container_properties(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET` or `HEAD /c?restype=container`."""
    container = await _read(blobs, at, call)
    fixed = {
        "x-ms-has-immutability-policy": "false",
        "x-ms-has-legal-hold": "false",
        "x-ms-immutable-storage-with-versioning-enabled": "false",
        "x-ms-default-encryption-scope": "$account-encryption-key",
        "x-ms-deny-encryption-scope-override": "false",
    }
    headers = etag_headers(container) | lease_headers(container.lease, blobs.clock())
    return Response(200, b"", headers | fixed | metadata_headers(container.metadata))


async def get_container_metadata(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET` or `HEAD /c?restype=container&comp=metadata`."""
    container = await _read(blobs, at, call)
    return Response(200, b"", etag_headers(container) | metadata_headers(container.metadata))


async def set_container_metadata(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c?restype=container&comp=metadata`: all of it is replaced."""
    headers = call.request.headers
    conditions = read_lease_only(headers, "if-modified-since")
    changed = await blobs.containers.set_metadata(at.account, at.container, read_metadata(headers), conditions)
    return Response(200, b"", etag_headers(changed))


async def get_container_acl(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET` or `HEAD /c?restype=container&comp=acl`: there is no public access, and no stored access policy."""
    container = await _read(blobs, at, call)
    document = f"{xml.DECLARATION}<SignedIdentifiers />".encode()
    return Response(200, document, etag_headers(container) | {"Content-Type": "application/xml"})


async def set_container_acl(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c?restype=container&comp=acl`: that there is neither public access nor a policy may be said again."""
    headers = call.request.headers
    conditions = read_lease_only(headers, "if-modified-since", "if-unmodified-since")
    _refuse_public_access(headers)
    document = await call.request.body.read(MAX_DOCUMENT_BYTES)
    if document.strip() and len(read_tree(document, "SignedIdentifiers")):
        raise unsupported("stored access policies, which need account keys")
    container = await blobs.containers.get(at.account, at.container)
    conditions.check_container(container, blobs.clock())
    return Response(200, b"", etag_headers(container))


async def delete_container(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`DELETE /c?restype=container`."""
    conditions = read_lease_only(call.request.headers, "if-modified-since", "if-unmodified-since")
    await blobs.containers.delete(at.account, at.container, conditions)
    return Response(202)


async def restore_container(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c?restype=container&comp=undelete`: what was deleted under this name, which has to be free."""
    headers = call.request.headers
    read_lease_only(headers)
    if headers.get("x-ms-deleted-container-name", at.container) != at.container:
        raise unsupported("restoring a container under another name")
    version = headers.get("x-ms-deleted-container-version")
    if not re.fullmatch("[0-7][0-9A-F]{15}", version):
        raise invalid(
            "The header x-ms-deleted-container-version must be one that a list of deleted containers shows.",
            "InvalidHeaderValue",
        )
    container = await blobs.containers.restore(at.account, at.container, int(version, 16))
    return Response(201, b"", etag_headers(container))


async def list_containers(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET /?comp=list`."""
    paging = read_paging(call.request)
    name, _, ident = paging.start.partition("/")
    if ident and not (ident.isascii() and ident.isdecimal() and len(ident) < 19):
        raise bad_marker()
    start = (name, int(ident or 0))
    deleted = "deleted" in paging.include
    found = await blobs.containers.page(at.account, paging.prefix, start, paging.limit + 1, deleted=deleted)
    following = ""
    if len(found) > paging.limit:
        beyond = found[paging.limit]
        following = encode_marker(f"{beyond.name}/{beyond.id}")
    now, with_metadata = blobs.clock(), "metadata" in paging.include
    entries = (xml.container_entry(c, now, with_metadata=with_metadata) for c in found[: paging.limit])
    return await document(paging.head, "Containers", entries, following)


async def _read(blobs: BlobStore, at: BlobPath, call: Call) -> Container:
    conditions = read_lease_only(call.request.headers)
    container = await blobs.containers.get(at.account, at.container)
    conditions.check_container(container, blobs.clock())
    return container


def _refuse_public_access(headers: Headers) -> None:
    if "x-ms-blob-public-access" in headers:
        raise conflict(
            "keyless gives nobody anonymous access: assign a role at the container instead.",
            "PublicAccessNotPermitted",
        )

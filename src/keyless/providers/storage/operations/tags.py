"""Get and Set Blob Tags, Find Blobs by Tags in an account or a container."""

from __future__ import annotations

import hashlib

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.providers.storage import xml
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import read_tags_conditions
from keyless.providers.storage.headers import read_md5
from keyless.providers.storage.operations.answers import md5_mismatch, refused_read
from keyless.providers.storage.operations.paging import decode_marker, encode_marker, read_limit
from keyless.providers.storage.tables.records import BlobPath
from keyless.providers.storage.tables.tagged import find_tagged
from keyless.providers.storage.tags import read_tags_document, read_where, tags_element
from keyless.providers.storage.xml_tree import MAX_DOCUMENT_BYTES

_XML = {"Content-Type": "application/xml"}


async def get_blob_tags(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET /c/b?comp=tags`."""
    conditions = read_tags_conditions(call.request.headers)
    blob = await blobs.blobs.get(at)
    if refused := refused_read(call.request, blob, conditions, blobs.clock()):
        return refused
    return Response(200, f"{xml.DECLARATION}{tags_element(blob.tags)}".encode(), dict(_XML))


async def set_blob_tags(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=tags`: all of them are replaced; ETag and time of the last change stay."""
    headers = call.request.headers
    conditions = read_tags_conditions(headers)
    announced = read_md5(headers, "content-md5")
    document = await call.request.body.read(MAX_DOCUMENT_BYTES)
    if announced is not None and hashlib.md5(document, usedforsecurity=False).digest() != announced:
        raise md5_mismatch()
    await blobs.changes.set_tags(at, read_tags_document(document), conditions)
    return Response(204)


async def find_blobs_by_tags(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET /?comp=blobs&where=…`, in a container with `restype=container`."""
    request = call.request
    where = request.query.get("where", "")
    expression = read_where(where)
    limit, _asked = read_limit(request)
    start = decode_marker(request.query.get("marker", ""))
    if at.container:
        await blobs.containers.get(at.account, at.container)
    page = await find_tagged(blobs.store, at.account, at.container, expression, start, limit)
    entries = "".join(xml.found_entry(container, name, tags) for container, name, tags in page.found)
    following = encode_marker(page.next_start) if page.next_start else ""
    opening = xml.found_opening(f"{request.base_url}/", where)
    return Response(200, f"{opening}{entries}{xml.list_closing(following, 'Blobs')}".encode(), dict(_XML))

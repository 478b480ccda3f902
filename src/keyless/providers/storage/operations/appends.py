"""Put Blob of an append blob, Append Block, Append Block From URL, Append Blob Seal."""

from __future__ import annotations

import base64

from keyless.http.message import Body, Headers, Response
from keyless.http.surface import Call
from keyless.model.errors import invalid
from keyless.providers.storage.append_conditions import read_append_conditions
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import read_conditions
from keyless.providers.storage.copy_source import FindTarget, open_source
from keyless.providers.storage.headers import read_md5, version_of
from keyless.providers.storage.operations.answers import etag_headers, md5_mismatch, version_headers, written
from keyless.providers.storage.operations.blobs import MIB, read_empty_draft
from keyless.providers.storage.operations.checksums import checked_source
from keyless.providers.storage.tables.appends import check_append
from keyless.providers.storage.tables.records import BlobPath, BlobType, Form

#: By the version of the protocol: from this one on, a block can be larger.
_LARGE_BLOCKS_SINCE, _LARGE_BLOCK, _BLOCK = "2022-11-02", 100 * MIB, 4 * MIB


async def put_append_blob(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b` with `x-ms-blob-type: AppendBlob`, which makes an empty one."""
    draft = read_empty_draft(call.request)
    version = await blobs.blobs.create(at, Form(BlobType.APPEND), draft, read_conditions(call.request.headers))
    return Response(201, b"", written(version))


async def append_block(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=appendblock`."""
    request = call.request
    announced = read_md5(request.headers, "content-md5")
    await _check(blobs, at, request.headers, request.body.length or 1)
    return await _append(blobs, at, request.headers, request.body, announced)


async def append_block_from_url(find: FindTarget, blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=appendblock` with `x-ms-copy-source`."""
    headers = call.request.headers
    announced = read_md5(headers, "x-ms-source-content-md5")
    await _check(blobs, at, headers, 1)
    async with open_source(find, call) as (_source, opened):
        return await _append(blobs, at, headers, await checked_source(headers, opened), announced)


async def seal_append_blob(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=seal`; to seal once more is no error."""
    headers = call.request.headers
    blob = await blobs.appends.seal(at, read_conditions(headers), read_append_conditions(headers))
    return Response(200, b"", etag_headers(blob) | version_headers(blob.version) | {"x-ms-blob-sealed": "true"})


async def _check(blobs: BlobStore, at: BlobPath, headers: Headers, size: int) -> None:
    """The transaction decides; this only spares a client a long upload in vain."""
    blob = await blobs.blobs.get(at)
    check_append(blob, size, blobs.clock(), read_conditions(headers), read_append_conditions(headers))


async def _append(blobs: BlobStore, at: BlobPath, headers: Headers, body: Body, announced: bytes | None) -> Response:
    limit = _LARGE_BLOCK if version_of(headers) >= _LARGE_BLOCKS_SINCE else _BLOCK
    async with blobs.parts.receive(body, limit=limit, digest=True) as received:
        if received.part is None:
            raise invalid("A block has one byte at least.", "InvalidHeaderValue")
        if announced not in {None, received.md5}:
            raise md5_mismatch()
        done = await blobs.appends.append(at, received, read_conditions(headers), read_append_conditions(headers))
    answer = written(done.version) | {
        "x-ms-blob-append-offset": str(done.offset),
        "x-ms-blob-committed-block-count": str(done.blocks),
        "Content-MD5": base64.b64encode(received.md5).decode(),
    }
    return Response(201, b"", answer)

"""Put Block, Put Block List, Get Block List."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.model.errors import invalid
from keyless.providers.storage import xml
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.blob_types import require_type
from keyless.providers.storage.conditions import IF_TAGS, read_conditions, read_lease_only
from keyless.providers.storage.headers import read_md5
from keyless.providers.storage.names import read_block_id
from keyless.providers.storage.operations.answers import etag_headers, md5_mismatch, written
from keyless.providers.storage.operations.blobs import MIB, read_draft
from keyless.providers.storage.reading import Pin
from keyless.providers.storage.tables.blobs import blob_not_found
from keyless.providers.storage.tables.records import Blob, BlobPath, BlobType, BlockRef, Kind

MAX_PUT_BLOCK = 4000 * MIB
_BLOCKS_AT_ONCE = 1000
#: A longer list is read in a thread.
_LONG_DOCUMENT = 32 * 1024


async def put_block(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=block&blockid=…`."""
    request = call.request
    conditions = read_lease_only(request.headers)
    block_id = read_block_id(request.query.get("blockid", ""))
    announced = read_md5(request.headers, "content-md5")
    # the transaction decides; this only spares a client a long upload in vain
    conditions.check_write(await blobs.blobs.find(at), blobs.clock())
    async with blobs.parts.receive(request.body, limit=MAX_PUT_BLOCK, digest=announced is not None) as received:
        if received.part is None:
            raise invalid("A block has one byte at least.", "InvalidHeaderValue")
        if announced not in {None, received.md5}:
            raise md5_mismatch()
        await blobs.blocks.stage(at, block_id, received, conditions)
    headers = {"x-ms-request-server-encrypted": "true"}
    if announced is not None:
        headers["Content-MD5"] = base64.b64encode(announced).decode()
    return Response(201, b"", headers)


async def put_block_list(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=blocklist`."""
    headers = call.request.headers
    draft = read_draft(headers, standard_too=False)
    conditions = read_conditions(headers)
    announced = read_md5(headers, "content-md5")
    document = await call.request.body.read(xml.MAX_BLOCK_LIST_BYTES)
    if announced is not None and hashlib.md5(document, usedforsecurity=False).digest() != announced:
        raise md5_mismatch()
    refs = _read(document) if len(document) <= _LONG_DOCUMENT else await asyncio.to_thread(_read, document)
    version = await blobs.blocks.commit(at, refs, draft, conditions)
    return Response(201, b"", written(version))


async def get_block_list(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET /c/b?comp=blocklist`."""
    conditions = read_lease_only(call.request.headers, IF_TAGS)
    kind = call.request.query.get("blocklisttype", "committed").lower()
    if kind not in {"committed", "uncommitted", "all"}:
        raise invalid(
            "The query parameter blocklisttype must be committed, uncommitted or all.", "InvalidQueryParameterValue"
        )
    blob = await blobs.blobs.find(at)
    pin = blobs.pins.pin(blob.manifest) if blob and blob.manifest is not None else None
    upload = await blobs.blocks.upload(at) if at.kind is Kind.CURRENT else None
    if blob is None and upload is None:
        raise blob_not_found()
    if blob is not None:
        require_type(blob, BlobType.BLOCK)
        conditions.check_read(blob, blobs.clock())
    headers = {"Content-Type": "application/xml", "x-ms-blob-content-length": str(blob.size if blob else 0)}
    if blob is not None:
        headers |= etag_headers(blob)
    return Response(200, _block_list(blobs, kind, blob, upload, pin), headers)


def _read(document: bytes) -> list[BlockRef]:
    return [replace(ref, block_id=read_block_id(ref.block_id)) for ref in xml.parse_block_list(document)]


async def _block_list(
    blobs: BlobStore, kind: str, blob: Blob | None, upload: int | None, _pin: Pin | None
) -> AsyncIterator[bytes]:
    """The document by pieces: it can have 150,000 entries."""
    yield f"{xml.DECLARATION}<BlockList>".encode()
    if kind != "uncommitted":
        yield b"<CommittedBlocks>"
        at = 0
        while blob is not None and blob.manifest is not None and at < blob.size:
            blocks = await blobs.blocks.committed(blob.manifest, at, _BLOCKS_AT_ONCE)
            yield xml.block_entries(block for block in blocks if block.block_id).encode()
            at = blocks[-1].start + blocks[-1].size
        yield b"</CommittedBlocks>"
    if kind != "committed":
        yield b"<UncommittedBlocks>"
        after = ""
        while upload is not None and (blocks := await blobs.blocks.staged(upload, after, _BLOCKS_AT_ONCE)):
            yield xml.block_entries(blocks).encode()
            after = blocks[-1].block_id
        yield b"</UncommittedBlocks>"
    yield b"</BlockList>"

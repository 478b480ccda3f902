"""Put Blob of a block blob, Get Blob, Get Blob Properties, Delete Blob."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

from keyless.http.message import Headers, Request, Response
from keyless.http.surface import Call
from keyless.model.errors import KeylessError, invalid
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.blob_types import require_type
from keyless.providers.storage.conditions import read_conditions
from keyless.providers.storage.errors import error_response
from keyless.providers.storage.headers import flag, read_md5, read_metadata, read_range, read_settings
from keyless.providers.storage.operations.answers import (
    blob_headers,
    md5_mismatch,
    refused_read,
    with_headers,
    written,
)
from keyless.providers.storage.tables.records import INLINE_BYTES, BlobPath, BlobType, Draft, Kind
from keyless.providers.storage.tags import read_tags_header
from keyless.providers.storage.tiers import read_tier, refuse_archived

MIB = 1024 * 1024
MAX_PUT_BLOB = 5000 * MIB
MAX_DIGESTED_RANGE = 4 * MIB


async def put_block_blob(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b` with `x-ms-blob-type: BlockBlob` and the whole body."""
    headers = call.request.headers
    draft = read_draft(headers, standard_too=True)
    conditions = read_conditions(headers)
    announced = read_md5(headers, "content-md5")
    body = call.request.body
    if body.length is None or body.length > INLINE_BYTES:
        # the transaction decides; this only spares a client a long upload in vain
        there = await blobs.blobs.find(at)
        conditions.check_write(there, blobs.clock())
        if there is not None:
            require_type(there, BlobType.BLOCK)
    async with blobs.parts.receive(body, limit=MAX_PUT_BLOB, digest=True) as received:
        digest = base64.b64encode(received.md5).decode()
        if announced not in {None, received.md5} or draft.settings.md5 not in {"", digest}:
            raise md5_mismatch()
        draft = replace(draft, settings=replace(draft.settings, md5=digest))
        version = await blobs.blobs.put(at, received, draft, conditions)
    return Response(201, b"", written(version) | {"Content-MD5": digest})


async def get_blob(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET /c/b`, the whole or a range of it."""
    request = call.request
    blob = await blobs.blobs.get(at, with_body=True)
    now = blobs.clock()
    if refused := refused_read(request, blob, read_conditions(request.headers), now):
        return refused
    refuse_archived(blob.tier)
    asked = read_range(request.headers)
    wants_digest = flag(request.headers, "x-ms-range-get-content-md5")
    if asked is None:
        if wants_digest:
            raise invalid("x-ms-range-get-content-md5 needs a range.", "InvalidHeaderValue")
        return Response(200, blobs.reader.read(blob, 0, blob.size), blob_headers(blob, now), length=blob.size)
    try:
        start, length = asked.within(blob.size)
    except KeylessError as error:
        return with_headers(error_response(request, error), {"Content-Range": f"bytes */{blob.size}"})
    headers = blob_headers(blob, now) | {"Content-Range": f"bytes {start}-{start + length - 1}/{blob.size}"}
    if md5 := headers.pop("Content-MD5", ""):
        headers["x-ms-blob-content-md5"] = md5
    if not wants_digest:
        return Response(206, blobs.reader.read(blob, start, length), headers, length=length)
    if length > MAX_DIGESTED_RANGE:
        raise invalid("x-ms-range-get-content-md5 takes a range of at most 4 MiB.", "InvalidHeaderValue")
    body = blobs.reader.read(blob, start, length)
    data = body if isinstance(body, bytes) else b"".join([piece async for piece in body])
    headers["Content-MD5"] = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    return Response(206, data, headers, length=length)


async def get_blob_properties(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`HEAD /c/b`; a range is not looked at."""
    blob = await blobs.blobs.get(at)
    now = blobs.clock()
    if refused := refused_read(call.request, blob, read_conditions(call.request.headers), now):
        return refused
    return Response(200, b"", blob_headers(blob, now), length=blob.size)


async def delete_blob(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`DELETE /c/b`, or one of its snapshots or versions."""
    headers = call.request.headers
    snapshots = headers.get("x-ms-delete-snapshots").lower()
    if snapshots not in {"", "include", "only"}:
        raise invalid("The header x-ms-delete-snapshots must be include or only.", "InvalidHeaderValue")
    conditions = read_conditions(headers)
    if at.kind is Kind.CURRENT:
        for_good = await blobs.blobs.delete(at, conditions, snapshots=snapshots)
    elif snapshots:
        raise invalid(
            "The header x-ms-delete-snapshots is for the blob itself, not for one snapshot or version of it.",
            "InvalidHeaderValue",
        )
    else:
        for_good = await blobs.changes.delete_past(at, conditions)
    return Response(202, b"", {"x-ms-delete-type-permanent": "true" if for_good else "false"})


def read_draft(headers: Headers, *, standard_too: bool) -> Draft:
    """What a write of a body gives the blob besides; see `read_settings`. Raises INVALID."""
    return Draft(
        read_settings(headers, standard_too=standard_too),
        read_metadata(headers),
        read_tags_header(headers.get("x-ms-tags")),
        read_tier(headers),
    )


def read_empty_draft(request: Request) -> Draft:
    """The same for a blob that is made without a body and has no tier; raises INVALID."""
    if request.body.length != 0:
        raise invalid("A blob of this type is made empty: send no body, and Content-Length: 0.", "InvalidHeaderValue")
    if read_md5(request.headers, "content-md5") not in {None, hashlib.md5(b"", usedforsecurity=False).digest()}:
        raise md5_mismatch()
    draft = read_draft(request.headers, standard_too=True)
    if draft.tier:
        raise invalid("A blob of this type has no tier: send no x-ms-access-tier.", "UnsupportedHeader")
    return draft


def read_type(headers: Headers) -> BlobType:
    """The type of a blob that is to be made; raises INVALID."""
    text = headers.get("x-ms-blob-type")
    names = [type_.value for type_ in BlobType]
    if not text:
        raise invalid(f"This needs the header x-ms-blob-type: {', '.join(names)}.", "MissingRequiredHeader")
    for type_ in BlobType:
        if text.lower() == type_.value.lower():
            return type_
    raise invalid(f"The header x-ms-blob-type must be one of {', '.join(names)}.", "InvalidHeaderValue")

"""Put Blob, Get Blob, Get Blob Properties, Delete Blob."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

from keyless.http.message import Headers, Request, Response
from keyless.http.surface import Call
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import Version, read_conditions
from keyless.providers.storage.errors import error_response, unsupported
from keyless.providers.storage.headers import (
    flag,
    http_date,
    metadata_headers,
    read_md5,
    read_metadata,
    read_range,
    read_settings,
)
from keyless.providers.storage.tables.records import INLINE_BYTES, Blob, BlobPath, Draft

MIB = 1024 * 1024
MAX_PUT_BLOB = 5000 * MIB
MAX_DIGESTED_RANGE = 4 * MIB


async def put_blob(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b` with the whole body."""
    headers = call.request.headers
    check_kind(headers)
    settings, metadata = read_settings(headers, standard_too=True), read_metadata(headers)
    conditions = read_conditions(headers)
    announced = read_md5(headers, "content-md5")
    body = call.request.body
    if body.length is None or body.length > INLINE_BYTES:
        # the transaction decides; this only spares a client a long upload in vain
        there = await blobs.blobs.find(at)
        conditions.check_write(_version(there) if there else None)
    async with blobs.parts.receive(body, limit=MAX_PUT_BLOB, digest=True) as received:
        digest = base64.b64encode(received.md5).decode()
        if announced not in {None, received.md5} or settings.md5 not in {"", digest}:
            raise md5_mismatch()
        draft = Draft(replace(settings, md5=digest), metadata)
        version = await blobs.blobs.put(at, received, draft, conditions)
    return Response(201, b"", written(version) | {"Content-MD5": digest})


async def get_blob(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`GET /c/b`, the whole or a range of it."""
    request = call.request
    blob = await blobs.blobs.get(at, with_body=True)
    if refused := _refused(request, blob):
        return refused
    asked = read_range(request.headers)
    wants_digest = flag(request.headers, "x-ms-range-get-content-md5")
    if asked is None:
        if wants_digest:
            raise invalid("x-ms-range-get-content-md5 needs a range.", "InvalidHeaderValue")
        return Response(200, blobs.reader.read(blob, 0, blob.size), _properties(blob), length=blob.size)
    try:
        start, length = asked.within(blob.size)
    except KeylessError as error:
        return _with(error_response(request, error), {"Content-Range": f"bytes */{blob.size}"})
    headers = _properties(blob) | {"Content-Range": f"bytes {start}-{start + length - 1}/{blob.size}"}
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
    if refused := _refused(call.request, blob):
        return refused
    return Response(200, b"", _properties(blob), length=blob.size)


async def delete_blob(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`DELETE /c/b`."""
    headers = call.request.headers
    # no blob has snapshots: to delete them along with it is done, to delete them alone cannot be
    if headers.get("x-ms-delete-snapshots", "include").lower() != "include":
        raise unsupported("snapshots")
    await blobs.blobs.delete(at, read_conditions(headers))
    return Response(202, b"", {"x-ms-delete-type-permanent": "true"})


def written(version: Version) -> dict[str, str]:
    """What every write of a blob answers."""
    return {
        "ETag": f'"{version.etag}"',
        "Last-Modified": http_date(version.changed),
        "x-ms-request-server-encrypted": "true",
    }


def copy_headers(blob: Blob) -> dict[str, str]:
    """What a blob that was copied tells of that."""
    copied = blob.copied
    if copied is None:
        return {}
    return {
        "x-ms-copy-id": copied.id,
        "x-ms-copy-source": copied.source,
        "x-ms-copy-status": "success",
        "x-ms-copy-progress": f"{blob.size}/{blob.size}",
        "x-ms-copy-completion-time": http_date(copied.at),
    }


def md5_mismatch() -> KeylessError:
    """The body is not the one that its digest speaks of."""
    return invalid("The body's MD5 digest is not the one in the header; nothing was stored.", "Md5Mismatch")


def check_tier(headers: Headers) -> None:
    """Raise UNSUPPORTED for any tier but the one there is."""
    if headers.get("x-ms-access-tier", "Hot").lower() != "hot":
        raise unsupported("access tiers other than Hot")


def check_kind(headers: Headers) -> None:
    """Raise INVALID or UNSUPPORTED for a blob that is to be anything but a block blob of the tier there is."""
    kind = headers.get("x-ms-blob-type").lower()
    if not kind:
        raise invalid("Put Blob needs the header x-ms-blob-type: BlockBlob.", "MissingRequiredHeader")
    if kind in {"appendblob", "pageblob"}:
        raise unsupported("append blobs and page blobs")
    if kind != "blockblob":
        raise invalid("The header x-ms-blob-type must be BlockBlob.", "InvalidHeaderValue")
    check_tier(headers)


def _refused(request: Request, blob: Blob) -> Response | None:
    """The answer if the conditions of a read do not hold; a 304 names the version that is there."""
    try:
        read_conditions(request.headers).check_read(_version(blob))
    except KeylessError as error:
        if error.kind is not ErrorKind.NOT_MODIFIED:
            raise
        there = {"ETag": f'"{blob.etag}"', "Last-Modified": http_date(blob.changed)}
        return _with(error_response(request, error), there)
    return None


def _with(response: Response, headers: dict[str, str]) -> Response:
    response.headers.update(headers)
    return response


def _version(blob: Blob) -> Version:
    return Version(blob.etag, blob.changed)


def _properties(blob: Blob) -> dict[str, str]:
    settings = blob.settings
    optional = {
        "Content-Encoding": settings.encoding,
        "Content-Language": settings.language,
        "Content-Disposition": settings.disposition,
        "Cache-Control": settings.cache_control,
        "Content-MD5": settings.md5,
    }
    return {
        "Content-Type": settings.content_type,
        **{name: value for name, value in optional.items() if value},
        "Accept-Ranges": "bytes",
        "ETag": f'"{blob.etag}"',
        "Last-Modified": http_date(blob.changed),
        "x-ms-creation-time": http_date(blob.created),
        "x-ms-blob-type": "BlockBlob",
        "x-ms-lease-status": "unlocked",
        "x-ms-lease-state": "available",
        "x-ms-server-encrypted": "true",
        "x-ms-access-tier": "Hot",
        "x-ms-access-tier-inferred": "true",
        **copy_headers(blob),
        **metadata_headers(blob.metadata),
    }

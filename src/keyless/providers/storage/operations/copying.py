"""Copy Blob, Copy Blob From URL, Abort Copy Blob, Put Blob From URL, Put Block From URL.

A copy of a whole blob shares the parts of its source and is done when it is answered, whichever operation asked for
it. What takes a digest or a range reads the source as a stream.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from keyless.http.message import Headers, Request, Response
from keyless.http.surface import Call
from keyless.model.errors import conflict, invalid, not_found
from keyless.model.resource import Resource
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import read_conditions, read_lease_only
from keyless.providers.storage.copy_source import FindTarget, look_at_source, open_source, shown_url
from keyless.providers.storage.errors import unsupported
from keyless.providers.storage.headers import (
    DEFAULT_CONTENT_TYPE,
    ContentSettings,
    flag,
    read_md5,
    read_metadata,
)
from keyless.providers.storage.moments import read_moment
from keyless.providers.storage.names import address, read_block_id
from keyless.providers.storage.operations.answers import md5_mismatch, written
from keyless.providers.storage.operations.blobs import MAX_PUT_BLOB, read_draft, read_type
from keyless.providers.storage.operations.blocks import MAX_PUT_BLOCK
from keyless.providers.storage.operations.checksums import SOURCE_CRC64, checked_source
from keyless.providers.storage.tables.records import BlobPath, BlobType, Copied, Kind
from keyless.providers.storage.tags import read_tags_header
from keyless.providers.storage.tiers import read_tier


@dataclass(frozen=True)
class Copying:
    """What copying needs besides the store: where a URL leads to, and which account has a name."""

    find: FindTarget
    accounts: Callable[[str], Resource | None]


async def copy_blob(copying: Copying, blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b` with `x-ms-copy-source`; the copy is complete with the answer, as the service allows it to be."""
    headers = call.request.headers
    if headers.get("x-ms-copy-source-tag-option", "REPLACE").upper() != "REPLACE":
        raise unsupported("the copying of tags (send them in x-ms-tags)")
    if SOURCE_CRC64 in headers:
        raise unsupported("x-ms-source-content-crc64 for the copy of a whole blob (choose MD5)")
    metadata, tags = read_metadata(headers), read_tags_header(headers.get("x-ms-tags"))
    tier, conditions = read_tier(headers), read_conditions(headers)
    announced = read_md5(headers, "x-ms-source-content-md5")
    source, found = await look_at_source(copying.find, call)
    etag = found.headers["ETag"].strip('"')
    if announced is not None:
        await _check_digest(copying, call, announced, etag)
    copied = Copied(call.request.request_id, shown_url(source))
    version = await blobs.copies.copy(
        _path(copying, source),
        etag,
        at,
        conditions,
        metadata=metadata,
        tags=tags,
        tier=tier,
        copied=copied,
        seal=flag(headers, "x-ms-seal-blob") if "x-ms-seal-blob" in headers else None,
    )
    answer = written(version) | {"x-ms-copy-id": copied.id, "x-ms-copy-status": "success"}
    if announced is not None:
        answer["Content-MD5"] = base64.b64encode(announced).decode()
    return Response(202, b"", answer)


async def abort_copy(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=copy&copyid=…`; every copy is complete already."""
    if call.request.headers.get("x-ms-copy-action").lower() != "abort":
        raise invalid("The header x-ms-copy-action must be abort.", "InvalidHeaderValue")
    await blobs.blobs.get(at)
    raise conflict("No copy to this blob is pending: there is nothing to abort.", "NoPendingCopyOperation")


async def put_blob_from_url(copying: Copying, blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b` with `x-ms-copy-source` and `x-ms-blob-type`."""
    headers = call.request.headers
    if read_type(headers) is not BlobType.BLOCK:
        raise invalid("Only a block blob can be put from a URL: copy the blob instead.", "InvalidHeaderValue")
    draft, conditions = read_draft(headers, standard_too=False), read_conditions(headers)
    announced = read_md5(headers, "x-ms-source-content-md5")
    taken_over = flag(headers, "x-ms-copy-source-blob-properties", default=True)
    async with open_source(copying.find, call) as (source, opened):
        body = await checked_source(headers, opened)
        async with blobs.parts.receive(body, limit=MAX_PUT_BLOB, digest=True) as received:
            digest = base64.b64encode(received.md5).decode()
            if announced not in {None, received.md5} or draft.settings.md5 not in {"", digest}:
                raise md5_mismatch()
            settings = _settings(headers, draft.settings, source) if taken_over else draft.settings
            draft = replace(draft, settings=replace(settings, md5=digest))
            version = await blobs.blobs.put(at, received, draft, conditions)
    return Response(201, b"", written(version) | {"Content-MD5": digest})


async def put_block_from_url(copying: Copying, blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=block&blockid=…` with `x-ms-copy-source`."""
    request = call.request
    conditions = read_lease_only(request.headers)
    block_id = read_block_id(request.query.get("blockid", ""))
    announced = read_md5(request.headers, "x-ms-source-content-md5")
    # the transaction decides; this only spares the reading of the source
    conditions.check_write(await blobs.blobs.find(at), blobs.clock())
    async with open_source(copying.find, call) as (_source, opened):
        body = await checked_source(request.headers, opened)
        async with blobs.parts.receive(body, limit=MAX_PUT_BLOCK, digest=True) as received:
            if received.part is None:
                raise invalid("A block has one byte at least.", "InvalidHeaderValue")
            if announced not in {None, received.md5}:
                raise md5_mismatch()
            await blobs.blocks.stage(at, block_id, received, conditions)
    digest = base64.b64encode(received.md5).decode()
    return Response(201, b"", {"Content-MD5": digest, "x-ms-request-server-encrypted": "true"})


def _path(copying: Copying, source: Request) -> BlobPath:
    account = copying.accounts(source.target.name)
    if account is None:
        raise not_found("The source's storage account has just been deleted.", "CannotVerifyCopySource")
    where, query = address(source), source.query
    for name, kind in (("snapshot", Kind.SNAPSHOT), ("versionid", Kind.VERSION)):
        if query.get(name):
            return BlobPath(account.id.key, where.container, where.blob, kind, read_moment(query[name], name))
    return BlobPath(account.id.key, where.container, where.blob)


async def _check_digest(copying: Copying, call: Call, announced: bytes, etag: str) -> None:
    md5 = hashlib.md5(usedforsecurity=False)
    async with open_source(copying.find, call) as (source, body):
        async for chunk in body.stream():
            md5.update(chunk)
    if md5.digest() != announced or source.headers["ETag"].strip('"') != etag:
        raise md5_mismatch()


def _settings(headers: Headers, own: ContentSettings, source: Response) -> ContentSettings:
    """The source's own properties, but for those that the request states."""

    def value(name: str, stated: str) -> str:
        return stated if f"x-ms-blob-{name.lower()}" in headers else source.headers.get(name, "")

    return ContentSettings(
        content_type=value("Content-Type", own.content_type) or DEFAULT_CONTENT_TYPE,
        encoding=value("Content-Encoding", own.encoding),
        language=value("Content-Language", own.language),
        disposition=value("Content-Disposition", own.disposition),
        cache_control=value("Cache-Control", own.cache_control),
    )

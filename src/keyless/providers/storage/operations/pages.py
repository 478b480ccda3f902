"""Put Blob of a page blob, Put Page, Put Page From URL, and what Set Blob Properties changes of a page blob."""

from __future__ import annotations

import base64

from keyless.http.message import Body, Headers, Response
from keyless.http.surface import Call
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import read_conditions
from keyless.providers.storage.copy_source import FindTarget, open_source
from keyless.providers.storage.headers import ContentSettings, read_md5, read_number, read_range
from keyless.providers.storage.operations.answers import etag_headers, md5_mismatch, version_headers
from keyless.providers.storage.operations.answers import written as written_headers
from keyless.providers.storage.operations.blobs import MIB, read_empty_draft
from keyless.providers.storage.operations.checksums import checked_source
from keyless.providers.storage.sequence_numbers import NUMBER, read_sequence_change, read_sequence_conditions
from keyless.providers.storage.tables.page_map import MAX_PIECE
from keyless.providers.storage.tables.pages import PageChanges, Written, check_pages
from keyless.providers.storage.tables.records import BlobPath, BlobType, Form, Part

PAGE = 512
MAX_SIZE = 8 * MIB * MIB
_SIZE, _WRITE = "x-ms-blob-content-length", "x-ms-page-write"


async def put_page_blob(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b` with `x-ms-blob-type: PageBlob`, which makes one of zeros."""
    headers = call.request.headers
    draft, size = read_empty_draft(call.request), _read_size(headers)
    if size is None:
        raise invalid(f"A page blob needs the header {_SIZE}.", "MissingRequiredHeader")
    form = Form(BlobType.PAGE, sequence=read_number(headers, NUMBER) or 0)
    version = await blobs.blobs.create(at, form, draft, read_conditions(headers), size=size)
    return Response(201, b"", written_headers(version))


async def put_page(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=page`, to write pages or to clear them."""
    request = call.request
    headers, body = request.headers, request.body
    how = headers.get(_WRITE).lower()
    if how not in {"update", "clear"}:
        raise invalid(f"The header {_WRITE} must be update or clear.", "InvalidHeaderValue")
    start, size = _read_pages(headers)
    announced = read_md5(headers, "content-md5")
    if body.length not in ({None, size} if how == "update" else {0}):
        raise invalid(
            "To write pages, send as many bytes as the range has; to clear them, none, and Content-Length: 0.",
            "InvalidHeaderValue",
        )
    await _check(blobs, at, headers, start, size)
    if how == "clear":
        done = await _write(blobs, at, headers, start, size, None)
        return Response(201, b"", _answer(done))
    return await _put(blobs, at, headers, start, size, body, announced)


async def put_page_from_url(find: FindTarget, blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=page` with `x-ms-copy-source`, whose range has to be as long as that of the pages."""
    headers = call.request.headers
    if headers.get(_WRITE, "update").lower() != "update":
        raise invalid(f"With a source, the header {_WRITE} must be update.", "InvalidHeaderValue")
    start, size = _read_pages(headers)
    announced = read_md5(headers, "x-ms-source-content-md5")
    await _check(blobs, at, headers, start, size)
    async with open_source(find, call) as (_source, opened):
        return await _put(blobs, at, headers, start, size, await checked_source(headers, opened), announced)


async def set_page_blob_properties(
    blobs: BlobStore, at: BlobPath, headers: Headers, settings: ContentSettings | None
) -> Response:
    """The part of `PUT /c/b?comp=properties` that resizes a page blob or sets its sequence number."""
    changes = PageChanges(settings, _read_size(headers), read_sequence_change(headers))
    done = await blobs.pages.change(at, changes, read_conditions(headers))
    answer = etag_headers(done.version) | version_headers(done.version.moment)
    return Response(200, b"", answer | {NUMBER: str(done.sequence)})


#: By these headers, Set Blob Properties is about a page blob.
PAGE_BLOB_PROPERTIES = (_SIZE, NUMBER, "x-ms-sequence-number-action")


async def _check(blobs: BlobStore, at: BlobPath, headers: Headers, start: int, size: int) -> None:
    """The transaction decides; this only spares a client an upload in vain."""
    blob = await blobs.blobs.get(at)
    check_pages(blob, start, size, blobs.clock(), read_conditions(headers), read_sequence_conditions(headers))


async def _put(
    blobs: BlobStore, at: BlobPath, headers: Headers, start: int, size: int, body: Body, announced: bytes | None
) -> Response:
    if size > MAX_PIECE:
        raise KeylessError(
            ErrorKind.TOO_LARGE, f"One request writes at most {MAX_PIECE} bytes of pages.", code="RequestBodyTooLarge"
        )
    async with blobs.parts.receive(body, limit=MAX_PIECE, digest=True) as received:
        if received.size != size:
            raise invalid(f"The range has {size} bytes, but {received.size} came.", "InvalidHeaderValue")
        if announced not in {None, received.md5}:
            raise md5_mismatch()
        done = await _write(blobs, at, headers, start, size, received.part)
    return Response(201, b"", _answer(done) | {"Content-MD5": base64.b64encode(received.md5).decode()})


async def _write(blobs: BlobStore, at: BlobPath, headers: Headers, start: int, size: int, part: Part | None) -> Written:
    conditions, sequence = read_conditions(headers), read_sequence_conditions(headers)
    return await blobs.pages.write(at, start, size, part, conditions, sequence)


def _answer(done: Written) -> dict[str, str]:
    return written_headers(done.version) | {NUMBER: str(done.sequence)}


def _read_pages(headers: Headers) -> tuple[int, int]:
    """Start and length of the pages that are written; raises INVALID, and RANGE `InvalidPageRange`."""
    asked = read_range(headers)
    if asked is None:
        raise invalid("This needs the header x-ms-range: bytes=0-511.", "MissingRequiredHeader")
    if asked.first is None or asked.last is None or asked.first % PAGE or (asked.last + 1) % PAGE:
        raise KeylessError(
            ErrorKind.RANGE,
            f"A range of pages begins at a multiple of {PAGE} and ends one byte before another.",
            code="InvalidPageRange",
        )
    return asked.first, asked.last + 1 - asked.first


def _read_size(headers: Headers) -> int | None:
    size = read_number(headers, _SIZE)
    if size is not None and (size % PAGE or size > MAX_SIZE):
        raise invalid(f"The size of a page blob is a multiple of {PAGE}, up to {MAX_SIZE}.", "InvalidHeaderValue")
    return size

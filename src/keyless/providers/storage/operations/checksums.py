"""CRC64 around the operations that carry a body: checked on its way in, given with what goes out.

Owns `x-ms-content-crc64`, `x-ms-range-get-content-crc64` and `x-ms-structured-body`. It wraps a handler, which sees
plain content only. Must not know what the handler does with it.

Source: Azure Storage REST API, "Put Blob", "Put Block", "Put Block List", "Get Blob".
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

from keyless.http.message import Body, Headers, Response
from keyless.http.surface import Call
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.crc64 import Crc64, crc64_mismatch, load_crc64, read_crc64, write_crc64
from keyless.providers.storage.headers import flag
from keyless.providers.storage.structured_body import StructuredReader, StructuredWriter
from keyless.providers.storage.tables.records import BlobPath

Handle = Callable[[BlobStore, BlobPath, Call], Awaitable[Response]]

SOURCE_CRC64 = "x-ms-source-content-crc64"
MAX_CHECKED_RANGE = 4 * 1024 * 1024
_STRUCTURED = re.compile(r"XSM/1\.0;\s*properties=crc64", re.IGNORECASE)
_CHECKSUM, _BODY, _LENGTH = "x-ms-content-crc64", "x-ms-structured-body", "x-ms-structured-content-length"
_RANGE_CHECKSUM = "x-ms-range-get-content-crc64"


def checked_upload(handle: Handle) -> Handle:
    """Check the body that a handler takes in; it fails at its last byte if it is not what was sent."""

    async def upload(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
        headers = call.request.headers
        announced, structured = read_crc64(headers, _CHECKSUM), _is_structured(headers)
        if announced is None and not structured:
            return await handle(blobs, at, call)
        crc64 = await asyncio.to_thread(load_crc64)
        body, answer = call.request.body, {}
        if structured:
            length = _content_length(headers)
            body = Body(_unwrap(body, StructuredReader(crc64, length)), length)
            answer[_BODY] = headers.get(_BODY)
        if announced is not None:
            body = checked_body(crc64, body, announced)
            answer[_CHECKSUM] = write_crc64(announced)
        response = await handle(blobs, at, replace(call, request=replace(call.request, body=body)))
        response.headers.update(answer)
        return response

    return upload


def checked_download(handle: Handle) -> Handle:
    """Give checksums with what a handler sends, as they were asked for."""

    async def download(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
        headers = call.request.headers
        structured, checksum = _is_structured(headers), flag(headers, _RANGE_CHECKSUM)
        if not structured and not checksum:
            return await handle(blobs, at, call)
        crc64 = await asyncio.to_thread(load_crc64)
        response = await handle(blobs, at, call)
        if response.status not in {200, 206}:
            return response
        if checksum:
            await _add_checksum(crc64, response)
        if structured:
            _wrap(crc64, response, headers.get(_BODY))
        return response

    return download


def checked_body(crc64: Crc64, body: Body, announced: int) -> Body:
    """A body whose stream raises INVALID `Crc64Mismatch` at its end unless it has this checksum."""

    async def check() -> AsyncIterator[bytes]:
        value = 0
        async for chunk in body.stream():
            value = crc64(chunk, value)
            yield chunk
        if value != announced:
            raise crc64_mismatch()

    return Body(check(), body.length)


async def checked_source(headers: Headers, body: Body) -> Body:
    """What is read from a URL, checked in the same way if the request has a checksum of it."""
    announced = read_crc64(headers, SOURCE_CRC64)
    return body if announced is None else checked_body(await asyncio.to_thread(load_crc64), body, announced)


def _is_structured(headers: Headers) -> bool:
    if _BODY not in headers:
        return False
    if not _STRUCTURED.fullmatch(headers.get(_BODY).strip()):
        raise KeylessError(ErrorKind.UNSUPPORTED, f"{_BODY} must be 'XSM/1.0; properties=crc64'; nothing was changed.")
    return True


def _content_length(headers: Headers) -> int:
    text = headers.get(_LENGTH)
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise invalid(f"A structured body needs the header {_LENGTH}.", "MissingRequiredHeader")
    return int(text)


async def _unwrap(body: Body, reader: StructuredReader) -> AsyncIterator[bytes]:
    async for chunk in body.stream():
        for piece in reader.feed(chunk):
            yield piece
    reader.finish()


async def _add_checksum(crc64: Crc64, response: Response) -> None:
    if response.status != 206 or response.length is None or response.length > MAX_CHECKED_RANGE:
        raise invalid(f"{_RANGE_CHECKSUM} takes a range of at most 4 MiB.", "InvalidHeaderValue")
    if not isinstance(response.body, bytes):
        response.body = b"".join([chunk async for chunk in response.body])
    response.headers[_CHECKSUM] = write_crc64(crc64(response.body, 0))


def _wrap(crc64: Crc64, response: Response, asked: str) -> None:
    body, length = response.body, response.length
    assert length is not None, "a blob's length is known"
    writer = StructuredWriter(crc64, length)
    response.headers |= {_BODY: asked, _LENGTH: str(length)}
    response.length = writer.length
    response.body = writer.begin() + writer.write(body) if isinstance(body, bytes) else _wrapped(writer, body)


async def _wrapped(writer: StructuredWriter, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        yield writer.begin()
        async for chunk in body:
            yield writer.write(chunk)
    finally:
        close = getattr(body, "aclose", None)
        if close is not None:
            await close()

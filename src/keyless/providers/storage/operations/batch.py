"""Blob Batch: many deletions, or many changes of tier, in one request.

Owns which requests a batch may hold. A part goes the whole way of a request by itself: it is authenticated,
authorised and audited as if it had come alone, and so the batch needs no permission of its own.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from keyless.http.message import Body, Headers, Request, Response, parse_query
from keyless.http.surface import Call
from keyless.model.errors import KeylessError, invalid
from keyless.providers.storage.batch import MAX_BATCH_BYTES, BatchPart, batch_answer, parse_batch
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.errors import error_response
from keyless.providers.storage.names import address
from keyless.providers.storage.tables.records import BlobPath

#: Parts that are under way together, so that the store commits them as a group.
_AT_ONCE = 16
#: What a part takes over from the batch unless it says so itself.
_INHERITED = ("x-ms-version", "authorization")


async def submit_batch(_blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`POST /?comp=batch`, and `POST /c?restype=container&comp=batch` for blobs of one container."""
    request = call.request
    parts = parse_batch(request.headers.get("content-type"), await request.body.read(MAX_BATCH_BYTES))
    answers: list[tuple[str, Response]] = []
    for first in range(0, len(parts), _AT_ONCE):
        group = range(first, min(first + _AT_ONCE, len(parts)))
        done = await asyncio.gather(*(_answer(call, at.container, number, parts[number]) for number in group))
        answers += ((parts[number].content_id, response) for number, response in zip(group, done, strict=True))
    boundary = f"batchresponse_{request.request_id}"
    headers = {"Content-Type": f"multipart/mixed; boundary={boundary}"}
    return Response(202, batch_answer(boundary, answers), headers)


async def _answer(call: Call, container: str, number: int, part: BatchPart) -> Response:
    batch = call.request
    request = replace(
        batch,
        method=part.method,
        path=part.path,
        raw_query=part.raw_query,
        query={},
        headers=part.headers,
        body=Body(),
        request_id=f"{batch.request_id}-{number}",
    )
    try:
        request.query = parse_query(part.raw_query)
        request.headers = _inherit(part.headers, request, batch.headers)
        _check(request, container)
    except KeylessError as error:
        refused = error_response(request, error)
        refused.headers["x-ms-request-id"] = request.request_id
        return refused
    return await call.dispatch(request)


def _inherit(own: Headers, part: Request, batch: Headers) -> Headers:
    # a part that brings a signature speaks for itself
    names = [name for name in _INHERITED if name != "authorization" or "sig" not in part.query]
    taken = [(name, batch.get(name)) for name in names if name not in own and name in batch]
    return Headers([*own.items(), *taken])


def _check(request: Request, container: str) -> None:
    kind = (request.method, request.query.get("comp", "").lower())
    if kind not in {("DELETE", ""), ("PUT", "tier")}:
        raise invalid("A batch deletes blobs or sets their tier: send any other request by itself.", "InvalidInput")
    prefix = request.target.prefix
    if prefix and not request.path.startswith(f"{prefix}/"):
        raise invalid("The part names another account than the batch was sent to.", "InvalidInput")
    where = address(request)
    if where.level != "blob":
        raise invalid("A part of a batch must name a blob.", "InvalidInput")
    if container and where.container != container:
        raise invalid("The part names a blob outside of the container that the batch was sent to.", "InvalidInput")

"""Lease Blob and Lease Container: one header says what is to be done with the lease."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from keyless.http.message import Headers, Response
from keyless.http.surface import Call
from keyless.model.errors import invalid
from keyless.providers.storage import leases
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import IF_TAGS, LEASE_ID, NAMES, Conditions, read_lease_only
from keyless.providers.storage.leases import INFINITE, LONGEST, SHORTEST, Lease
from keyless.providers.storage.operations.answers import etag_headers
from keyless.providers.storage.tables.containers import ChangeLease
from keyless.providers.storage.tables.records import BlobPath

_ACTION, _PROPOSED = "x-ms-lease-action", "x-ms-proposed-lease-id"
_DURATION, _PERIOD = "x-ms-lease-duration", "x-ms-lease-break-period"
_STATUS = {"acquire": 201, "renew": 200, "change": 200, "release": 200, "break": 202}


async def lease_blob(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=lease`."""
    headers = call.request.headers
    action, change = _read_action(headers, blobs)
    blob = await blobs.changes.set_lease(at, _conditions(headers, *NAMES, IF_TAGS), change)
    return _answer(action, etag_headers(blob), blob.lease, blobs.clock())


async def lease_container(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c?restype=container&comp=lease`."""
    headers = call.request.headers
    action, change = _read_action(headers, blobs)
    conditions = _conditions(headers, "if-modified-since", "if-unmodified-since")
    container = await blobs.containers.set_lease(at.account, at.container, conditions, change)
    return _answer(action, etag_headers(container), container.lease, blobs.clock())


def _conditions(headers: Headers, *allowed: str) -> Conditions:
    """Without the lease ID, which these operations judge by rules of their own."""
    return replace(read_lease_only(headers, *allowed), lease_id="")


def _read_action(headers: Headers, blobs: BlobStore) -> tuple[str, ChangeLease]:
    action = headers.get(_ACTION).lower()
    if action == "acquire":
        seconds = _number(headers, _DURATION, "-1, or 15 to 60", {INFINITE, *range(SHORTEST, LONGEST + 1)})
        proposed = _lease_id(headers, _PROPOSED) if _PROPOSED in headers else _new_id(blobs)
        return action, lambda lease, now: leases.acquire(lease, now, proposed, seconds)
    if action == "renew":
        given = _lease_id(headers, LEASE_ID)
        return action, lambda lease, now: leases.renew(lease, now, given)
    if action == "change":
        given, proposed = _lease_id(headers, LEASE_ID), _lease_id(headers, _PROPOSED)
        return action, lambda lease, now: leases.change(lease, now, given, proposed)
    if action == "release":
        given = _lease_id(headers, LEASE_ID)
        return action, lambda lease, _now: leases.release(lease, given)
    if action == "break":
        period = _number(headers, _PERIOD, "0 to 60", set(range(LONGEST + 1))) if _PERIOD in headers else None
        return action, lambda lease, now: leases.break_lease(lease, now, period)
    raise invalid(f"The header {_ACTION} must be one of {', '.join(_STATUS)}.", "InvalidHeaderValue")


def _answer(action: str, headers: dict[str, str], lease: Lease | None, now: float) -> Response:
    if action == "break" and lease is not None:
        headers["x-ms-lease-time"] = str(leases.seconds_left(lease, now))
    elif lease is not None:
        headers["x-ms-lease-id"] = lease.id
    return Response(_STATUS[action], b"", headers)


def _lease_id(headers: Headers, name: str) -> str:
    if name not in headers:
        raise invalid(f"This needs the header {name}.", "MissingRequiredHeader")
    return leases.read_lease_id(headers.get(name), name)


def _number(headers: Headers, name: str, wanted: str, allowed: set[int]) -> int:
    text = headers.get(name)
    if not text:
        raise invalid(f"This needs the header {name}.", "MissingRequiredHeader")
    number = int(text) if text.lstrip("-").isdecimal() and text.isascii() and len(text) < 4 else None
    if number not in allowed:
        raise invalid(f"The header {name} must be {wanted}.", "InvalidHeaderValue")
    return number


def _new_id(blobs: BlobStore) -> str:
    return str(UUID(bytes=blobs.identifiers(16), version=4))

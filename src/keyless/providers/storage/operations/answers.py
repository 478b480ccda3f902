"""What answers about blobs and containers have in common: the headers that tell what they are."""

from __future__ import annotations

from keyless.http.message import Request, Response
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.providers.storage.conditions import Conditions, Version
from keyless.providers.storage.errors import error_response
from keyless.providers.storage.headers import http_date, metadata_headers
from keyless.providers.storage.leases import Lease, State, state_of
from keyless.providers.storage.moments import moment_text
from keyless.providers.storage.tables.records import Blob, BlobType, Container, Kind
from keyless.providers.storage.tiers import DEFAULT


def etag_headers(there: Blob | Container | Version) -> dict[str, str]:
    """ETag and time of the last change."""
    return {"ETag": f'"{there.etag}"', "Last-Modified": http_date(there.changed)}


def version_headers(moment: int | None) -> dict[str, str]:
    """The version ID, if there is one."""
    return {} if moment is None else {"x-ms-version-id": moment_text(moment)}


def written(version: Version) -> dict[str, str]:
    """What every write of a blob answers."""
    return etag_headers(version) | version_headers(version.moment) | {"x-ms-request-server-encrypted": "true"}


def md5_mismatch() -> KeylessError:
    """The body is not the one that its digest speaks of."""
    return invalid("The body's MD5 digest is not the one in the header; nothing was stored.", "Md5Mismatch")


def refused_read(request: Request, blob: Blob, conditions: Conditions, now: float) -> Response | None:
    """The answer if the conditions of a read do not hold; a 304 names the version that is there."""
    try:
        conditions.check_read(blob, now)
    except KeylessError as error:
        if error.kind is not ErrorKind.NOT_MODIFIED:
            raise
        return with_headers(error_response(request, error), etag_headers(blob))
    return None


def with_headers(response: Response, headers: dict[str, str]) -> Response:
    """The response with these headers added."""
    response.headers.update(headers)
    return response


def lease_headers(lease: Lease | None, now: float) -> dict[str, str]:
    """State, status and, while it is held, duration of a lease."""
    state = state_of(lease, now)
    headers = {"x-ms-lease-status": "locked" if state.locked else "unlocked", "x-ms-lease-state": state.value}
    if lease is not None and state is State.LEASED:
        headers["x-ms-lease-duration"] = lease.duration
    return headers


def blob_headers(blob: Blob, now: float) -> dict[str, str]:
    """All that Get Blob and Get Blob Properties tell besides length and range."""
    settings = blob.settings
    optional = {
        "Content-Encoding": settings.encoding,
        "Content-Language": settings.language,
        "Content-Disposition": settings.disposition,
        "Cache-Control": settings.cache_control,
        "Content-MD5": settings.md5,
        "x-ms-tag-count": str(len(blob.tags)) if blob.tags else "",
    }
    headers = {
        **_copy_headers(blob),
        "Content-Type": settings.content_type,
        **{name: value for name, value in optional.items() if value},
        "Accept-Ranges": "bytes",
        **etag_headers(blob),
        "x-ms-creation-time": http_date(blob.created),
        **_type_headers(blob),
        "x-ms-server-encrypted": "true",
        **metadata_headers(blob.metadata),
    }
    if blob.kind is Kind.CURRENT:
        headers |= lease_headers(blob.lease, now) | version_headers(blob.version)
        if blob.version is not None:
            headers["x-ms-is-current-version"] = "true"
    elif blob.kind is Kind.VERSION:
        headers |= version_headers(blob.moment)
    else:
        headers["x-ms-snapshot"] = moment_text(blob.moment)
    return headers


def _type_headers(blob: Blob) -> dict[str, str]:
    """A blob's type, and what only blobs of this type have."""
    form = blob.form
    headers = {"x-ms-blob-type": form.type.value}
    if form.type is BlobType.APPEND:
        headers["x-ms-blob-committed-block-count"] = str(form.blocks)
        return headers | ({"x-ms-blob-sealed": "true"} if form.sealed else {})
    if form.type is BlobType.PAGE:
        headers["x-ms-blob-sequence-number"] = str(form.sequence)
        return headers
    headers["x-ms-access-tier"] = blob.tier or DEFAULT
    if blob.tier_changed is None:
        headers["x-ms-access-tier-inferred"] = "true"
    else:
        headers["x-ms-access-tier-change-time"] = http_date(blob.tier_changed)
    return headers


def _copy_headers(blob: Blob) -> dict[str, str]:
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

"""Set Blob Tier."""

from __future__ import annotations

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.model.errors import invalid
from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.conditions import IF_TAGS, read_lease_only
from keyless.providers.storage.tables.records import BlobPath
from keyless.providers.storage.tiers import read_tier


async def set_blob_tier(blobs: BlobStore, at: BlobPath, call: Call) -> Response:
    """`PUT /c/b?comp=tier`; a blob of the archive is back at once, whatever priority is asked for."""
    headers = call.request.headers
    tier = read_tier(headers)
    if not tier:
        raise invalid("Set Blob Tier needs the header x-ms-access-tier.", "MissingRequiredHeader")
    if headers.get("x-ms-rehydrate-priority", "standard").lower() not in {"standard", "high"}:
        raise invalid("The header x-ms-rehydrate-priority must be Standard or High.", "InvalidHeaderValue")
    await blobs.changes.set_tier(at, tier, read_lease_only(headers, IF_TAGS))
    return Response(200)

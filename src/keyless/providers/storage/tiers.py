"""Access tiers of block blobs.

Owns their names and what an archived blob refuses. Pure. Bodies lie in the same place whatever their tier is: a blob
comes back from the archive at once.

Source: Azure Storage REST API, "Set Blob Tier"; Azure Storage, "Access tiers for blob data".
"""

from __future__ import annotations

from keyless.http.message import Headers
from keyless.model.errors import conflict, invalid

DEFAULT = "Hot"
ARCHIVE = "Archive"
_TIERS = {name.lower(): name for name in (DEFAULT, "Cool", "Cold", ARCHIVE)}


def read_tier(headers: Headers) -> str:
    """The tier of `x-ms-access-tier`; empty if it is not there. Raises INVALID with `InvalidHeaderValue`."""
    text = headers.get("x-ms-access-tier")
    if not text:
        return ""
    if text.lower() not in _TIERS:
        raise invalid(f"The header x-ms-access-tier must be one of {', '.join(_TIERS.values())}.", "InvalidHeaderValue")
    return _TIERS[text.lower()]


def refuse_archived(tier: str) -> None:
    """Raise CONFLICT `BlobArchived` if a blob of this tier can neither be read nor changed."""
    if tier == ARCHIVE:
        raise conflict("The blob is archived: set its tier to Hot, Cool or Cold first.", "BlobArchived")

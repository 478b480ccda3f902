"""Types of blobs: what may be done with which.

Owns the refusal of an operation on a blob of another type. Pure.

Source: Azure Storage, "Understanding block blobs, append blobs, and page blobs".
"""

from __future__ import annotations

from keyless.model.errors import conflict
from keyless.providers.storage.tables.records import Blob, BlobType


def require_type(blob: Blob, wanted: BlobType) -> None:
    """Raise CONFLICT `InvalidBlobType` unless the blob is of this type."""
    there = blob.form.type
    if there is not wanted:
        raise conflict(
            f"The blob is of the type {there.value}, which cannot take this: delete it first, or use another name.",
            "InvalidBlobType",
        )

"""Copies of whole blobs: a row of its own for a body that is there already.

Owns the query. No body is read or written, whatever its size: a copy shares the manifest of its source, as a snapshot
does. Must not know the protocol, nor whether the caller may read the source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.blob_types import require_type
from keyless.providers.storage.conditions import Conditions, Version
from keyless.providers.storage.tables.blobs import NewBody, find_past, find_there, make_room, write_row
from keyless.providers.storage.tables.records import Blob, BlobPath, BlobType, Copied, Draft, Form
from keyless.providers.storage.tiers import refuse_archived
from keyless.store.engine import Store, Tx


class Copies:
    """Copies blobs within and between accounts."""

    def __init__(self, store: Store, clock: Clock, etag: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._etag = etag

    async def copy(
        self,
        source: BlobPath,
        version: str,
        to: BlobPath,
        conditions: Conditions,
        *,
        metadata: Mapping[str, str],
        tags: Mapping[str, str],
        tier: str,
        copied: Copied,
        seal: bool | None = None,
    ) -> Version:
        """Copy a blob, a snapshot or a version whose ETag is `version` over a blob, which may be the same.

        `metadata` replaces the source's own unless it is empty; tags are not copied. `seal` is whether the copy of an
        append blob is sealed; None: as its source is. Raises as `check_write` does,
        PRECONDITION `SourceConditionNotMet` when the source is not that version any more, and CONFLICT with
        `BlobArchived` unless a blob of the archive gets another `tier`, or `InvalidBlobType`.
        """
        etag, now = self._etag(), self._clock()

        def work(tx: Tx) -> Version:
            there = find_there(tx, to, now)
            conditions.check_write(there.blob, now)
            blob = find_past(tx, find_there(tx, source, now), source, with_body=True)
            if blob is None or blob.etag != version:
                raise KeylessError(
                    ErrorKind.PRECONDITION,
                    "The source has changed while it was being copied: copy it again.",
                    code="SourceConditionNotMet",
                )
            if not tier:
                refuse_archived(blob.tier)
            if tier:
                require_type(blob, BlobType.BLOCK)
            make_room(tx, there, blob.form.type)
            form = blob.form if seal is None else _sealed(blob, seal)
            draft = Draft(blob.settings, metadata or blob.metadata, tags, tier, replace(copied, at=int(now)))
            return write_row(tx, there, NewBody(blob.size, blob.manifest, blob.part, form), etag, draft)

        return await self._store.write(work)


def _sealed(blob: Blob, seal: bool) -> Form:
    require_type(blob, BlobType.APPEND)
    return replace(blob.form, sealed=seal)

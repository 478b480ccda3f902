"""Page blobs: writing and clearing pages, resizing, sequence numbers.

Owns what a request changes of a blob's row; which pages lie where is `page_map.py`'s. Must not know the protocol.

Source: Azure Storage REST API, "Put Page", "Set Blob Properties".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.blob_types import require_type
from keyless.providers.storage.conditions import Conditions, Version
from keyless.providers.storage.headers import ContentSettings
from keyless.providers.storage.leases import after_write
from keyless.providers.storage.sequence_numbers import SequenceChange, SequenceConditions
from keyless.providers.storage.tables.blobs import There, blob_not_found, find_there, keep_part
from keyless.providers.storage.tables.page_map import cut, place, whole, write_generation
from keyless.providers.storage.tables.records import Blob, BlobPath, BlobType, Part
from keyless.providers.storage.tables.rows import encode_form, encode_lease, settings_values
from keyless.store.engine import Store, Tx


@dataclass(frozen=True, slots=True)
class Written:
    """What a write of a page blob made, and the blob's sequence number."""

    version: Version
    sequence: int


@dataclass(frozen=True, slots=True)
class PageChanges:
    """What Set Blob Properties may change of a page blob; None leaves it."""

    settings: ContentSettings | None = None
    size: int | None = None
    sequence: SequenceChange | None = None


class Pages:
    """Changes the page blobs of all accounts."""

    def __init__(self, store: Store, clock: Clock, etag: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._etag = etag

    async def write(
        self,
        path: BlobPath,
        start: int,
        size: int,
        part: Part | None,
        conditions: Conditions,
        sequence: SequenceConditions,
    ) -> Written:
        """Write a part to the pages from `start` on, or clear them (None); raises as `check_pages` does, NOT_FOUND."""
        etag, now = self._etag(), self._clock()

        def work(tx: Tx) -> Written:
            there, blob = _find(tx, path, now)
            check_pages(blob, start, size, now, conditions, sequence)
            manifest, generation = write_generation(tx, blob)
            cut(tx, manifest, generation, start, start + size)
            if part is not None:
                keep_part(tx, part)
                place(tx, manifest, generation, whole(part, start))
            changed = replace(blob, manifest=manifest, form=replace(blob.form, generation=generation))
            return _update(tx, there, changed, etag)

        return await self._store.write(work)

    async def change(self, path: BlobPath, changes: PageChanges, conditions: Conditions) -> Written:
        """Change size, sequence number and HTTP properties; what a smaller size cuts off is gone.

        Raises NOT_FOUND, PRECONDITION, CONFLICT.
        """
        etag, now = self._etag(), self._clock()

        def work(tx: Tx) -> Written:
            there, blob = _find(tx, path, now)
            require_type(blob, BlobType.PAGE)
            conditions.check_change(blob, now)
            size = blob.size if changes.size is None else changes.size
            manifest, form = blob.manifest, blob.form
            if size < blob.size:
                manifest, generation = write_generation(tx, blob)
                cut(tx, manifest, generation, size, blob.size)
                form = replace(form, generation=generation)
            if changes.sequence is not None:
                form = replace(form, sequence=changes.sequence.apply(form.sequence))
            settings = changes.settings or blob.settings
            return _update(tx, there, replace(blob, size=size, manifest=manifest, form=form, settings=settings), etag)

        return await self._store.write(work)


def check_pages(
    blob: Blob, start: int, size: int, now: float, conditions: Conditions, sequence: SequenceConditions
) -> None:
    """Raise PRECONDITION, CONFLICT `InvalidBlobType`, RANGE `InvalidPageRange`, if pages may not be written."""
    require_type(blob, BlobType.PAGE)
    conditions.check_change(blob, now)
    sequence.check(blob.form.sequence)
    if start + size > blob.size:
        raise KeylessError(
            ErrorKind.RANGE,
            f"The pages lie beyond the blob's end at {blob.size}: resize it first.",
            code="InvalidPageRange",
        )


def _find(tx: Tx, path: BlobPath, now: float) -> tuple[There, Blob]:
    there = find_there(tx, path, now)
    if there.blob is None:
        raise blob_not_found()
    return there, there.blob


def _update(tx: Tx, there: There, blob: Blob, etag: str) -> Written:
    """The row of a blob that has changed; its version stays."""
    tx.execute(
        "UPDATE storage_blob SET size = ?, etag = ?, changed = ?, manifest = ?, form = ?, lease = ?, content_type = ?,"
        " encoding = ?, language = ?, disposition = ?, cache_control = ?, md5 = ? WHERE container = ? AND name = ?",
        (
            blob.size,
            etag,
            int(there.now),
            blob.manifest,
            encode_form(blob.form),
            encode_lease(after_write(blob.lease, there.now)),
            *settings_values(blob.settings),
            there.container,
            blob.name,
        ),
    )
    return Written(Version(etag, int(there.now), blob.version), blob.form.sequence)

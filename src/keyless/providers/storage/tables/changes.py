"""Changes to blobs that are there, and to what they were: all that leaves the body as it is.

Owns the queries. Must not know the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.blob_types import require_type
from keyless.providers.storage.conditions import Conditions, Version
from keyless.providers.storage.headers import ContentSettings
from keyless.providers.storage.leases import after_write
from keyless.providers.storage.tables import past
from keyless.providers.storage.tables.blobs import There, blob_not_found, find_past, find_there
from keyless.providers.storage.tables.containers import ChangeLease
from keyless.providers.storage.tables.records import Blob, BlobPath, BlobType, Kind
from keyless.providers.storage.tables.rows import encode_lease, encode_texts, settings_values
from keyless.providers.storage.tiers import refuse_archived
from keyless.store.engine import SqlValue, Store, Tx

T = TypeVar("T")


class Changes:
    """Changes the blobs of all accounts."""

    def __init__(self, store: Store, clock: Clock, etag: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._etag = etag

    async def set_metadata(self, path: BlobPath, metadata: Mapping[str, str], conditions: Conditions) -> Version:
        """Give a blob other metadata, which makes a new version; raises NOT_FOUND, PRECONDITION, CONFLICT."""
        etag = self._etag()

        def work(tx: Tx, there: There, blob: Blob) -> Version:
            conditions.check_change(blob, there.now)
            refuse_archived(blob.tier)
            past.keep_version(tx, there.place, blob)
            version = Version(etag, int(there.now), past.new_version(tx, there.place))
            self._touch(tx, there, blob, version, "metadata = ?", encode_texts(metadata))
            return version

        return await self._work(path, work)

    async def set_settings(self, path: BlobPath, settings: ContentSettings | None, conditions: Conditions) -> Version:
        """Give a blob other HTTP properties (None: the same); raises NOT_FOUND, PRECONDITION, CONFLICT."""
        etag = self._etag()

        def work(tx: Tx, there: There, blob: Blob) -> Version:
            conditions.check_change(blob, there.now)
            refuse_archived(blob.tier)
            version = Version(etag, int(there.now), blob.version)
            self._touch(tx, there, blob, version, _SETTINGS, *settings_values(settings or blob.settings))
            return version

        return await self._work(path, work)

    async def set_lease(self, path: BlobPath, conditions: Conditions, change: ChangeLease) -> Blob:
        """Change a blob's lease; raises NOT_FOUND, PRECONDITION, and what `change` raises."""

        def work(tx: Tx, there: There, blob: Blob) -> Blob:
            conditions.check_beside(blob, there.now)
            lease = change(blob.lease, there.now)
            self._update(tx, there, "lease = ?", encode_lease(lease))
            return replace(blob, lease=lease)

        return await self._work(path, work)

    async def set_tags(self, path: BlobPath, tags: Mapping[str, str], conditions: Conditions) -> None:
        """Give a blob or a version other tags; raises NOT_FOUND, PRECONDITION."""

        def work(tx: Tx, there: There, blob: Blob) -> None:
            self._check(conditions, blob, there)
            self._update_any(tx, there, blob, "tags = ?", encode_texts(tags))

        await self._work(path, work)

    async def set_tier(self, path: BlobPath, tier: str, conditions: Conditions) -> None:
        """Move a blob, a snapshot or a version to another tier; raises NOT_FOUND, PRECONDITION, CONFLICT."""

        def work(tx: Tx, there: There, blob: Blob) -> None:
            require_type(blob, BlobType.BLOCK)
            self._check(conditions, blob, there)
            self._update_any(tx, there, blob, "tier = ?, tier_changed = ?", tier, int(there.now))

        await self._work(path, work)

    async def snapshot(
        self, path: BlobPath, metadata: Mapping[str, str] | None, conditions: Conditions
    ) -> tuple[Blob, int]:
        """Make a snapshot of a blob, with other metadata if some is given; the blob, and the snapshot's moment.

        Raises NOT_FOUND, PRECONDITION, CONFLICT.
        """

        def work(tx: Tx, there: There, blob: Blob) -> tuple[Blob, int]:
            conditions.check_beside(blob, there.now)
            refuse_archived(blob.tier)
            return blob, past.make_snapshot(tx, there.place, encode_texts(metadata) if metadata else None)

        return await self._work(path, work)

    async def delete_past(self, path: BlobPath, conditions: Conditions) -> bool:
        """Delete a snapshot or a version; whether that is for good. Raises NOT_FOUND, PRECONDITION, FORBIDDEN."""

        def work(tx: Tx, there: There, blob: Blob) -> bool:
            if blob.kind is Kind.CURRENT:
                raise KeylessError(
                    ErrorKind.FORBIDDEN,
                    "This is the current version: delete the blob without a version ID, and it becomes a previous one.",
                    code="OperationNotAllowedOnRootBlob",
                )
            self._check(conditions, blob, there)
            past.remove_one(tx, there.place, blob.kind, blob.moment)
            return not there.place.policy.delete_days

        return await self._work(path, work)

    async def undelete(self, path: BlobPath) -> None:
        """Bring back all that was deleted softly under a blob's name; raises NOT_FOUND if nothing is there at all."""
        now = self._clock()

        def work(tx: Tx) -> None:
            there = find_there(tx, path, now)
            if not past.restore(tx, there.place, there.blob) and there.blob is None:
                raise blob_not_found()

        await self._store.write(work)

    async def _work(self, path: BlobPath, work: Callable[[Tx, There, Blob], T]) -> T:
        """Do something with what the path means; raises NOT_FOUND."""
        now = self._clock()

        def found(tx: Tx) -> T:
            there = find_there(tx, path, now)
            blob = find_past(tx, there, path)
            if blob is None:
                raise blob_not_found()
            return work(tx, there, blob)

        return await self._store.write(found)

    @staticmethod
    def _check(conditions: Conditions, blob: Blob, there: There) -> None:
        """A lease is on the current blob only."""
        check = conditions.check_change if blob.kind is Kind.CURRENT else conditions.check_beside
        check(blob, there.now)

    def _touch(self, tx: Tx, there: There, blob: Blob, version: Version, sets: str, *values: SqlValue) -> None:
        """Update a blob's row, its ETag and its time included."""
        lease = encode_lease(after_write(blob.lease, there.now))
        self._update(
            tx,
            there,
            f"{sets}, etag = ?, changed = ?, version = ?, lease = ?",
            *values,
            version.etag,
            version.changed,
            version.moment,
            lease,
        )

    @staticmethod
    def _update(tx: Tx, there: There, sets: str, *values: SqlValue) -> None:
        where = (there.container, there.place.name)
        tx.execute(f"UPDATE storage_blob SET {sets} WHERE container = ? AND name = ?", (*values, *where))

    def _update_any(self, tx: Tx, there: There, blob: Blob, sets: str, *values: SqlValue) -> None:
        """Update the row of a blob, a snapshot or a version."""
        if blob.kind is Kind.CURRENT:
            self._update(tx, there, sets, *values)
            return
        where = (there.container, there.place.name, blob.kind, blob.moment)
        tx.execute(
            f"UPDATE storage_past SET {sets} WHERE container = ? AND name = ? AND kind = ? AND moment = ?",
            (*values, *where),
        )


_SETTINGS = "content_type = ?, encoding = ?, language = ?, disposition = ?, cache_control = ?, md5 = ?"

"""Append blobs: blocks that only ever go to the end.

Owns the queries. An append adds a row to the blob's manifest, in one transaction of the one writer: appends are
serialised, and each is there in whole or not at all. Snapshots, versions and copies share the manifest up to their own
size. Must not know the protocol.

Source: Azure Storage REST API, "Append Block", "Append Blob Seal".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from keyless.model.clock import Clock
from keyless.model.errors import conflict
from keyless.providers.storage.append_conditions import AppendConditions
from keyless.providers.storage.blob_types import require_type
from keyless.providers.storage.conditions import Conditions, Version
from keyless.providers.storage.leases import after_write
from keyless.providers.storage.tables.blobs import There, blob_not_found, find_there, keep_part, new_manifest
from keyless.providers.storage.tables.garbage import drop_manifest
from keyless.providers.storage.tables.records import Blob, BlobPath, BlobType, Received
from keyless.providers.storage.tables.rows import encode_form, encode_lease
from keyless.store.engine import Store, Tx

MAX_BLOCKS = 50_000


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append made: where it begins, and how many blocks the blob has now."""

    version: Version
    offset: int
    blocks: int


class Appends:
    """Appends to the blobs of all accounts."""

    def __init__(self, store: Store, clock: Clock, etag: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._etag = etag

    async def append(self, path: BlobPath, body: Received, conditions: Conditions, end: AppendConditions) -> Appended:
        """Put a block to the end of a blob; raises as `check_append` does, and NOT_FOUND."""
        etag, now = self._etag(), self._clock()
        part = body.part
        assert part is not None, "an empty block is refused before"

        def work(tx: Tx) -> Appended:
            there, blob = _find(tx, path, now)
            check_append(blob, body.size, now, conditions, end)
            manifest = _manifest_to_grow(tx, blob)
            tx.execute(
                "INSERT INTO storage_block(manifest, start, size, block_id, part) VALUES(?, ?, ?, '', ?)",
                (manifest, blob.size, part.size, part.id),
            )
            keep_part(tx, part)
            form = replace(blob.form, blocks=blob.form.blocks + 1)
            tx.execute(
                "UPDATE storage_blob SET size = ?, etag = ?, changed = ?, manifest = ?, form = ?, lease = ?"
                " WHERE container = ? AND name = ?",
                (
                    blob.size + part.size,
                    etag,
                    int(now),
                    manifest,
                    encode_form(form),
                    encode_lease(after_write(blob.lease, now)),
                    there.container,
                    path.name,
                ),
            )
            return Appended(Version(etag, int(now), blob.version), blob.size, form.blocks)

        return await self._store.write(work)

    async def seal(self, path: BlobPath, conditions: Conditions, end: AppendConditions) -> Blob:
        """Let nothing be appended any more, which changes neither ETag nor time; raises NOT_FOUND, PRECONDITION,
        CONFLICT `InvalidBlobType`."""
        now = self._clock()

        def work(tx: Tx) -> Blob:
            there, blob = _find(tx, path, now)
            require_type(blob, BlobType.APPEND)
            conditions.check_change(blob, now)
            end.check(blob.size, 0)
            tx.execute(
                "UPDATE storage_blob SET form = ? WHERE container = ? AND name = ?",
                (encode_form(replace(blob.form, sealed=True)), there.container, path.name),
            )
            return blob

        return await self._store.write(work)


def check_append(blob: Blob, size: int, now: float, conditions: Conditions, end: AppendConditions) -> None:
    """Raise PRECONDITION, or CONFLICT with `InvalidBlobType`, `BlobIsSealed` or `BlockCountExceedsLimit`, if a block
    of `size` bytes may not be appended."""
    require_type(blob, BlobType.APPEND)
    conditions.check_change(blob, now)
    if blob.form.sealed:
        raise conflict("The blob is sealed: append to another one.", "BlobIsSealed")
    end.check(blob.size, size)
    if blob.form.blocks >= MAX_BLOCKS:
        raise conflict(f"An append blob has at most {MAX_BLOCKS} blocks: begin another.", "BlockCountExceedsLimit")


def _find(tx: Tx, path: BlobPath, now: float) -> tuple[There, Blob]:
    there = find_there(tx, path, now)
    if there.blob is None:
        raise blob_not_found()
    return there, there.blob


def _manifest_to_grow(tx: Tx, blob: Blob) -> int:
    """The blob's manifest; a new one if there is none yet, or if a blob that shares it has grown beyond this one."""
    if blob.manifest is None:
        return new_manifest(tx)
    beyond = tx.row("SELECT 1 FROM storage_block WHERE manifest = ? AND start >= ? LIMIT 1", (blob.manifest, blob.size))
    if beyond is None:
        return blob.manifest
    manifest = new_manifest(tx)
    tx.execute(
        """INSERT INTO storage_block(manifest, start, size, block_id, part)
            SELECT ?, start, size, block_id, part FROM storage_block WHERE manifest = ? AND start < ?""",
        (manifest, blob.manifest, blob.size),
    )
    drop_manifest(tx, blob.manifest)
    return manifest

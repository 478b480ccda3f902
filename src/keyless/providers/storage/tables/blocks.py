"""Blocks: staging them, committing a list of them, and looking at both.

Owns the queries, and which block an entry of a list means. Committing moves rows only; no body is touched. Must
not know the protocol.

Source: Azure Storage REST API, "Put Block", "Put Block List" (Latest, Committed, Uncommitted).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import cast

from keyless.model.clock import Clock
from keyless.model.errors import conflict, invalid
from keyless.providers.storage.blob_types import require_type
from keyless.providers.storage.conditions import Conditions, Version
from keyless.providers.storage.tables.blobs import (
    NewBody,
    find_there,
    keep_part,
    make_room,
    new_manifest,
    write_row,
)
from keyless.providers.storage.tables.garbage import drop_staged_part
from keyless.providers.storage.tables.records import BlobPath, BlobType, Block, BlockRef, Draft, Received, Source
from keyless.store.engine import SqlValue, Store, Tx

MAX_UNCOMMITTED = 100_000
#: Rows of one INSERT; five values each stay far below the engine's limit of parameters.
_ROWS = 500


class Blocks:
    """The blocks of all blobs."""

    def __init__(self, store: Store, clock: Clock, etag: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._etag = etag

    async def stage(self, path: BlobPath, block_id: str, body: Received, conditions: Conditions) -> None:
        """Keep a block for a later commit, in place of one with the same ID; of the conditions, a lease ID counts.

        Raises NOT_FOUND, PRECONDITION; INVALID `InvalidBlobOrBlock` when the ID's length is not that of the blob's
        others; CONFLICT `BlockCountExceedsLimit`, `InvalidBlobType`.
        """
        now = self._clock()
        part = body.part
        assert part is not None, "an empty block is refused before"

        def work(tx: Tx) -> None:
            there = find_there(tx, path, now)
            conditions.check_write(there.blob, now)
            if there.blob is not None:
                require_type(there.blob, BlobType.BLOCK)
            upload, count = _upload(tx, there.container, path.name, block_id)
            old = tx.row("SELECT part FROM storage_staged WHERE upload = ? AND block_id = ?", (upload, block_id))
            if old is not None:
                drop_staged_part(tx, cast("bytes", old[0]))
            elif count >= MAX_UNCOMMITTED:
                raise conflict(f"A blob has at most {MAX_UNCOMMITTED} uncommitted blocks.", "BlockCountExceedsLimit")
            tx.execute(
                "INSERT INTO storage_staged(upload, block_id, size, part) VALUES(?, ?, ?, ?)"
                " ON CONFLICT(upload, block_id) DO UPDATE SET size = excluded.size, part = excluded.part",
                (upload, block_id, part.size, part.id),
            )
            tx.execute(
                "UPDATE storage_upload SET blocks = ?, changed = ? WHERE id = ?",
                (count + (old is None), int(now), upload),
            )
            keep_part(tx, part)

        await self._store.write(work)

    async def commit(self, path: BlobPath, refs: Sequence[BlockRef], draft: Draft, conditions: Conditions) -> Version:
        """Make the blob of these blocks; those not named are void. Raises INVALID `InvalidBlockList`."""
        etag, now = self._etag(), self._clock()

        def work(tx: Tx) -> Version:
            there = find_there(tx, path, now)
            conditions.check_write(there.blob, now)
            if there.blob is not None:
                require_type(there.blob, BlobType.BLOCK)
            committed = _committed(tx, there.blob.manifest if there.blob else None)
            chosen = _choose(refs, committed, _staged(tx, there.upload))
            make_room(tx, there, BlobType.BLOCK)
            return write_row(tx, there, _write_manifest(tx, chosen), etag, draft)

        return await self._store.write(work)

    async def committed(self, manifest: int, start: int, limit: int) -> list[Block]:
        """Blocks of a manifest in order, the first of them being the one that holds the byte at `start`."""
        rows = await self._store.rows(
            """SELECT block_id, part, start, size FROM storage_block WHERE manifest = ? AND start >=
                (SELECT max(start) FROM storage_block WHERE manifest = ? AND start <= ?) ORDER BY start LIMIT ?""",
            (manifest, manifest, start, limit),
        )
        return [_block(*row) for row in rows]

    async def upload(self, path: BlobPath) -> int | None:
        """The ID of what is staged of this blob; None if that is nothing."""
        row = await self._store.row(
            """SELECT upload.id FROM storage_container AS holder JOIN storage_upload AS upload
                ON upload.container = holder.id AND upload.blob = ? AND upload.garbage = 0
                WHERE holder.account = ? AND holder.name = ? AND holder.garbage = 0""",
            (path.name, path.account, path.container),
        )
        return None if row is None else cast("int", row[0])

    async def staged(self, upload: int, after: str, limit: int) -> list[Block]:
        """Staged blocks by their IDs, those after `after`."""
        rows = await self._store.rows(
            """SELECT block_id, part, 0, size FROM storage_staged WHERE upload = ? AND block_id > ?
                ORDER BY block_id LIMIT ?""",
            (upload, after, limit),
        )
        return [_block(*row) for row in rows]


def _upload(tx: Tx, container: int, blob: str, block_id: str) -> tuple[int, int]:
    """The upload that a block goes into, and how many blocks it has."""
    found = tx.row(
        "SELECT id, id_size, blocks FROM storage_upload WHERE container = ? AND blob = ? AND garbage = 0",
        (container, blob),
    )
    if found is None:
        rows = tx.rows(
            "INSERT INTO storage_upload(container, blob, id_size, blocks, changed) VALUES(?, ?, ?, 0, 0) RETURNING id",
            (container, blob, _id_size(block_id)),
        )
        return cast("int", rows[0][0]), 0
    upload, id_size, count = cast("tuple[int, int, int]", found)
    if id_size != _id_size(block_id):
        raise invalid("All block IDs of a blob must have the same length.", "InvalidBlobOrBlock")
    return upload, count


def _id_size(block_id: str) -> int:
    return len(base64.b64decode(block_id))


def _committed(tx: Tx, manifest: int | None) -> dict[str, Block]:
    rows = tx.rows("SELECT block_id, part, start, size FROM storage_block WHERE manifest = ?", (manifest,))
    # what Put Blob wrote in one piece has no ID
    return {block.block_id: block for block in (_block(*row) for row in rows) if block.block_id}


def _staged(tx: Tx, upload: int | None) -> dict[str, Block]:
    rows = tx.rows("SELECT block_id, part, 0, size FROM storage_staged WHERE upload = ?", (upload,))
    return {block.block_id: block for block in (_block(*row) for row in rows)}


def _choose(refs: Sequence[BlockRef], committed: dict[str, Block], staged: dict[str, Block]) -> list[Block]:
    places = {Source.COMMITTED: committed, Source.UNCOMMITTED: staged, Source.LATEST: committed | staged}
    chosen: list[Block] = []
    for ref in refs:
        block = places[ref.source].get(ref.block_id)
        if block is None:
            raise invalid("The list names a block that was not put: put it, then commit again.", "InvalidBlockList")
        chosen.append(block)
    return chosen


def _write_manifest(tx: Tx, blocks: Sequence[Block]) -> NewBody:
    if not blocks:
        return NewBody(0)
    manifest, start = new_manifest(tx), 0
    for at in range(0, len(blocks), _ROWS):
        group = blocks[at : at + _ROWS]
        values: list[SqlValue] = []
        for block in group:
            values += (manifest, start, block.size, block.block_id, block.part)
            start += block.size
        tx.execute(_INSERT + ",".join(["(?,?,?,?,?)"] * len(group)), values)
    return NewBody(start, manifest)


_INSERT = "INSERT INTO storage_block(manifest, start, size, block_id, part) VALUES "


def _block(block_id: SqlValue, part: SqlValue, start: SqlValue, size: SqlValue) -> Block:
    return Block(cast("str", block_id), cast("bytes", part), cast("int", start), cast("int", size))

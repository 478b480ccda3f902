"""The map of a page blob: which piece of which part lies where, in every generation of it.

Owns the rows of `storage_page`. A piece is visible to the generations from `born` on and before `died`; each write
makes a new generation, in which the pieces that it covers have died. So a snapshot, which is a generation, costs one
row, and a reader keeps seeing the generation that it began with. What lies nowhere is zeros.

A manifest can be shared by a copy. Only a blob that is the manifest's last generation writes there; another takes a
manifest of its own first.

What a write leaves of pieces that it overlaps can be small. A *cell* of the map (64 KiB) that holds many pieces, or a
small rest of a large part, is noted as ragged, and the collector merges it into one part: so a read has few pieces to
put together, and a large file is not kept for a few of its bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import cast

from keyless.providers.storage.tables.blobs import new_manifest
from keyless.providers.storage.tables.garbage import Garbage, drop_manifest
from keyless.providers.storage.tables.records import INLINE_BYTES, Blob, Part
from keyless.store.engine import Row, Store, Tx

#: The most bytes of one piece: of what one request writes.
MAX_PIECE = 4 * 1024 * 1024
CELL = INLINE_BYTES
#: A cell with more pieces than this is merged.
MAX_IN_CELL = 8
#: `died` of what lives.
ALIVE = 2**63 - 1
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a part, `skip` of them left out, from `start` on in the blob. The part's data is not read along."""

    start: int
    size: int
    part: bytes
    part_size: int
    skip: int

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.start + self.size

    @property
    def is_rest(self) -> bool:
        """Whether it is small, and keeps a large part."""
        return self.size < CELL < self.part_size

    def within(self, start: int, end: int) -> Piece:
        """What of it lies there."""
        at = max(start, self.start)
        return replace(self, start=at, size=min(end, self.end) - at, skip=self.skip + at - self.start)


async def visible(store: Store, manifest: int, generation: int, start: int, end: int, limit: int) -> list[Piece]:
    """The first pieces, in order, that a generation has in a range; the outer ones can stick out of it."""
    return [_piece(row) for row in await store.rows(_VISIBLE, _values(manifest, generation, start, end, limit))]


async def pieces(store: Store, manifest: int, generation: int, start: int, end: int) -> AsyncIterator[Piece]:
    """All pieces that a generation has in a range, in order and clipped to it."""
    while start < end:
        found = await visible(store, manifest, generation, start, end, _AT_ONCE)
        for piece in found:
            yield piece.within(start, end)
        if len(found) < _AT_ONCE:
            return
        start = found[-1].end
        await asyncio.sleep(0)


def visible_now(tx: Tx, manifest: int, generation: int, start: int, end: int, limit: int) -> list[Piece]:
    """The same inside of a transaction."""
    return [_piece(row) for row in tx.rows(_VISIBLE, _values(manifest, generation, start, end, limit))]


def write_generation(tx: Tx, blob: Blob) -> tuple[int, int]:
    """The manifest in which a page blob may write, and the new generation that it makes by that."""
    assert blob.manifest is not None, "a page blob has a manifest from the start"
    old = blob.form.generation
    if next_generation(tx, blob.manifest, old):
        return blob.manifest, old + 1
    manifest = new_manifest(tx)
    tx.execute("UPDATE storage_manifest SET generation = ? WHERE id = ?", (old + 1, manifest))
    tx.execute(
        """INSERT INTO storage_page(manifest, start, born, died, size, part, part_size, skip)
            SELECT ?, start, 0, ?, size, part, part_size, skip FROM storage_page
            WHERE manifest = ? AND born <= ? AND died > ?""",
        (manifest, ALIVE, blob.manifest, old, old),
    )
    tx.execute(
        "INSERT INTO storage_ragged(manifest, cell) SELECT ?, cell FROM storage_ragged WHERE manifest = ?",
        (manifest, blob.manifest),
    )
    drop_manifest(tx, blob.manifest)
    return manifest, old + 1


def next_generation(tx: Tx, manifest: int, generation: int) -> bool:
    """Make the generation that follows a manifest's last one; whether that was the last one."""
    tx.emit(Garbage())
    return (
        tx.execute(
            "UPDATE storage_manifest SET generation = ?, stale = 1 WHERE id = ? AND generation = ?",
            (generation + 1, manifest, generation),
        )
        == 1
    )


def cut(tx: Tx, manifest: int, generation: int, start: int, end: int) -> None:
    """Let nothing be there from this generation on; what sticks out of the range stays."""
    before, last = _living_before(tx, manifest, start), _living_before(tx, manifest, end)
    rests: list[Piece] = []
    if before is not None and before.end > start:
        _kill(tx, manifest, generation, before.start, before.start + 1)
        rests.append(before.within(before.start, start))
    if last is not None and last.end > end:
        rests.append(last.within(end, last.end))
    _kill(tx, manifest, generation, start, end)
    for rest in rests:
        place(tx, manifest, generation, rest)


def place(tx: Tx, manifest: int, generation: int, piece: Piece) -> None:
    """Put a piece where nothing lives."""
    tx.execute(
        "INSERT INTO storage_page(manifest, start, born, died, size, part, part_size, skip) VALUES(?,?,?,?,?,?,?,?)",
        (manifest, piece.start, generation, ALIVE, piece.size, piece.part, piece.part_size, piece.skip),
    )
    cell = piece.start // CELL * CELL
    if piece.is_rest or _living_in(tx, manifest, cell) > MAX_IN_CELL:
        tx.execute("INSERT OR IGNORE INTO storage_ragged(manifest, cell) VALUES(?, ?)", (manifest, cell))


def whole(part: Part, start: int) -> Piece:
    """All of a part as a piece."""
    return Piece(start, part.size, part.id, part.size, 0)


_COLUMNS = "start, size, part, part_size, skip"
_VISIBLE = f"""SELECT {_COLUMNS} FROM storage_page WHERE manifest = ? AND born <= ? AND died > ?
    AND start >= coalesce((SELECT start FROM storage_page
        WHERE manifest = ? AND born <= ? AND died > ? AND start <= ? AND start > ? ORDER BY start DESC LIMIT 1), ?)
    AND start < ? AND start + size > ? ORDER BY start LIMIT ?"""


def _values(manifest: int, generation: int, start: int, end: int, limit: int) -> tuple[int, ...]:
    seen = (manifest, generation, generation)
    return (*seen, *seen, start, start - MAX_PIECE, start, end, start, limit)


def _piece(row: Row) -> Piece:
    start, size, part, part_size, skip = row
    return Piece(cast("int", start), cast("int", size), cast("bytes", part), cast("int", part_size), cast("int", skip))


def _living_before(tx: Tx, manifest: int, at: int) -> Piece | None:
    """The last piece that begins before a place, near enough to reach it."""
    row = tx.row(
        f"SELECT {_COLUMNS} FROM storage_page WHERE manifest = ? AND start < ? AND start > ? AND died = ?"
        " ORDER BY start DESC LIMIT 1",
        (manifest, at, at - MAX_PIECE, ALIVE),
    )
    return None if row is None else _piece(row)


def _living_in(tx: Tx, manifest: int, cell: int) -> int:
    row = tx.row(
        "SELECT count(*) FROM storage_page WHERE manifest = ? AND start >= ? AND start < ? AND died = ?",
        (manifest, cell, cell + CELL, ALIVE),
    )
    return 0 if row is None else cast("int", row[0])


def _kill(tx: Tx, manifest: int, generation: int, start: int, end: int) -> None:
    tx.execute(
        "UPDATE storage_page SET died = ? WHERE manifest = ? AND start >= ? AND start < ? AND died = ?",
        (generation, manifest, start, end, ALIVE),
    )

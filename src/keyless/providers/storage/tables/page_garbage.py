"""The collector's steps on maps of page blobs: forgetting dead pieces, merging ragged cells.

Owns which pieces are needed by nobody, and what a merged cell replaces. Each step is one short transaction.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from keyless.providers.storage.tables.blobs import keep_part
from keyless.providers.storage.tables.garbage import STEP, drop_parts
from keyless.providers.storage.tables.page_map import (
    ALIVE,
    CELL,
    MAX_IN_CELL,
    Piece,
    cut,
    next_generation,
    place,
    visible,
    visible_now,
    whole,
)
from keyless.providers.storage.tables.records import Form, Part
from keyless.providers.storage.tables.rows import decode_form, encode_form
from keyless.store.engine import Row, Store, Tx

#: The most pieces that a cell can have: of one page each.
_MOST_IN_CELL = CELL // 512
Cursor = tuple[int, int, int]


async def stale_manifests(store: Store, after: int) -> list[int]:
    """Some manifests in which pieces may have died that nobody needs, in the order of their IDs."""
    rows = await store.rows(
        "SELECT id FROM storage_manifest WHERE stale = 1 AND id > ? ORDER BY id LIMIT ?", (after, STEP)
    )
    return [cast("int", row[0]) for row in rows]


async def generations(store: Store, manifest: int) -> tuple[list[int], int]:
    """The generations of a manifest that blobs, snapshots and versions are, in order; and the last there is."""
    rows = await store.rows(_FORMS, (manifest, manifest))
    named = sorted({decode_form(cast("str", row[0])).generation for row in rows})
    last = await store.row("SELECT generation FROM storage_manifest WHERE id = ?", (manifest,))
    return named, cast("int", last[0]) if last else 0


def sweep(tx: Tx, manifest: int, named: Sequence[int], last: int, after: Cursor | None) -> Cursor | None:
    """Forget some pieces that died up to the generation `last` and that none of `named` sees; where to go on.

    Generations that are named later on are `last` or follow it, and see none of these.
    """
    if after is None:
        (swept,) = tx.row("SELECT swept FROM storage_manifest WHERE id = ?", (manifest,)) or (0,)
        after = (cast("int", swept), ALIVE, ALIVE)
    rows = cast("list[tuple[int, int, int, bytes]]", tx.rows(_DEAD, (manifest, last, *after, STEP)))
    gone = [(start, born, part) for died, start, born, part in rows if not _needed(born, died, named)]
    for start, born, _part in gone:
        tx.execute("DELETE FROM storage_page WHERE manifest = ? AND start = ? AND born = ?", (manifest, start, born))
    drop_parts(tx, (part for _start, _born, part in gone))
    if len(rows) == STEP:
        died, start, born, _part = rows[-1]
        return died, start, born
    tx.execute(
        """UPDATE storage_manifest SET swept = ?, stale = EXISTS
            (SELECT 1 FROM storage_page WHERE manifest = ? AND died > ? AND died < ?) WHERE id = ?""",
        (last, manifest, last, ALIVE, manifest),
    )
    return None


async def ragged_cells(store: Store) -> list[tuple[int, int]]:
    """Some cells to merge, each with its manifest."""
    rows = await store.rows("SELECT manifest, cell FROM storage_ragged LIMIT ?", (STEP,))
    return [cast("tuple[int, int]", row) for row in rows]


async def runs_to_merge(store: Store, manifest: int, cell: int) -> list[list[Piece]]:
    """The pieces of a cell that are to be one, clipped to it: such as lie side by side, and are many, or keep a large
    part for little. None if nobody writes in the manifest any more."""
    writer = _last(await store.rows(_WRITERS, (manifest,)))
    if writer is None:
        return []
    pieces = await visible(store, manifest, writer[1].generation, cell, cell + CELL, _MOST_IN_CELL)
    runs: list[list[Piece]] = []
    for piece in pieces:
        if runs and runs[-1][-1].end == piece.start:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    many = len(pieces) > MAX_IN_CELL
    return [
        [piece.within(cell, cell + CELL) for piece in run]
        for run in runs
        if (many and len(run) > 1) or any(piece.is_rest for piece in run)
    ]


def merge(tx: Tx, manifest: int, run: Sequence[Piece], part: Part) -> bool:
    """Put one part in the place of a run that it holds the bytes of; whether the run was still what it had been.

    Nobody sees a difference: the blob keeps its ETag.
    """
    writer = _last(tx.rows(_WRITERS, (manifest,)))
    if writer is None:
        return True
    row, form = writer
    start, end = run[0].start, run[-1].end
    there = visible_now(tx, manifest, form.generation, start, end, len(run) + 1)
    if [piece.within(start, end) for piece in there] != list(run):
        return False
    next_generation(tx, manifest, form.generation)
    generation = form.generation + 1
    keep_part(tx, part)
    cut(tx, manifest, generation, start, end)
    place(tx, manifest, generation, whole(part, start))
    tx.execute(
        "UPDATE storage_blob SET form = ? WHERE id = ?", (encode_form(replace(form, generation=generation)), row)
    )
    return True


def forget_ragged(tx: Tx, manifest: int, cell: int) -> None:
    """A cell is about to be looked at."""
    tx.execute("DELETE FROM storage_ragged WHERE manifest = ? AND cell = ?", (manifest, cell))


def note_ragged(tx: Tx, manifest: int, cell: int) -> None:
    """A cell has to be looked at again."""
    tx.execute("INSERT OR IGNORE INTO storage_ragged(manifest, cell) VALUES(?, ?)", (manifest, cell))


def _needed(born: int, died: int, named: Sequence[int]) -> bool:
    """Whether one of these generations, which are in order, sees a piece."""
    at = bisect_left(named, born)
    return at < len(named) and named[at] < died


def _last(rows: Sequence[Row]) -> tuple[int, Form] | None:
    """The row of the blob that is the last generation of its manifest, if one is, and its form."""
    for row, form, generation in cast("Sequence[tuple[int, str, int]]", rows):
        decoded = decode_form(form)
        if decoded.generation == generation:
            return row, decoded
    return None


_FORMS = "SELECT form FROM storage_blob WHERE manifest = ? UNION ALL SELECT form FROM storage_past WHERE manifest = ?"
_DEAD = f"""SELECT died, start, born, part FROM storage_page
    WHERE manifest = ? AND died <= ? AND died < {ALIVE} AND (died, start, born) > (?, ?, ?)
    ORDER BY died, start, born LIMIT ?"""
_WRITERS = """SELECT blob.id, blob.form, manifest.generation FROM storage_blob AS blob
    JOIN storage_manifest AS manifest ON manifest.id = blob.manifest WHERE blob.manifest = ?"""

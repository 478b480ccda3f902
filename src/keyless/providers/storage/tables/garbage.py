"""Taking garbage apart: the steps of the collector, each one short transaction.

Owns what follows from a row marked garbage: containers give up their blobs and uploads, manifests and uploads
their blocks, blocks their parts. Files are removed by `collector.py`, between the marking of a part and the
deletion of its row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from keyless.providers.storage.tables.schema import GARBAGE, LIVE, PENDING
from keyless.store.engine import Row, SqlValue, Store, Tx

#: The most rows that one step touches of any table.
STEP = 500


@dataclass(frozen=True, slots=True)
class Garbage:
    """Told after a commit that left work for the collector."""


def drop_account(tx: Tx, account: str) -> None:
    """All containers of an account are gone, from this transaction on."""
    tx.execute("DELETE FROM storage_service WHERE account = ?", (account,))
    if tx.execute("UPDATE storage_container SET garbage = 1 WHERE account = ? AND garbage <> 1", (account,)):
        tx.emit(Garbage())


def drop_manifest(tx: Tx, manifest: int) -> None:
    """A row gives up this manifest: it is taken apart if no other row has it."""
    tx.execute("UPDATE storage_manifest SET garbage = 1 WHERE id = ?", (manifest,))
    tx.emit(Garbage())


def drop_upload(tx: Tx, upload: int) -> None:
    """What was put but not committed is void."""
    tx.execute("UPDATE storage_upload SET garbage = 1 WHERE id = ?", (upload,))
    tx.emit(Garbage())


def drop_staged_part(tx: Tx, part: bytes) -> None:
    """A block that was put again before it was committed."""
    tx.execute("UPDATE storage_part SET state = ? WHERE id = ?", (GARBAGE, part))
    tx.emit(Garbage())


def drop_old_uploads(tx: Tx, before: int) -> bool:
    """Some uploads to which nothing was added since `before`; whether there may be more."""
    done = tx.execute(
        """UPDATE storage_upload SET garbage = 1 WHERE id IN
            (SELECT id FROM storage_upload WHERE garbage = 0 AND changed < ? LIMIT ?)""",
        (before, STEP),
    )
    return done == STEP


def drop_pending_parts(tx: Tx) -> None:
    """Parts whose file was being written when the program ended."""
    tx.execute("UPDATE storage_part SET state = ? WHERE state = ?", (GARBAGE, PENDING))


def empty_container(tx: Tx) -> bool:
    """Take some blobs and uploads out of one dropped container, or the container when it is empty; whether to go on."""
    found = tx.row("SELECT id FROM storage_container WHERE garbage = 1 LIMIT 1")
    if found is None:
        return False
    (container,) = found
    blobs = tx.rows("SELECT id, manifest FROM storage_blob WHERE container = ? LIMIT ?", (container, STEP))
    _forget(tx, "storage_blob", blobs)
    past = tx.rows("SELECT id, manifest FROM storage_past WHERE container = ? LIMIT ?", (container, STEP))
    _forget(tx, "storage_past", past)
    uploads = tx.execute(
        """UPDATE storage_upload SET garbage = 1 WHERE id IN
            (SELECT id FROM storage_upload WHERE container = ? AND garbage = 0 LIMIT ?)""",
        (container, STEP),
    )
    if not blobs and not past and not uploads:
        tx.execute("DELETE FROM storage_container WHERE id = ?", (container,))
    return True


def _forget(tx: Tx, table: str, rows: list[Row]) -> None:
    """Delete rows that have a manifest each, or None."""
    for row, manifest in rows:
        if manifest is not None:
            tx.execute("UPDATE storage_manifest SET garbage = 1 WHERE id = ?", (manifest,))
        tx.execute(f"DELETE FROM {table} WHERE id = ?", (row,))


def drop_expired(tx: Tx, now: int) -> bool:
    """Some of what was deleted softly and whose time is over; whether there may be more."""
    past = tx.rows("SELECT id, manifest FROM storage_past WHERE expires <= ? LIMIT ?", (now, STEP))
    _forget(tx, "storage_past", past)
    containers = tx.execute("UPDATE storage_container SET garbage = 1 WHERE garbage = 2 AND expires <= ?", (now,))
    return bool(past or containers)


async def dropped_manifests(store: Store, after: int) -> list[int]:
    """Some manifests to take apart, in the order of their IDs."""
    rows = await store.rows(
        "SELECT id FROM storage_manifest WHERE garbage = 1 AND id > ? ORDER BY id LIMIT ?", (after, STEP)
    )
    return [int(row[0]) for row in rows]  # type: ignore[arg-type]


_NAMED = "SELECT 1 FROM storage_blob WHERE manifest = ? UNION ALL SELECT 1 FROM storage_past WHERE manifest = ? LIMIT 1"


def take_manifests_apart(tx: Tx, manifests: Iterable[int]) -> bool:
    """Give up blocks of these manifests, as many as a step may; whether that was all."""
    room = STEP
    for manifest in manifests:
        if tx.row(_NAMED, (manifest, manifest)) is not None:
            # a snapshot or a version shares it with what was dropped, which may have needed more of its pages
            tx.execute("UPDATE storage_manifest SET garbage = 0, stale = 1, swept = 0 WHERE id = ?", (manifest,))
            continue
        blocks = tx.rows("SELECT start, part FROM storage_block WHERE manifest = ? LIMIT ?", (manifest, room))
        if blocks:
            tx.execute("DELETE FROM storage_block WHERE manifest = ? AND start <= ?", (manifest, blocks[-1][0]))
            drop_parts(tx, (part for _, part in blocks))
            room -= len(blocks)
        if room > 0:
            room -= _take_pages(tx, manifest, room)
        if room <= 0:
            return False
        tx.execute("DELETE FROM storage_ragged WHERE manifest = ?", (manifest,))
        tx.execute("DELETE FROM storage_manifest WHERE id = ?", (manifest,))
    return True


def _take_pages(tx: Tx, manifest: int, room: int) -> int:
    """Give up pages of a manifest, that many at most; their number."""
    pages = tx.rows(
        "SELECT start, born, part FROM storage_page WHERE manifest = ? ORDER BY start, born LIMIT ?", (manifest, room)
    )
    if pages:
        tx.execute(
            "DELETE FROM storage_page WHERE manifest = ? AND (start, born) <= (?, ?)", (manifest, *pages[-1][:2])
        )
        drop_parts(tx, (part for _, _, part in pages))
    return len(pages)


def take_upload_apart(tx: Tx) -> bool:
    """Give up some staged blocks of one void upload, or the upload when it is empty; whether to go on."""
    found = tx.row("SELECT id FROM storage_upload WHERE garbage = 1 LIMIT 1")
    if found is None:
        return False
    (upload,) = found
    blocks = tx.rows(
        "SELECT block_id, part FROM storage_staged WHERE upload = ? ORDER BY block_id LIMIT ?", (upload, STEP)
    )
    if blocks:
        tx.execute("DELETE FROM storage_staged WHERE upload = ? AND block_id <= ?", (upload, blocks[-1][0]))
        drop_parts(tx, (part for _, part in blocks))
    if len(blocks) < STEP:
        tx.execute("DELETE FROM storage_upload WHERE id = ?", (upload,))
    return True


async def dropped_parts(store: Store) -> tuple[list[bytes], list[bytes]]:
    """Some garbage parts: those with a file, and those that lie in the database."""
    rows = await store.rows(
        "SELECT id, data IS NULL FROM storage_part WHERE state = ? AND state <> 1 LIMIT ?", (GARBAGE, STEP)
    )
    files: list[bytes] = []
    inline: list[bytes] = []
    for part, in_file in rows:
        assert isinstance(part, bytes)
        (files if in_file else inline).append(part)
    return files, inline


def live_files(rows: Callable[[str], Iterable[Row]]) -> Iterator[bytes]:
    """The IDs of all live parts that lie in files, by a way to ask for rows."""
    for (part,) in rows(f"SELECT id FROM storage_part WHERE state = {LIVE} AND data IS NULL"):
        assert isinstance(part, bytes)
        yield part


def forget_parts(tx: Tx, parts: list[bytes]) -> None:
    """Delete the rows of garbage parts whose files are gone."""
    for part in parts:
        tx.execute("DELETE FROM storage_part WHERE id = ?", (part,))


def drop_parts(tx: Tx, parts: Iterable[SqlValue]) -> None:
    """Parts that no manifest names any more: a part may have moved on to a newer one, or lie in several places."""
    for part in parts:
        tx.execute(
            """UPDATE storage_part SET state = ? WHERE id = ? AND NOT EXISTS
                (SELECT 1 FROM storage_block WHERE part = storage_part.id) AND NOT EXISTS
                (SELECT 1 FROM storage_page WHERE part = storage_part.id)""",
            (GARBAGE, part),
        )

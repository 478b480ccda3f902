"""What blobs were: snapshots, previous versions, and what was deleted softly.

Owns the rows of the past: their making from a blob's row, their removal, and the way back. A row of the past names
the same body as the blob it was made from. Everything here runs inside of a write's transaction.

Source: Azure Storage, "Soft delete for blobs", "Blob versioning", "Blob snapshots".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from keyless.model.errors import conflict
from keyless.providers.storage.moments import PER_SECOND, moment_of
from keyless.providers.storage.tables.garbage import Garbage
from keyless.providers.storage.tables.records import Blob, Kind
from keyless.providers.storage.tables.rows import SHARED_COLUMNS
from keyless.providers.storage.tables.services import DAY, Policy
from keyless.store.engine import Tx


@dataclass(frozen=True, slots=True)
class Place:
    """A name in a container whose account keeps what `policy` says; `now` is the time of the write."""

    container: int
    name: str
    policy: Policy
    now: float


def new_version(tx: Tx, at: Place) -> int | None:
    """The moment that names what a write makes, once the old is kept; None if the account keeps no versions."""
    return _next_moment(tx, at, Kind.VERSION) if at.policy.versioning else None


def keep_overwritten(tx: Tx, at: Place, there: Blob) -> bool:
    """Keep what a write of a new body is about to replace, as far as the account wants it; whether it did."""
    if keep_version(tx, at, there):
        return True
    if not at.policy.delete_days:
        return False
    _copy(tx, at, Kind.SNAPSHOT, _next_moment(tx, at, Kind.SNAPSHOT), softly=True)
    return True


def keep_version(tx: Tx, at: Place, there: Blob) -> bool:
    """Keep a blob that is about to change or to go as a previous version; whether the account wants it.

    What has a version's name is kept even after versioning was switched off: only by that name it can be deleted.
    """
    if there.version is None and not at.policy.versioning:
        return False
    moment = there.version if there.version is not None else _next_moment(tx, at, Kind.VERSION, there.changed)
    _copy(tx, at, Kind.VERSION, moment)
    return True


def keep_deleted(tx: Tx, at: Place, there: Blob) -> bool:
    """Keep a blob that is about to be deleted, as far as the account wants it; whether it did."""
    if keep_version(tx, at, there):
        return True
    if not at.policy.delete_days:
        return False
    _copy(tx, at, Kind.DELETED, moment_of(at.now), softly=True)
    return True


def make_snapshot(tx: Tx, at: Place, metadata: str | None) -> int:
    """A snapshot of the blob as it is, but for its metadata if some is given; the moment that names it."""
    moment = _next_moment(tx, at, Kind.SNAPSHOT)
    _copy(tx, at, Kind.SNAPSHOT, moment)
    if metadata is not None:
        tx.execute(
            "UPDATE storage_past SET metadata = ? WHERE container = ? AND name = ? AND kind = ? AND moment = ?",
            (metadata, at.container, at.name, Kind.SNAPSHOT, moment),
        )
    return moment


def make_way(tx: Tx, at: Place) -> None:
    """A blob is made where one was deleted softly: that one is a deleted snapshot from now on."""
    if tx.row(_DELETED, (at.container, at.name, Kind.DELETED)) is not None:
        tx.execute(
            "UPDATE storage_past SET kind = ?, moment = ? WHERE container = ? AND name = ? AND kind = ?",
            (Kind.SNAPSHOT, _next_moment(tx, at, Kind.SNAPSHOT), at.container, at.name, Kind.DELETED),
        )


def remove_snapshots(tx: Tx, at: Place, *, asked: bool) -> None:
    """Remove all snapshots of a blob; unless that was asked for, raise CONFLICT if there are any."""
    where = "container = ? AND name = ? AND kind = ? AND deleted IS NULL"
    values = (at.container, at.name, Kind.SNAPSHOT)
    if tx.row(f"SELECT 1 FROM storage_past WHERE {where} LIMIT 1", values) is None:
        return
    if not asked:
        raise conflict(
            "The blob has snapshots: say with x-ms-delete-snapshots what becomes of them.", "SnapshotsPresent"
        )
    _remove(tx, at, where, values)


def remove_one(tx: Tx, at: Place, kind: Kind, moment: int) -> bool:
    """Remove one snapshot or version; whether it was there."""
    return _remove(
        tx,
        at,
        "container = ? AND name = ? AND kind = ? AND moment = ? AND deleted IS NULL",
        (at.container, at.name, kind, moment),
    )


def restore(tx: Tx, at: Place, there: Blob | None) -> bool:
    """Bring back all that was deleted softly under a name; whether there was anything.

    The blob itself comes back if none has taken its place.
    """
    brought = tx.execute(
        """UPDATE storage_past SET deleted = NULL, expires = NULL
            WHERE container = ? AND name = ? AND kind IN (?, ?) AND expires > ?""",
        (at.container, at.name, Kind.SNAPSHOT, Kind.VERSION, int(at.now)),
    )
    if there is None:
        values = (at.container, at.name, Kind.DELETED, int(at.now))
        where = "container = ? AND name = ? AND kind = ? AND expires > ?"
        back = tx.execute(
            f"INSERT INTO storage_blob({SHARED_COLUMNS}) SELECT {SHARED_COLUMNS} FROM storage_past WHERE {where}",
            values,
        )
        if back:
            tx.execute(f"DELETE FROM storage_past WHERE {where}", values)
            brought += back
    return brought > 0


_DELETED = "SELECT 1 FROM storage_past WHERE container = ? AND name = ? AND kind = ? LIMIT 1"


def _copy(tx: Tx, at: Place, kind: Kind, moment: int, *, softly: bool = False) -> None:
    """Make a row of the past from the blob's row; `softly`: as what is deleted, until it expires."""
    deleted = int(at.now) if softly else None
    expires = int(at.now) + at.policy.delete_days * DAY if softly else None
    tx.execute(
        f"INSERT INTO storage_past(kind, moment, deleted, expires, {SHARED_COLUMNS})"
        f" SELECT ?, ?, ?, ?, {SHARED_COLUMNS} FROM storage_blob WHERE container = ? AND name = ?",
        (kind, moment, deleted, expires, at.container, at.name),
    )


def _remove(tx: Tx, at: Place, where: str, values: tuple[int | str, ...]) -> bool:
    """Remove rows of the past: softly if the account wants that, else for good."""
    if days := at.policy.delete_days:
        now = int(at.now)
        sql = f"UPDATE storage_past SET deleted = ?, expires = ? WHERE {where}"
        return tx.execute(sql, (now, now + days * DAY, *values)) > 0
    tx.execute(
        "UPDATE storage_manifest SET garbage = 1 WHERE id IN"
        f" (SELECT manifest FROM storage_past WHERE {where} AND manifest IS NOT NULL)",
        values,
    )
    tx.emit(Garbage())
    return tx.execute(f"DELETE FROM storage_past WHERE {where}", values) > 0


def _next_moment(tx: Tx, at: Place, kind: Kind, changed: int | None = None) -> int:
    """A moment that comes after all of this kind: now, or when the blob was changed."""
    (last,) = tx.row(
        "SELECT max(moment) FROM storage_past WHERE container = ? AND name = ? AND kind = ?",
        (at.container, at.name, kind),
    ) or (None,)
    wanted = moment_of(at.now) if changed is None else changed * PER_SECOND
    return max(wanted, cast("int", last or 0) + 1)

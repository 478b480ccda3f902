"""Blobs: putting, finding and deleting them.

Owns the queries, and what every write of a blob does whatever its body is: conditions, what is kept of the old body,
the upload that it voids. Must not know the protocol.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from keyless.model.clock import Clock
from keyless.model.errors import KeylessError, not_found
from keyless.providers.storage.blob_types import require_type
from keyless.providers.storage.conditions import Conditions, Version
from keyless.providers.storage.leases import after_write
from keyless.providers.storage.tables import past
from keyless.providers.storage.tables.containers import container_not_found
from keyless.providers.storage.tables.garbage import drop_manifest, drop_upload
from keyless.providers.storage.tables.past import Place
from keyless.providers.storage.tables.records import (
    BLOCK_BLOB,
    Blob,
    BlobPath,
    BlobType,
    Draft,
    Form,
    Kind,
    Part,
    Received,
)
from keyless.providers.storage.tables.rows import (
    COLUMNS,
    PAST_COLUMNS,
    encode_copied,
    encode_form,
    encode_lease,
    encode_texts,
    settings_values,
    to_blob,
)
from keyless.providers.storage.tables.schema import LIVE, PENDING
from keyless.providers.storage.tables.services import Policy
from keyless.providers.storage.tiers import refuse_archived
from keyless.store.engine import Store, Tx


class Blobs:
    """The blobs of all accounts."""

    def __init__(self, store: Store, clock: Clock, etag: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._etag = etag

    async def find(self, path: BlobPath, *, with_body: bool = False) -> Blob | None:
        """A blob, a snapshot or a version, or None; raises NOT_FOUND `ContainerNotFound`.

        `with_body` reads a short one's body along.
        """
        sql = _FIND_WITH_BODY if with_body else _FIND
        row = await self._store.row(sql, (path.name, path.account, path.container))
        if row is None:
            raise container_not_found(path.container)
        container, ident, data, *columns = row
        current = None if ident is None else to_blob(tuple(columns), data)
        if path.kind is Kind.CURRENT:
            return current
        if path.kind is Kind.VERSION and current and current.version == path.moment:
            return current
        found = await self._store.row(_FIND_PAST, (container, path.name, path.kind, path.moment))
        return to_blob(found[1:], found[0]) if found else None

    async def get(self, path: BlobPath, *, with_body: bool = False) -> Blob:
        """The same; raises NOT_FOUND `ContainerNotFound` or `BlobNotFound`."""
        blob = await self.find(path, with_body=with_body)
        if blob is None:
            raise blob_not_found()
        return blob

    async def put(self, path: BlobPath, body: Received, draft: Draft, conditions: Conditions) -> Version:
        """Make or overwrite a blob with a body that was received in one piece; raises as `check_write` does."""
        etag, now = self._etag(), self._clock()

        def work(tx: Tx) -> Version:
            there = find_there(tx, path, now)
            conditions.check_write(there.blob, there.now)
            make_room(tx, there, BlobType.BLOCK)
            if body.part is None or body.part.data is not None:
                return write_row(tx, there, NewBody(body.size, part=body.part), etag, draft)
            manifest = new_manifest(tx)
            tx.execute(
                "INSERT INTO storage_block(manifest, start, size, block_id, part) VALUES(?, 0, ?, '', ?)",
                (manifest, body.size, body.part.id),
            )
            settle_part(tx, body.part)
            return write_row(tx, there, NewBody(body.size, manifest), etag, draft)

        return await self._store.write(work)

    async def create(
        self, path: BlobPath, form: Form, draft: Draft, conditions: Conditions, *, size: int = 0
    ) -> Version:
        """Make or overwrite a blob of this form that is empty, a page blob of `size` zeros; raises as `put` does."""
        etag, now = self._etag(), self._clock()

        def work(tx: Tx) -> Version:
            there = find_there(tx, path, now)
            conditions.check_write(there.blob, there.now)
            make_room(tx, there, form.type)
            manifest = new_manifest(tx) if form.type is BlobType.PAGE else None
            return write_row(tx, there, NewBody(size, manifest, form=form), etag, draft)

        return await self._store.write(work)

    async def delete(self, path: BlobPath, conditions: Conditions, *, snapshots: str = "") -> bool:
        """Delete a blob and what is uncommitted of it; whether that is for good, or something of it is kept.

        `snapshots` says what becomes of these: `include`, `only`, or nothing, which is an error if there are any.
        Raises NOT_FOUND, PRECONDITION, CONFLICT `SnapshotsPresent`.
        """

        now = self._clock()

        def work(tx: Tx) -> bool:
            there = find_there(tx, path, now)
            if there.blob is None:
                raise blob_not_found()
            conditions.check_change(there.blob, there.now)
            past.remove_snapshots(tx, there.place, asked=bool(snapshots))
            if snapshots == "only":
                return not there.place.policy.delete_days
            kept = past.keep_deleted(tx, there.place, there.blob)
            if there.blob.manifest is not None and not kept:
                drop_manifest(tx, there.blob.manifest)
            if there.upload is not None:
                drop_upload(tx, there.upload)
            tx.execute("DELETE FROM storage_blob WHERE container = ? AND name = ?", (there.container, path.name))
            return not kept

        return await self._store.write(work)


def blob_not_found() -> KeylessError:
    """There is no such blob, or nothing of it is committed."""
    return not_found("The blob does not exist.", "BlobNotFound")


@dataclass(frozen=True, slots=True)
class There:
    """What a write finds at a path: the container, the committed blob and the upload, if there are any."""

    place: Place
    blob: Blob | None
    upload: int | None

    @property
    def container(self) -> int:
        """The container's ID."""
        return self.place.container

    @property
    def now(self) -> float:
        """The time of the write."""
        return self.place.now


def find_there(tx: Tx, path: BlobPath, now: float) -> There:
    """Look, in one query; raises NOT_FOUND `ContainerNotFound`."""
    row = tx.row(_FIND_THERE, (path.name, path.name, path.account, path.container))
    if row is None:
        raise container_not_found(path.container)
    container, days, container_days, versioning, upload = cast("tuple[int, int, int, int, int | None]", row[:5])
    blob = None if row[5] is None else to_blob(row[5:])
    return There(Place(container, path.name, Policy(days, container_days, bool(versioning)), now), blob, upload)


def find_past(tx: Tx, there: There, path: BlobPath, *, with_body: bool = False) -> Blob | None:
    """What a path means that may name a snapshot or a version, or None; `with_body` as in `Blobs.find`."""
    if with_body and there.blob is not None and there.blob.part is not None:
        (data,) = tx.row(_BODY, (there.container, path.name)) or (None,)
        there = replace(there, blob=replace(there.blob, part=replace(there.blob.part, data=cast("bytes", data))))
    if path.kind is Kind.CURRENT:
        return there.blob
    if path.kind is Kind.VERSION and there.blob and there.blob.version == path.moment:
        return there.blob
    row = tx.row(_FIND_PAST, (there.container, path.name, path.kind, path.moment))
    return to_blob(row[1:], row[0]) if row else None


def make_room(tx: Tx, there: There, type_: BlobType) -> None:
    """What is there, committed or not, gives way to a new body of a type.

    Raises CONFLICT with `BlobArchived`, or `InvalidBlobType`: a blob can only become one of another type by being
    deleted in between.
    """
    if there.blob is None:
        past.make_way(tx, there.place)
    else:
        require_type(there.blob, type_)
        refuse_archived(there.blob.tier)
        kept = past.keep_overwritten(tx, there.place, there.blob)
        if there.blob.manifest is not None and not kept:
            drop_manifest(tx, there.blob.manifest)
    if there.upload is not None:
        drop_upload(tx, there.upload)


def new_manifest(tx: Tx) -> int:
    """A manifest without blocks."""
    return cast("int", tx.rows("INSERT INTO storage_manifest DEFAULT VALUES RETURNING id")[0][0])


def keep_part(tx: Tx, part: Part) -> None:
    """A part is part of something from now on, wherever its body lies."""
    if part.data is None:
        settle_part(tx, part)
    else:
        tx.execute("INSERT INTO storage_part(id, state, data) VALUES(?, ?, ?)", (part.id, LIVE, part.data))


def settle_part(tx: Tx, part: Part) -> None:
    """A part whose file was written is part of something now."""
    settled = tx.execute("UPDATE storage_part SET state = ? WHERE id = ? AND state = ?", (LIVE, part.id, PENDING))
    assert settled == 1, "a part is recorded before its file is written"


@dataclass(frozen=True, slots=True)
class NewBody:
    """The body that a blob's row is to have: a manifest, a part in the database, or nothing."""

    size: int
    manifest: int | None = None
    part: Part | None = None
    form: Form = BLOCK_BLOB


def write_row(tx: Tx, there: There, body: NewBody, etag: str, draft: Draft) -> Version:
    """The blob's row, after `make_room`; an overwritten blob keeps the time of its creation, its tier and its lease."""
    now, old = int(there.now), there.blob
    version = Version(etag, now, past.new_version(tx, there.place))
    tier, tier_changed = (draft.tier, now) if draft.tier else (old.tier, old.tier_changed) if old else ("", None)
    tx.execute(
        _UPSERT,
        (
            there.container,
            there.place.name,
            body.size,
            version.etag,
            now,
            now,
            *settings_values(draft.settings),
            encode_texts(draft.metadata),
            body.manifest,
            body.part.id if body.part else None,
            encode_texts(draft.tags),
            tier,
            tier_changed,
            version.moment,
            encode_copied(draft.copied),
            encode_form(body.form),
            encode_lease(after_write(old.lease, there.now) if old else None),
            body.part.data if body.part else None,
        ),
    )
    return version


_BODY = "SELECT data FROM storage_blob WHERE container = ? AND name = ?"
_NAMES = COLUMNS.split(", ")
_OF_BLOB = ", ".join(f"blob.{name}" for name in _NAMES)
_FIND_WITH_BODY = (
    f"SELECT holder.id, blob.id, blob.data, {_OF_BLOB} FROM storage_container AS holder"
    " LEFT JOIN storage_blob AS blob ON blob.container = holder.id AND blob.name = ?"
    " WHERE holder.account = ? AND holder.name = ? AND holder.garbage = 0"
)
_FIND = _FIND_WITH_BODY.replace("blob.data", "NULL")
_FIND_PAST = (
    f"SELECT data, {PAST_COLUMNS} FROM storage_past"
    " WHERE container = ? AND name = ? AND kind = ? AND moment = ? AND deleted IS NULL"
)
_FIND_THERE = (
    "SELECT holder.id, coalesce(service.delete_days, 0), coalesce(service.container_days, 0),"
    f" coalesce(service.versioning, 0), upload.id, {_OF_BLOB} FROM storage_container AS holder"
    " LEFT JOIN storage_service AS service ON service.account = holder.account"
    " LEFT JOIN storage_blob AS blob ON blob.container = holder.id AND blob.name = ?"
    " LEFT JOIN storage_upload AS upload"
    "  ON upload.container = holder.id AND upload.blob = ? AND upload.garbage = 0"
    " WHERE holder.account = ? AND holder.name = ? AND holder.garbage = 0"
)
_KEPT = {"name", "created"}
_UPSERT = (
    f"INSERT INTO storage_blob(container, {COLUMNS}, data)"
    f" VALUES({','.join('?' * (len(_NAMES) + 2))})"
    " ON CONFLICT(container, name) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in (*_NAMES, "data") if name not in _KEPT)
)

"""Blobs: putting, finding and deleting them.

Owns the queries, and what every write of a blob does whatever its body is: conditions, the old body, the upload
that it voids. Must not know the protocol.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from keyless.model.clock import Clock
from keyless.model.errors import KeylessError, not_found
from keyless.providers.storage.conditions import Conditions, Version
from keyless.providers.storage.tables.containers import container_not_found
from keyless.providers.storage.tables.garbage import drop_manifest, drop_upload
from keyless.providers.storage.tables.records import Blob, BlobPath, Draft, Part, Received
from keyless.providers.storage.tables.rows import COLUMNS, encode_copied, encode_metadata, settings_values, to_blob
from keyless.providers.storage.tables.schema import LIVE, PENDING
from keyless.store.engine import Store, Tx


class Blobs:
    """The blobs of all accounts."""

    def __init__(self, store: Store, clock: Clock, etag: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._etag = etag

    async def find(self, path: BlobPath, *, with_body: bool = False) -> Blob | None:
        """A blob, or None; raises NOT_FOUND `ContainerNotFound`. `with_body` reads a short one's body along."""
        sql = FIND_WITH_BODY if with_body else _FIND
        row = await self._store.row(sql, (path.name, path.account, path.container))
        if row is None:
            raise container_not_found(path.container)
        ident, data, *columns = row
        return None if ident is None else to_blob(tuple(columns), data)

    async def get(self, path: BlobPath, *, with_body: bool = False) -> Blob:
        """A blob; raises NOT_FOUND `ContainerNotFound` or `BlobNotFound`."""
        blob = await self.find(path, with_body=with_body)
        if blob is None:
            raise blob_not_found()
        return blob

    async def put(self, path: BlobPath, body: Received, draft: Draft, conditions: Conditions) -> Version:
        """Make or overwrite a blob with a body that was received in one piece; raises as `check_write` does."""
        version = Version(self._etag(), int(self._clock()))

        def work(tx: Tx) -> Version:
            there = find_there(tx, path)
            conditions.check_write(there.version)
            drop_body(tx, there)
            if body.part is None or body.part.data is not None:
                write_row(tx, there, path.name, NewBody(body.size, part=body.part), version=version, draft=draft)
            else:
                manifest = new_manifest(tx)
                tx.execute(
                    "INSERT INTO storage_block(manifest, start, size, block_id, part) VALUES(?, 0, ?, '', ?)",
                    (manifest, body.size, body.part.id),
                )
                settle_part(tx, body.part)
                write_row(tx, there, path.name, NewBody(body.size, manifest), version=version, draft=draft)
            return version

        return await self._store.write(work)

    async def delete(self, path: BlobPath, conditions: Conditions) -> None:
        """Delete a blob and what is uncommitted of it; raises NOT_FOUND, PRECONDITION."""

        def work(tx: Tx) -> None:
            there = find_there(tx, path)
            if there.version is None:
                raise blob_not_found()
            conditions.check_change(there.version)
            drop_body(tx, there)
            tx.execute("DELETE FROM storage_blob WHERE container = ? AND name = ?", (there.container, path.name))

        await self._store.write(work)


def blob_not_found() -> KeylessError:
    """There is no such blob, or nothing of it is committed."""
    return not_found("The blob does not exist.", "BlobNotFound")


@dataclass(frozen=True, slots=True)
class There:
    """What a write finds at a path: the container, the committed blob and the upload, if there are any."""

    container: int
    version: Version | None
    manifest: int | None
    upload: int | None


def find_there(tx: Tx, path: BlobPath) -> There:
    """Look, in one query; raises NOT_FOUND `ContainerNotFound`."""
    row = tx.row(
        """SELECT holder.id, blob.etag, blob.changed, blob.manifest, upload.id FROM storage_container AS holder
            LEFT JOIN storage_blob AS blob ON blob.container = holder.id AND blob.name = ?
            LEFT JOIN storage_upload AS upload
                ON upload.container = holder.id AND upload.blob = ? AND upload.garbage = 0
            WHERE holder.account = ? AND holder.name = ? AND holder.garbage = 0""",
        (path.name, path.name, path.account, path.container),
    )
    if row is None:
        raise container_not_found(path.container)
    container, etag, changed, manifest, upload = cast("tuple[int, str | None, int, int | None, int | None]", row)
    return There(container, None if etag is None else Version(etag, changed), manifest, upload)


def drop_body(tx: Tx, there: There) -> None:
    """What is there, committed or not, makes room."""
    if there.manifest is not None:
        drop_manifest(tx, there.manifest)
    if there.upload is not None:
        drop_upload(tx, there.upload)


def new_manifest(tx: Tx) -> int:
    """A manifest without blocks."""
    return cast("int", tx.rows("INSERT INTO storage_manifest DEFAULT VALUES RETURNING id")[0][0])


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


def write_row(tx: Tx, there: There, name: str, body: NewBody, *, version: Version, draft: Draft) -> None:
    """The blob's row; an overwritten blob keeps the time of its creation."""
    tx.execute(
        _UPSERT,
        (
            there.container,
            name,
            body.size,
            version.etag,
            version.changed,
            version.changed,
            *settings_values(draft.settings),
            encode_metadata(draft.metadata),
            body.manifest,
            body.part.id if body.part else None,
            encode_copied(draft.copied),
            body.part.data if body.part else None,
        ),
    )


_NAMES = COLUMNS.split(", ")
#: A blob's columns, its row's ID and its sealed body before them; by its name, account and container.
FIND_WITH_BODY = (
    "SELECT blob.id, blob.data, " + ", ".join(f"blob.{name}" for name in _NAMES) + " FROM storage_container AS holder"
    " LEFT JOIN storage_blob AS blob ON blob.container = holder.id AND blob.name = ?"
    " WHERE holder.account = ? AND holder.name = ? AND holder.garbage = 0"
)  # fmt: skip
_FIND = FIND_WITH_BODY.replace("blob.data", "NULL")
_KEPT = {"name", "created"}
_UPSERT = (
    f"INSERT INTO storage_blob(container, {COLUMNS}, data)"
    f" VALUES({','.join('?' * (len(_NAMES) + 2))})"
    " ON CONFLICT(container, name) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in (*_NAMES, "data") if name not in _KEPT)
)

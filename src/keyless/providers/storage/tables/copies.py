"""Copies of whole blobs: a new manifest over the parts that are there already.

Owns the query. No body is read or written, whatever its size: parts are immutable, and are freed when the last
manifest that names them is. Must not know the protocol, nor whether the caller may read the source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.conditions import Conditions, Version
from keyless.providers.storage.tables.blobs import (
    FIND_WITH_BODY,
    NewBody,
    drop_body,
    find_there,
    new_manifest,
    write_row,
)
from keyless.providers.storage.tables.records import Blob, BlobPath, Copied, Draft
from keyless.providers.storage.tables.rows import to_blob
from keyless.store.engine import Store, Tx


class Copies:
    """Copies blobs within and between accounts."""

    def __init__(self, store: Store, clock: Clock, etag: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._etag = etag

    async def copy(
        self,
        source: BlobPath,
        etag: str,
        to: BlobPath,
        conditions: Conditions,
        *,
        metadata: Mapping[str, str],
        copied: Copied,
    ) -> Version:
        """Copy the version `etag` of a blob over another, which may be itself.

        `metadata` replaces the source's own unless it is empty. Raises as `check_write` does, and PRECONDITION
        `SourceConditionNotMet` when the source is not that version any more.
        """
        version = Version(self._etag(), int(self._clock()))

        def work(tx: Tx) -> Version:
            there = find_there(tx, to)
            conditions.check_write(there.version)
            blob = _find(tx, source)
            if blob is None or blob.etag != etag:
                raise KeylessError(
                    ErrorKind.PRECONDITION,
                    "The source has changed while it was being copied: copy it again.",
                    code="SourceConditionNotMet",
                )
            body = NewBody(blob.size, _share(tx, blob.manifest), blob.part)
            drop_body(tx, there)
            draft = Draft(blob.settings, metadata or blob.metadata, replace(copied, at=version.changed))
            write_row(tx, there, to.name, body, version=version, draft=draft)
            return version

        return await self._store.write(work)


def _find(tx: Tx, path: BlobPath) -> Blob | None:
    row = tx.row(FIND_WITH_BODY, (path.name, path.account, path.container))
    if row is None or row[0] is None:
        return None
    _ident, data, *columns = row
    return to_blob(tuple(columns), data)


def _share(tx: Tx, manifest: int | None) -> int | None:
    if manifest is None:
        return None
    copy = new_manifest(tx)
    tx.execute(
        """INSERT INTO storage_block(manifest, start, size, block_id, part)
            SELECT ?, start, size, block_id, part FROM storage_block WHERE manifest = ?""",
        (copy, manifest),
    )
    return copy

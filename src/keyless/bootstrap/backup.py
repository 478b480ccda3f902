"""A backup of an instance: what is copied for it and what stays where it is meanwhile.

Owns the order: the databases are copied first, so that whatever the directory's snapshot knows of a database is there.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from keyless.bootstrap.schema import DATABASE, SNAPSHOT, SQL, SQL_COPY, backed_up
from keyless.bootstrap.sql import SqlSide
from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.blob_store import BlobStore
from keyless.store.backup import Backups
from keyless.store.sealing import MasterKey


def backups_of(data: Path, instance: str, master: MasterKey, blobs: BlobStore, sql: SqlSide | None) -> Backups:
    """Backups of the instance in a data folder."""
    shutil.rmtree(data / SQL_COPY, ignore_errors=True)  # of a process that was killed

    @asynccontextmanager
    async def held() -> AsyncIterator[None]:
        with blobs.collector.held():
            try:
                await _copy_databases(data, sql)
                yield
            finally:
                await asyncio.to_thread(shutil.rmtree, data / SQL_COPY, True)

    return Backups(
        data / DATABASE,
        data / SNAPSHOT,
        lambda snapshot: backed_up(data, snapshot, blobs),
        held,
        master,
        instance,
        os.urandom,
    )


async def _copy_databases(data: Path, sql: SqlSide | None) -> None:
    if sql is not None:
        await sql.engine.back_up(data / SQL_COPY)
    elif (data / SQL).exists():
        raise KeylessError(
            ErrorKind.UNAVAILABLE,
            "This instance has databases, which cannot be copied while SQL is off: install `keyless[sql]`, do not set"
            " KEYLESS_SQL_PORT to 0, and start again.",
        )

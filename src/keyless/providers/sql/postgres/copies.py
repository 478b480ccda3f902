"""Copies of the embedded PostgreSQL: all databases, users and rights, of one moment, while it runs.

Owns the files of a copy, how it is taken and how it becomes PostgreSQL's folder again. PostgreSQL checks each page that
it sends. Source: PostgreSQL, "pg_basebackup": the tar format, and "Making a Base Backup": the write-ahead log that was
written meanwhile belongs to it.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import tarfile
import zlib
from pathlib import Path

from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.providers.sql.postgres import process
from keyless.providers.sql.postgres.failures import reason

BASE, LOG = "base.tar.gz", "pg_wal.tar.gz"
_BLOCK = 1 << 20


async def take(conninfo: str, folder: Path) -> None:
    """Fill a folder that is not there; raises UNAVAILABLE when it cannot be. Whoever is cancelled leaves no child."""
    child = await process.run(
        process.programs() / "pg_basebackup", "-d", conninfo, "-U", process.ADMINISTRATOR, "-D", str(folder),
        "--format=tar", "--compress=client-gzip:1", "--wal-method=stream", "--checkpoint=fast", "--no-sync",
        "--no-manifest", "--no-password",
    )  # fmt: skip
    try:
        _out, error = await child.communicate()
    except BaseException:
        if child.returncode is None:
            child.kill()
        await child.wait()
        raise
    if child.returncode != 0:
        raise KeylessError(
            ErrorKind.UNAVAILABLE, f"The databases cannot be copied now: {reason(error)}.", retry_after=30
        )


async def put_back(copy: Path, folder: Path) -> None:
    """Make PostgreSQL's folder out of a copy, and see that PostgreSQL starts on it and finds it whole."""
    process.programs()
    try:
        await asyncio.to_thread(_unpack, copy / BASE, folder)
        await asyncio.to_thread(_unpack, copy / LOG, folder / "pg_wal")
    except (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError):
        raise _damaged() from None
    await (await process.start(folder)).stop()


def _unpack(file: Path, folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    # the log begins with an empty part, after which only gzip's own reader goes on
    with gzip.open(file) as content, tarfile.open(fileobj=content, mode="r|") as archive:
        for member in archive:
            path = folder / member.name
            if (path != folder and folder not in path.parents) or ".." in path.parts:
                raise _damaged()
            if member.isdir():
                path.mkdir(mode=0o700, exist_ok=True)
            elif member.isreg() and (source := archive.extractfile(member)):
                with open(path, "xb", opener=_private) as target:
                    shutil.copyfileobj(source, target, _BLOCK)
            else:
                raise _damaged()


def _damaged() -> KeylessError:
    return invalid("The databases in this backup are damaged: take another one.")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

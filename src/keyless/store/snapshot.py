"""A snapshot of the database: all that was committed at one moment, in a file of its own.

Owns taking it while the writer goes on, and reading it. Must not know any table. Everything here blocks on the disk;
`interrupt` may be called from another thread.

Source: sqlite.org, "VACUUM INTO": a consistent copy without what was deleted.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from keyless.model.errors import ErrorKind, KeylessError
from keyless.store.engine import Row
from keyless.store.sqlite import connect

_ROWS = 1000


class Snapshot:
    """Is empty until `take`. `close` removes its file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._taking: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None

    def take(self, database: Path) -> None:
        """Copy the database; raises UNAVAILABLE when it or its place cannot be read or written."""
        try:
            self.file.unlink(missing_ok=True)  # of a process that was killed
            os.close(os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            self._taking = connect(database)
            try:
                self._taking.execute("VACUUM INTO ?", (str(self.file),))
            finally:
                self._taking.close()
                self._taking = None
            # it changes no more: without `immutable`, reading would make files beside it
            self._reader = sqlite3.connect(
                f"{self.file.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
        except (sqlite3.Error, OSError) as error:
            reason = getattr(error, "sqlite_errorname", "") or getattr(error, "strerror", "") or type(error).__name__
            raise KeylessError(
                ErrorKind.UNAVAILABLE,
                f"The database cannot be copied now ({reason}): a backup needs as much free space as it has.",
                retry_after=30,
            ) from error

    def interrupt(self) -> None:
        """Make `take` give up soon."""
        if self._taking is not None:
            with contextlib.suppress(sqlite3.ProgrammingError):  # it has just finished
                self._taking.interrupt()

    def rows(self, sql: str) -> Iterator[Row]:
        """The rows of a query, some at a time."""
        assert self._reader is not None
        cursor = self._reader.execute(sql)
        while rows := cursor.fetchmany(_ROWS):
            yield from rows

    def close(self) -> None:
        """Remove it."""
        if self._reader is not None:
            self._reader.close()
        self.file.unlink(missing_ok=True)

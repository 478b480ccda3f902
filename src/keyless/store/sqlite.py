"""The embedded engine: SQLite in WAL mode, one writer thread with group commit, reads inline.

Owns the connections, the writer and the schema's version. What waits is committed as one group: each work
function under a savepoint of its own, one durable commit for all, then memory is updated and all are answered.
A point read costs some microseconds and runs on the event loop; a hop to a thread would cost ten times that.

Source: sqlite.org, "Write-Ahead Logging", "PRAGMA synchronous" (FULL: a commit is durable once it returns).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

from keyless.model.errors import ErrorKind, KeylessError
from keyless.store.engine import C, Migration, Row, SqlValue

T = TypeVar("T")

log = logging.getLogger("keyless.store")

APPLICATION_ID = 0x6B65796C  # "keyl"
MAX_GROUP = 256
MAX_WAITING = 10_000


class SqliteTx:
    """See `engine.Tx`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.changes: list[object] = []

    def execute(self, sql: str, params: Sequence[SqlValue] = ()) -> int:
        return self._connection.execute(sql, params).rowcount

    def rows(self, sql: str, params: Sequence[SqlValue] = ()) -> list[Row]:
        return self._connection.execute(sql, params).fetchall()

    def row(self, sql: str, params: Sequence[SqlValue] = ()) -> Row | None:
        found: Row | None = self._connection.execute(sql, params).fetchone()
        return found

    def emit(self, change: object) -> None:
        self.changes.append(change)


@dataclass(slots=True)
class _Job:
    work: Callable[[SqliteTx], object]
    answer: asyncio.Future[object]
    result: object = None
    error: BaseException | None = None
    changes: list[object] = field(default_factory=list)


class SqliteStore:
    """See `engine.Store`. Opened with `open_store`; lives on the event loop that opens it."""

    def __init__(self, path: Path) -> None:
        self._reader, writer = connect(path), connect(path)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting = 0
        self._closed = False
        self._subscribers: dict[type[object], list[Callable[[object], None]]] = {}
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._write_groups, args=(writer,), name="keyless-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[SqliteTx], T]) -> T:
        if self._closed or self._waiting >= MAX_WAITING:
            raise KeylessError(ErrorKind.UNAVAILABLE, "Too many writes are waiting; try again.", retry_after=1)
        job = _Job(work, self._loop.create_future())
        self._waiting += 1
        self._jobs.put(job)
        # a caller that goes away does not take back what is on its way to the disk
        return cast("T", await asyncio.shield(job.answer))

    async def rows(self, sql: str, params: Sequence[SqlValue] = ()) -> list[Row]:
        return self._reader.execute(sql, params).fetchall()

    async def row(self, sql: str, params: Sequence[SqlValue] = ()) -> Row | None:
        found: Row | None = self._reader.execute(sql, params).fetchone()
        return found

    def subscribe(self, kind: type[C], apply: Callable[[C], None]) -> None:
        self._subscribers.setdefault(kind, []).append(apply)  # type: ignore[arg-type]

    async def close(self) -> None:
        """Finish what waits, then close."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._reader.close()

    # the writer's thread

    def _write_groups(self, connection: sqlite3.Connection) -> None:
        running, doubtful = True, False
        while running:
            group: list[_Job] = []
            job = self._jobs.get()
            while True:
                if job is None:
                    running = False
                    break
                group.append(job)
                if len(group) >= MAX_GROUP:
                    break
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
            if group:
                doubtful = _commit_group(connection, group, doubtful)
                self._loop.call_soon_threadsafe(self._answer, group)
        connection.close()

    # the event loop

    def _answer(self, group: list[_Job]) -> None:
        self._waiting -= len(group)
        for job in group:
            for change in job.changes:
                self._tell(change)
        for job in group:
            if job.answer.done():
                continue
            if job.error is None:
                job.answer.set_result(job.result)
            else:
                job.answer.set_exception(job.error)
                # nobody may be waiting any more: the error is then nobody's
                job.answer.exception()

    def _tell(self, change: object) -> None:
        for apply in self._subscribers.get(type(change), ()):
            try:
                apply(change)
            except Exception as error:
                # one that fails must not leave the writers of a whole group without an answer
                log.error("%s failed on a committed %s", type(error).__name__, type(change).__name__)


def _commit_group(connection: sqlite3.Connection, group: list[_Job], doubtful: bool) -> bool:
    """Returns whether the log is doubtful: whether changes that were refused may still lie in it.

    They are written before they are synced. When the sync fails, SQLite forgets them; but after a crash it would find
    them, whole, if nothing has taken their place. So the log is emptied before anything else is done.
    """
    try:
        if doubtful:
            _empty_log(connection)
        connection.execute("BEGIN IMMEDIATE")
        for job in group:
            _run(connection, job)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        for job in group:
            job.changes, job.error = [], _unavailable(error)
        doubtful = doubtful or str(getattr(error, "sqlite_errorname", "")).endswith("FSYNC")
        if doubtful:
            with contextlib.suppress(sqlite3.Error):
                _empty_log(connection)
                doubtful = False
        return doubtful
    return False


def _empty_log(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _run(connection: sqlite3.Connection, job: _Job) -> None:
    tx = SqliteTx(connection)
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(tx)
    except sqlite3.OperationalError as error:
        if not connection.in_transaction:  # a full disk undoes the whole transaction
            raise
        _undo(connection)
        job.error = _unavailable(error)
    except Exception as error:
        _undo(connection)
        job.error = error
    else:
        connection.execute("RELEASE job")
        job.changes = tx.changes


def _undo(connection: sqlite3.Connection) -> None:
    connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _unavailable(error: sqlite3.Error) -> KeylessError:
    code = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
    return KeylessError(ErrorKind.UNAVAILABLE, f"The data folder cannot be written now ({code}).", retry_after=5)


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection with the settings that every one of ours has."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA busy_timeout=5000")
    return connection


def open_store(path: Path, migrations: Iterable[Migration]) -> SqliteStore:
    """Open or make the database and bring its schema up to date, in one transaction.

    Raises CONFLICT for a folder that a newer keyless has written, INTERNAL for a damaged or foreign one.
    """
    try:
        connection = connect(path)
        try:
            _migrate(connection, tuple(migrations))
        finally:
            connection.close()
        return SqliteStore(path)
    except sqlite3.DatabaseError as error:
        name = str(getattr(error, "sqlite_errorname", ""))
        if name.startswith(("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR")):
            raise KeylessError(
                ErrorKind.UNAVAILABLE,
                f"{path} cannot be written ({name}): free space or mend its permissions.",
            ) from error
        raise KeylessError(
            ErrorKind.INTERNAL, f"{path} is damaged ({name or error}): restore it from a backup."
        ) from error


def _migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if owner != APPLICATION_ID and tables:
        raise sqlite3.DatabaseError("it is not a database of keyless")
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version(component TEXT PRIMARY KEY, version INTEGER NOT NULL)"
        )
        at = dict(connection.execute("SELECT component, version FROM schema_version").fetchall())
        known = {m.component: len(m.steps) for m in migrations}
        newer = sorted(name for name, version in at.items() if version > known.get(name, 0))
        if newer:
            raise KeylessError(
                ErrorKind.CONFLICT,
                f"The data folder was written by a newer keyless ({', '.join(newer)}): upgrade this program.",
            )
        for migration in migrations:
            for step in migration.steps[at.get(migration.component, 0) :]:
                for statement in step:
                    connection.execute(statement)
            connection.execute(
                "INSERT OR REPLACE INTO schema_version(component, version) VALUES(?, ?)",
                (migration.component, len(migration.steps)),
            )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has undone it already
            connection.execute("ROLLBACK")
        raise

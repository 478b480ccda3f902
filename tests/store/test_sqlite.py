"""The embedded engine: what it says is done is done, and what fails undoes only itself."""

from __future__ import annotations

import asyncio
import errno
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from keyless.model.errors import ErrorKind, KeylessError, conflict
from keyless.store import sqlite
from keyless.store.engine import Migration, Tx
from keyless.store.sqlite import SqliteStore, SqliteTx, open_store
from tests.faults import CHANGE, SYNC, WRITE, Disk, faulty_disk
from tests.harness import small_disk

NOTES = Migration("notes", (("CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",),))


@dataclass(frozen=True)
class Noted:
    text: str


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with faulty_disk(tmp_path) as disk:
        yield disk


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = open_store(tmp_path / "db", [NOTES])
    yield opened
    await opened.close()


def note(tx: Tx, text: str) -> int:
    tx.execute("INSERT INTO note(text) VALUES(?)", (text,))
    tx.emit(Noted(text))
    row = tx.row("SELECT count(*) FROM note")
    assert row is not None
    return int(str(row[0]))


async def texts(store: SqliteStore) -> list[str]:
    return [str(text) for (text,) in await store.rows("SELECT text FROM note ORDER BY id")]


async def test_one_after_the_other_in_one_group(store: SqliteStore) -> None:
    counts = await asyncio.gather(*(store.write(lambda tx, i=i: note(tx, f"{i}")) for i in range(700)))  # type: ignore[misc]
    assert sorted(counts) == list(range(1, 701))
    assert sorted(await texts(store)) == sorted(str(i) for i in range(700))


async def test_a_failing_function_undoes_only_itself(store: SqliteStore) -> None:
    def half(tx: SqliteTx) -> None:
        note(tx, "half")
        raise conflict("no")

    def double(tx: SqliteTx) -> None:
        note(tx, "other half")
        note(tx, "one")

    def wrong(tx: SqliteTx) -> None:
        note(tx, "last half")
        tx.execute("SELEKT")

    heard: list[str] = []
    store.subscribe(Noted, lambda change: heard.append(change.text))
    answers = await asyncio.gather(
        store.write(lambda tx: note(tx, "one")),
        store.write(half),
        store.write(double),
        store.write(wrong),
        store.write(lambda tx: note(tx, "two")),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [int, KeylessError, sqlite3.IntegrityError, KeylessError, int]
    assert await texts(store) == heard == ["one", "two"]


async def test_changes_are_told_before_the_writer_is_answered(store: SqliteStore) -> None:
    heard: list[str] = []
    store.subscribe(Noted, lambda change: heard.append(change.text))
    for i in range(20):
        await store.write(lambda tx, i=i: note(tx, f"{i}"))  # type: ignore[misc]
        assert heard[-1] == f"{i}"
        assert await store.row("SELECT 1 FROM note WHERE text=?", (f"{i}",)) == (1,)


async def test_a_writer_that_goes_away_takes_nothing_back(store: SqliteStore) -> None:
    task = asyncio.ensure_future(store.write(lambda tx: note(tx, "kept")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.write(lambda tx: note(tx, "next"))
    assert await texts(store) == ["kept", "next"]


async def test_too_many_writes_are_refused_at_once(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "MAX_WAITING", 3)
    answers = await asyncio.gather(
        *(store.write(lambda tx, i=i: note(tx, f"{i}")) for i in range(5)),  # type: ignore[misc]
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, KeylessError)]
    assert [error.kind for error in refused] == [ErrorKind.UNAVAILABLE] * 2
    assert len(await texts(store)) == 3
    await store.write(lambda tx: note(tx, "later"))


async def test_closing_finishes_what_waits_and_takes_nothing_more(tmp_path: Path) -> None:
    store = open_store(tmp_path / "db", [NOTES])
    waiting = [asyncio.ensure_future(store.write(lambda tx, i=i: note(tx, f"{i}"))) for i in range(50)]  # type: ignore[misc]
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    assert len(await asyncio.gather(*waiting)) == 50
    with pytest.raises(KeylessError):
        await store.write(lambda tx: note(tx, "late"))


# a full disk


async def test_a_full_database_refuses_and_recovers(store: SqliteStore) -> None:
    """`max_page_count` stands for a disk that is full."""
    heard: list[str] = []
    store.subscribe(Noted, lambda change: heard.append(change.text))
    await store.write(lambda tx: note(tx, "before"))
    await store.write(lambda tx: tx.rows("PRAGMA max_page_count=8"))
    with pytest.raises(KeylessError) as refused:
        await store.write(lambda tx: note(tx, "x" * 100_000))
    assert (refused.value.kind, refused.value.retry_after) == (ErrorKind.UNAVAILABLE, 5)
    assert "SQLITE_FULL" in refused.value.message
    assert await texts(store) == heard == ["before"]
    await store.write(lambda tx: note(tx, "small"))
    await store.write(lambda tx: tx.rows("PRAGMA max_page_count=1000"))
    await store.write(lambda tx: note(tx, "y" * 100_000))
    assert len(await texts(store)) == len(heard) == 3


async def test_a_full_disk_acknowledges_nothing_that_is_not_there(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 400) as disk:
        store = open_store(disk / "db", [NOTES])
        kept: list[str] = []
        with pytest.raises(KeylessError) as refused:
            for i in range(100):
                text = f"{i:04}" + "x" * 20_000
                await store.write(lambda tx, text=text: note(tx, text))  # type: ignore[misc]
                kept.append(text)
        assert refused.value.kind is ErrorKind.UNAVAILABLE
        assert kept
        assert await texts(store) == kept
        await store.close()
        again = open_store(disk / "db", [NOTES])
        assert await texts(again) == kept
        await again.close()


async def test_a_disk_that_is_full_at_the_first_open_is_told_as_that(tmp_path: Path) -> None:
    many = Migration("many", (tuple(f"CREATE TABLE t{i}(x)" for i in range(200)),))
    with small_disk(tmp_path / "disk", 150) as disk:
        with pytest.raises(KeylessError) as refused:
            open_store(disk / "db", [many])
        assert refused.value.kind is ErrorKind.UNAVAILABLE, refused.value
        assert "SQLITE_FULL" in refused.value.message or "SQLITE_IOERR" in refused.value.message


async def test_a_read_only_folder_is_told_as_that(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2000) as disk:
        await open_store(disk / "db", [NOTES]).close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(KeylessError) as refused:
            open_store(disk / "db", [NOTES])
        with pytest.raises(KeylessError) as refused_new:
            open_store(disk / "new", [NOTES])
        for error in (refused.value, refused_new.value):
            assert error.kind is ErrorKind.UNAVAILABLE
            assert "cannot be written" in error.message


# a disk that fails


def after_a_crash(folder: Path, name: str) -> list[str]:
    """What a process would find that starts after this one was killed. Copied by another one: see SQLite on locks."""
    copy = folder / name
    copy.mkdir()
    subprocess.run(["cp", folder / "db", folder / "db-wal", copy], check=True)
    with closing(sqlite3.connect(copy / "db")) as database:
        return [text for (text,) in database.execute("SELECT text FROM note ORDER BY id")]


FAULTS = {
    "full": ((WRITE,), errno.ENOSPC),
    "broken": ((WRITE,), errno.EIO),
    "read-only": ((WRITE, SYNC, CHANGE), errno.EROFS),
    "syncs": ((SYNC,), errno.EIO),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_failing_disk_refuses_and_recovers(disk: Disk, store: SqliteStore, fault: str) -> None:
    heard: list[str] = []
    store.subscribe(Noted, lambda change: heard.append(change.text))
    await store.write(lambda tx: note(tx, "before"))
    calls, error = FAULTS[fault]
    disk.fails(*calls, error=error)
    for text in ("short", "x" * 50_000):
        many = [store.write(lambda tx, n=n, text=text: note(tx, f"{text}{n}")) for n in range(5)]  # type: ignore[misc]
        for refused in await asyncio.gather(*many, return_exceptions=True):
            assert isinstance(refused, KeylessError)
            assert (refused.kind, refused.retry_after) == (ErrorKind.UNAVAILABLE, 5)
        assert await texts(store) == heard == ["before"]
    assert disk.failed
    disk.works()
    await store.write(lambda tx: note(tx, "after"))
    assert await texts(store) == heard == ["before", "after"]


async def test_a_change_whose_sync_failed_is_not_found_after_a_crash(
    disk: Disk, store: SqliteStore, tmp_path: Path
) -> None:
    """Its record is in the log, whole: only that nobody has synced it keeps it from counting."""
    await store.write(lambda tx: note(tx, "before"))
    disk.fails(SYNC, error=errno.EIO, times=1)
    with pytest.raises(KeylessError, match="FSYNC"):
        await store.write(lambda tx: note(tx, "refused"))
    assert after_a_crash(tmp_path, "first") == ["before"]
    await store.write(lambda tx: note(tx, "after"))
    assert after_a_crash(tmp_path, "second") == ["before", "after"]


async def test_nothing_is_written_over_a_log_that_cannot_be_emptied(
    disk: Disk, store: SqliteStore, tmp_path: Path
) -> None:
    await store.write(lambda tx: note(tx, "before"))
    disk.fails(SYNC, error=errno.EIO)
    for text in ("one", "two"):
        with pytest.raises(KeylessError, match="FSYNC"):
            await store.write(lambda tx, text=text: note(tx, text))  # type: ignore[misc]
    disk.works()
    await store.write(lambda tx: note(tx, "after"))
    assert after_a_crash(tmp_path, "copy") == ["before", "after"] == await texts(store)


# what is opened


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    async def make() -> None:
        store = open_store(tmp_path / "db", [NOTES])
        await store.write(lambda tx: note(tx, "kept"))
        await store.close()

    asyncio.run(make())
    return tmp_path / "db"


async def refusal(path: Path, *migrations: Migration) -> KeylessError:
    before = path.read_bytes()
    with pytest.raises(KeylessError) as refused:
        open_store(path, migrations)
    assert path.read_bytes() == before
    return refused.value


async def test_a_newer_schema_is_refused(finished: Path) -> None:
    more = Migration("notes", (*NOTES.steps, ("ALTER TABLE note ADD COLUMN colour TEXT",)))
    store = open_store(finished, [more, Migration("other", ())])
    assert await store.rows("SELECT text, colour FROM note") == [("kept", None)]
    await store.close()
    error = await refusal(finished, NOTES)
    assert error.kind is ErrorKind.CONFLICT
    assert "newer keyless (notes)" in error.message


async def test_a_component_that_is_not_known_is_newer_too(finished: Path) -> None:
    assert (await refusal(finished)).kind is ErrorKind.CONFLICT


async def test_a_migration_that_fails_leaves_the_old_schema(finished: Path) -> None:
    bad = Migration("notes", (*NOTES.steps, ("ALTER TABLE note ADD COLUMN colour TEXT", "CREATE NONSENSE")))
    await refusal(finished, bad)
    store = open_store(finished, [NOTES])
    assert await texts(store) == ["kept"]
    await store.close()


async def test_a_foreign_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE theirs(x)")
    foreign.close()
    with pytest.raises(KeylessError) as refused:
        open_store(path, [NOTES])
    assert refused.value.kind is ErrorKind.INTERNAL
    assert "not a database of keyless" in refused.value.message
    with sqlite3.connect(path) as foreign:
        assert foreign.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    foreign.close()


@pytest.mark.parametrize("damage", ["text", "header", "middle"])
async def test_a_damaged_database_is_told_as_that(finished: Path, damage: str) -> None:
    data = bytearray(finished.read_bytes())
    if damage == "text":
        data = bytearray(b"this is no database\n" * 500)
    elif damage == "header":
        data[:16] = bytes(16)
    else:
        data[4096:] = b"\xff" * (len(data) - 4096)
        data[100:200] = b"\xff" * 100  # the schema's own page
    finished.write_bytes(bytes(data))
    error = await refusal(finished, NOTES)
    assert error.kind is ErrorKind.INTERNAL
    assert "damaged" in error.message


async def test_what_was_acknowledged_is_in_a_copy_taken_at_that_moment(store: SqliteStore, tmp_path: Path) -> None:
    """A copy of the files, as a killed process leaves them."""
    await store.write(lambda tx: note(tx, "acknowledged"))
    for name in ("db", "db-wal"):
        shutil.copy(tmp_path / name, tmp_path / f"copy{name[2:]}")
    copy = open_store(tmp_path / "copy", [NOTES])
    assert await texts(copy) == ["acknowledged"]
    await copy.close()

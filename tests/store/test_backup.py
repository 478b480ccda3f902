"""Backups of a store that is written to meanwhile, and their ends: taken, given up, or never begun."""

from __future__ import annotations

import asyncio
import io
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from keyless.model.errors import ErrorKind, KeylessError
from keyless.store import backup as module
from keyless.store.archive import PIECE_BYTES, Member, read_archive
from keyless.store.backup import Backups
from keyless.store.engine import Migration
from keyless.store.sealing import MasterKey
from keyless.store.snapshot import Snapshot
from keyless.store.sqlite import SqliteStore, open_store

MASTER = MasterKey(b"m" * 32)
THINGS = Migration("things", (("CREATE TABLE thing(number INTEGER PRIMARY KEY, text TEXT)",),))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = open_store(tmp_path / "keyless.db", (THINGS,))
    yield opened
    await opened.close()


class Place:
    """Where backups are made, and how often files are held."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.held = 0
        self.big = folder / "big"
        self.big.write_bytes(os.urandom(5 * PIECE_BYTES))
        self.backups = Backups(
            folder / "keyless.db", folder / "backup.db", self.members, self.hold, MASTER, "i", os.urandom
        )

    def members(self, snapshot: Snapshot) -> Iterator[Member]:
        yield Member("keyless.db", snapshot.file)
        for _ in snapshot.rows("SELECT 1"):
            yield Member("big", self.big)

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        self.held += 1
        yield
        self.held -= 1

    def is_idle(self) -> bool:
        return not self.held and not (self.folder / "backup.db").exists()

    def restored(self, archive: bytes) -> list[int]:
        """The numbers in the database of an archive."""
        folder = self.folder / f"restored-{os.urandom(4).hex()}"
        folder.mkdir()
        read_archive(io.BytesIO(archive), lambda _: MASTER, folder)
        assert (folder / "big").read_bytes() == self.big.read_bytes()
        with closing(sqlite3.connect(folder / "keyless.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            return [number for (number,) in database.execute("SELECT number FROM thing ORDER BY number")]


@pytest.fixture
def place(tmp_path: Path, store: SqliteStore) -> Place:
    return Place(tmp_path)


async def put(store: SqliteStore, number: int) -> None:
    text = "x" * 2000
    await store.write(lambda tx: tx.execute("INSERT INTO thing VALUES(?, ?)", (number, text)))


async def test_what_was_acknowledged_before_is_there_and_the_rest_is_not_half_there(
    store: SqliteStore, place: Place
) -> None:
    done = 0

    async def write() -> None:
        nonlocal done
        while True:
            await put(store, done + 1)
            done += 1

    writer = asyncio.create_task(write())
    for _ in range(3):
        before = done
        backup = await place.backups.begin()
        begun = done
        assert place.held == 1
        archive = b"".join([piece async for piece in backup])
        assert backup.size == len(archive)
        numbers = place.restored(archive)
        assert numbers == list(range(1, len(numbers) + 1))
        assert before <= len(numbers) <= begun + 1
        assert place.is_idle()
    writer.cancel()
    assert done > 3


async def test_deleted_values_are_not_in_it(store: SqliteStore, place: Place) -> None:
    await store.write(lambda tx: tx.execute("INSERT INTO thing VALUES(1, ?)", ("bygone" * 50,)))
    await store.write(lambda tx: tx.execute("DELETE FROM thing"))
    backup = await place.backups.begin()
    assert b"bygone" not in (place.folder / "backup.db").read_bytes()
    assert (place.folder / "backup.db").stat().st_mode & 0o777 == 0o600
    await backup.aclose()
    assert place.is_idle()


async def test_one_at_a_time(place: Place) -> None:
    first = await place.backups.begin()
    with pytest.raises(KeylessError, match="Another backup") as error:
        await place.backups.begin()
    assert error.value.kind is ErrorKind.CONFLICT
    await first.aclose()
    second = await place.backups.begin()
    await second.aclose()
    assert place.is_idle()


async def test_one_that_nobody_takes_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALL_SECONDS", 0.1)
    backup = await place.backups.begin()
    await anext(backup)
    async with asyncio.timeout(5):
        while not place.is_idle():
            await asyncio.sleep(0.02)
    with pytest.raises(KeylessError, match="given up"):
        await anext(backup)


@pytest.mark.parametrize("pieces", [0, 1, 3])
async def test_one_that_is_broken_off_leaves_nothing(place: Place, pieces: int) -> None:
    backup = await place.backups.begin()
    for _ in range(pieces):
        await anext(backup)
    await backup.aclose()
    await backup.aclose()
    assert place.is_idle()


async def test_one_that_is_cancelled_leaves_nothing(place: Place) -> None:
    for delay in (0.0, 0.001, 0.01):
        task = asyncio.create_task(place.backups.begin())
        await asyncio.sleep(delay)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await (await task).aclose()
        assert place.is_idle()
    backup = await place.backups.begin()
    step = asyncio.ensure_future(anext(backup))
    await asyncio.sleep(0)
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    assert place.is_idle()


async def test_a_copy_in_the_making_is_called_off(
    store: SqliteStore, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(200):
        await put(store, number)
    called = []
    interrupt = Snapshot.interrupt

    def heard(snapshot: Snapshot) -> None:
        called.append(snapshot)
        interrupt(snapshot)

    monkeypatch.setattr(Snapshot, "interrupt", heard)
    task = asyncio.create_task(place.backups.begin())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert called
    assert place.is_idle()


async def test_a_file_that_is_missing_is_told_at_once(place: Place) -> None:
    place.big.unlink()
    with pytest.raises(KeylessError, match="big is missing") as error:
        await place.backups.begin()
    assert error.value.kind is ErrorKind.INTERNAL
    assert place.is_idle()


async def test_what_a_killed_process_left_is_removed(store: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "backup.db").write_bytes(b"half")
    place = Place(tmp_path)
    assert place.is_idle()
    (tmp_path / "backup.db").write_bytes(b"half")  # and what a backup itself could not remove
    await (await place.backups.begin()).aclose()
    assert place.is_idle()

"""Crashes while a log is appended to: what was answered is there, once and in order, and every entry is whole."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from pathlib import Path

from keyless.providers.storage.append_conditions import AppendConditions
from keyless.providers.storage.blob_store import MIGRATION, BlobStore, open_blob_store
from keyless.providers.storage.tables.records import BlobPath, BlobType, Form
from keyless.store.sqlite import SqliteStore, open_store
from tests.providers.storage.harness import chunked
from tests.providers.storage.test_crash import DRAFT, NO_CONDITIONS, ROUNDS, killed, sealer

LOG = BlobPath("a", "box", "log")
WRITERS = 3


def entry_of(number: int) -> bytes:
    """A number, how much follows, and that."""
    body = number.to_bytes(4, "big") * (20, 20_000)[number % 2]
    return number.to_bytes(4, "big") + len(body).to_bytes(4, "big") + body


def opened(folder: Path) -> tuple[SqliteStore, BlobStore]:
    store = open_store(folder / "keyless.db", [MIGRATION])
    return store, open_blob_store(
        store, folder / "parts", sealer(), time.time, os.urandom, scope_deleted=lambda tx, scope: None
    )


async def append_for_ever(folder: Path, number: int) -> None:
    """What the process does that is going to be killed: several append at once and say each number once answered."""
    _store, blobs = opened(folder)

    async def write(number: int) -> None:
        while True:
            async with blobs.parts.receive(chunked(entry_of(number)), limit=1 << 30, digest=False) as body:
                await blobs.appends.append(LOG, body, NO_CONDITIONS, AppendConditions())
            os.write(1, f"{number}\n".encode())
            number += WRITERS

    await asyncio.gather(*(write(number + writer) for writer in range(WRITERS)))


async def prepare(folder: Path) -> None:
    store, blobs = opened(folder)
    await blobs.containers.create("a", "box", {})
    await blobs.blobs.create(LOG, Form(BlobType.APPEND), DRAFT, NO_CONDITIONS)
    await store.close()


async def check(folder: Path) -> list[int]:
    """The numbers in the log."""
    store, blobs = opened(folder)
    try:
        await blobs.collector.recover()
        files = {path.name for path in (folder / "parts").rglob("*") if path.is_file()}
        rows = await store.rows("SELECT id FROM storage_part WHERE data IS NULL")
        assert files == {row[0].hex() for row in rows if isinstance(row[0], bytes)}
        blob = await blobs.blobs.get(LOG)
        body = blobs.reader.read(blob, 0, blob.size)
        text = body if isinstance(body, bytes) else b"".join([piece async for piece in body])
        numbers: list[int] = []
        at = 0
        while at < len(text):
            numbers.append(int.from_bytes(text[at : at + 4], "big"))
            entry = entry_of(numbers[-1])
            assert text[at : at + len(entry)] == entry
            at += len(entry)
        assert blob.form.blocks == len(numbers)
        return numbers
    finally:
        await store.close()


def test_a_kill_at_any_point_leaves_whole_entries(tmp_path: Path) -> None:
    asyncio.run(prepare(tmp_path))
    chance = random.Random(3)
    logged: list[int] = []
    total = 0
    for _ in range(ROUNDS):
        first = max(logged, default=-1) + 1
        done = [int(line) for line in killed(tmp_path, "append", first, chance.uniform(0.0, 0.25), __name__)]
        found = asyncio.run(check(tmp_path))
        assert found[: len(logged)] == logged
        new = found[len(logged) :]
        assert set(done) <= set(new)
        assert len(new) == len(set(new)) <= len(done) + WRITERS
        for writer in range(WRITERS):
            own = [number for number in new if (number - first) % WRITERS == writer]
            assert own == list(range(first + writer, first + writer + WRITERS * len(own), WRITERS))
        logged = found
        total += len(done)
    assert total > ROUNDS


if __name__ == "__main__":
    asyncio.run(append_for_ever(Path(sys.argv[1]), int(sys.argv[3])))

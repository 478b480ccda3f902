"""Crashes while pages are written and merged: each write that was answered is there, none is there in part."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

from keyless.providers.storage.blob_store import BlobStore
from keyless.providers.storage.sequence_numbers import SequenceConditions
from keyless.providers.storage.tables.page_map import ALIVE
from keyless.providers.storage.tables.records import BlobPath, BlobType, Form
from tests.providers.storage.harness import chunked
from tests.providers.storage.test_crash import DRAFT, NO_CONDITIONS, ROUNDS, killed
from tests.providers.storage.test_crash_appends import opened

DISK = BlobPath("a", "box", "disk")
PAGE = 512
#: Each write fills one of the large slots, which follow one another out of step with files and cells, and one page.
LARGE, LARGES, SMALLS = 129 * 1024, 3, 40
SIZE = LARGES * LARGE + SMALLS * PAGE


def places_of(number: int) -> list[tuple[int, int]]:
    return [(number % LARGES * LARGE, LARGE), (LARGES * LARGE + number % SMALLS * PAGE, PAGE)]


def page_of(number: int) -> bytes:
    return number.to_bytes(8, "big") * (PAGE // 8)


async def write_for_ever(folder: Path, number: int) -> None:
    """What the process does that is going to be killed: it says each number once both its writes are answered."""
    _store, blobs = opened(folder)
    collecting = asyncio.create_task(_collect_for_ever(blobs))
    while not collecting.done():
        for start, size in places_of(number):
            body = chunked(page_of(number) * (size // PAGE))
            async with blobs.parts.receive(body, limit=1 << 30, digest=False) as received:
                await blobs.pages.write(DISK, start, size, received.part, NO_CONDITIONS, SequenceConditions())
        os.write(1, f"{number}\n".encode())
        number += 1


async def _collect_for_ever(blobs: BlobStore) -> None:
    while True:
        await blobs.collector.collect()
        await asyncio.sleep(0)


async def prepare(folder: Path) -> None:
    store, blobs = opened(folder)
    await blobs.containers.create("a", "box", {})
    await blobs.blobs.create(DISK, Form(BlobType.PAGE), DRAFT, NO_CONDITIONS, size=SIZE)
    await store.close()


async def check(folder: Path, done: int) -> None:
    """Of every place, its last write up to the number `done` is there, or the one that follows it."""
    store, blobs = opened(folder)
    try:
        await blobs.collector.recover()
        for _ in range(4):
            text = await read(blobs)
            last: dict[tuple[int, int], int] = {}
            for number in range(1, done + 1):
                last |= dict.fromkeys(places_of(number), number)
            for start, size in [(n * LARGE, LARGE) for n in range(LARGES)] + [
                (LARGES * LARGE + n * PAGE, PAGE) for n in range(SMALLS)
            ]:
                allowed = {last.get((start, size), 0)}
                if (start, size) in places_of(done + 1):
                    allowed.add(done + 1)
                assert text[start : start + size] in {page_of(number) * (size // PAGE) for number in allowed}
            await blobs.collector.collect()
        files = {path.name for path in (folder / "parts").rglob("*") if path.is_file()}
        rows = await store.rows("SELECT id FROM storage_part WHERE state = 1 AND data IS NULL")
        assert files == {row[0].hex() for row in rows if isinstance(row[0], bytes)}
        assert await store.rows("SELECT 1 FROM storage_part WHERE state <> 1") == []
        assert await store.rows("SELECT 1 FROM storage_part WHERE id NOT IN (SELECT part FROM storage_page)") == []
        assert await store.rows("SELECT 1 FROM storage_page WHERE died < ?", (ALIVE,)) == []
        assert await store.rows("SELECT 1 FROM storage_ragged") == []
    finally:
        await store.close()


async def read(blobs: BlobStore) -> bytes:
    blob = await blobs.blobs.get(DISK)
    body = blobs.reader.read(blob, 0, blob.size)
    return body if isinstance(body, bytes) else b"".join([piece async for piece in body])


def test_a_kill_at_any_point_leaves_whole_writes(tmp_path: Path) -> None:
    asyncio.run(prepare(tmp_path))
    chance = random.Random(4)
    done, total = 0, 0
    for _ in range(ROUNDS):
        said = [int(line) for line in killed(tmp_path, "pages", done + 1, chance.uniform(0.0, 0.4), __name__)]
        done = max([done, *said])
        total += len(said)
        asyncio.run(check(tmp_path, done))
    assert total > ROUNDS


if __name__ == "__main__":
    asyncio.run(write_for_ever(Path(sys.argv[1]), int(sys.argv[3])))

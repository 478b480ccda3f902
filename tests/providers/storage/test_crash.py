"""Crashes: a server that is killed at any point leaves the old blob or the new one, and no stray file."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from keyless.providers.storage.blob_store import MIGRATION, open_blob_store
from keyless.providers.storage.conditions import Conditions
from keyless.providers.storage.headers import ContentSettings
from keyless.providers.storage.tables.records import BlobPath, BlockRef, Draft, Source
from keyless.store.sealing import PartSealer, Sealer
from keyless.store.sealing.data_keys import DataKey
from keyless.store.sqlite import open_store
from tests.providers.storage.harness import chunked

ROUNDS = 6
BLOBS = 4
SIZES = (100, 70_000, 400_000, 1_300_000)
DRAFT, NO_CONDITIONS = Draft(ContentSettings(), {}), Conditions()


def body_of(number: int) -> bytes:
    return number.to_bytes(4, "big") * (SIZES[number % len(SIZES)] // 4)


def sealer() -> PartSealer:
    return PartSealer(Sealer([DataKey(bytes(8), bytes(32))], os.urandom))


async def write_for_ever(folder: Path, number: int) -> None:
    """What the process does that is going to be killed: it says each number once that is answered."""
    store = open_store(folder / "keyless.db", [MIGRATION])
    blobs = open_blob_store(
        store, folder / "parts", sealer(), time.time, os.urandom, scope_deleted=lambda tx, scope: None
    )
    collecting = asyncio.create_task(_collect_for_ever(blobs))
    while not collecting.done():
        path = BlobPath("a", "box", str(number % BLOBS))
        data = body_of(number)
        if number % 3:
            async with blobs.parts.receive(chunked(data), limit=1 << 30, digest=False) as body:
                await blobs.blobs.put(path, body, DRAFT, NO_CONDITIONS)
        else:
            refs = []
            for at in range(2):
                half = len(data) // 2
                async with blobs.parts.receive(chunked(data[at * half :][:half]), limit=1 << 30, digest=False) as body:
                    await blobs.blocks.stage(path, f"AAA{at}", body, NO_CONDITIONS)
                refs.append(BlockRef(Source.LATEST, f"AAA{at}"))
            await blobs.blocks.commit(path, refs, DRAFT, NO_CONDITIONS)
        os.write(1, f"{number}\n".encode())
        number += 1


async def _collect_for_ever(blobs: object) -> None:
    while True:
        await blobs.collector.collect()  # type: ignore[attr-defined]
        await asyncio.sleep(0)


async def check(folder: Path, answered: dict[int, int], first: int) -> None:
    store = open_store(folder / "keyless.db", [MIGRATION])
    try:
        blobs = open_blob_store(
            store, folder / "parts", sealer(), time.time, os.urandom, scope_deleted=lambda tx, scope: None
        )
        await blobs.collector.recover()
        files = {path.name for path in (folder / "parts").rglob("*") if path.is_file()}
        rows = await store.rows("SELECT id FROM storage_part WHERE data IS NULL")
        assert files == {row[0].hex() for row in rows if isinstance(row[0], bytes)}
        for name in range(BLOBS):
            blob = await blobs.blobs.find(BlobPath("a", "box", str(name)), with_body=True)
            got = b""
            if blob is not None:
                body = blobs.reader.read(blob, 0, blob.size)
                got = body if isinstance(body, bytes) else b"".join([piece async for piece in body])
            last = answered.get(name)
            # the next number of this name may have been on its way when the process was killed
            following = name + (first - name + BLOBS - 1) // BLOBS * BLOBS if last is None else last + BLOBS
            old = b"" if last is None else body_of(last)
            assert got in (old, body_of(following)), (name, last)
            if blob is not None and got == body_of(following):
                answered[name] = following
        await blobs.collector.collect()
        files = {path.name for path in (folder / "parts").rglob("*") if path.is_file()}
        rows = await store.rows("SELECT id FROM storage_part WHERE state = 1 AND data IS NULL")
        assert files == {row[0].hex() for row in rows if isinstance(row[0], bytes)}
        assert await store.rows("SELECT 1 FROM storage_part WHERE state <> 1") == []
    finally:
        await store.close()


async def prepare(folder: Path) -> None:
    store = open_store(folder / "keyless.db", [MIGRATION])
    blobs = open_blob_store(
        store, folder / "parts", sealer(), time.time, os.urandom, scope_deleted=lambda tx, scope: None
    )
    await blobs.containers.create("a", "box", {})
    await store.close()


def test_a_kill_at_any_point_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    asyncio.run(prepare(tmp_path))
    chance = random.Random(1)
    answered: dict[int, int] = {}
    number = total = 0
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), *filter(None, sys.path)])}
    for _ in range(ROUNDS):
        program = [sys.executable, "-m", __name__ if "." in __name__ else "tests.providers.storage.test_crash"]
        child = subprocess.Popen(
            [*program, str(tmp_path), str(number)], stdout=subprocess.PIPE, env=environment, cwd=root
        )
        assert child.stdout is not None
        said = child.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.25))
        child.send_signal(signal.SIGKILL)
        said += child.stdout.read()
        child.stdout.close()
        assert child.wait() == -signal.SIGKILL
        done = [int(line) for line in said.split(b"\n")[:-1]]
        total += len(done)
        answered |= {n % BLOBS: n for n in done}
        asyncio.run(check(tmp_path, answered, number))
        number = max([number, *(n + 1 for n in answered.values())])
    assert total > ROUNDS


if __name__ == "__main__":
    asyncio.run(write_for_ever(Path(sys.argv[1]), int(sys.argv[2])))

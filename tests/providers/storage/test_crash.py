"""Crashes: a server that is killed at any point leaves the old blob or the new one, and no stray file."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from keyless.providers.storage.blob_store import MIGRATION, open_blob_store
from keyless.providers.storage.conditions import Conditions
from keyless.providers.storage.headers import ContentSettings
from keyless.providers.storage.tables.records import BlobPath, BlockRef, Draft, Kind, Source
from keyless.providers.storage.tables.services import Policy
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


async def keep_for_ever(folder: Path, number: int) -> None:
    """The same for what is kept of a blob: it says each snapshot that was made, and each that it is about to delete."""
    store = open_store(folder / "keyless.db", [MIGRATION])
    blobs = open_blob_store(
        store, folder / "parts", sealer(), time.time, os.urandom, scope_deleted=lambda tx, scope: None
    )
    await blobs.services.change("a", lambda _: Policy(delete_days=1, versioning=number % 2 == 0))
    collecting = asyncio.create_task(_collect_for_ever(blobs))
    path = BlobPath("a", "box", "kept")
    made: list[int] = []
    while not collecting.done():
        data = body_of(number)
        async with blobs.parts.receive(chunked(data), limit=1 << 30, digest=False) as body:
            await blobs.blobs.put(path, body, DRAFT, NO_CONDITIONS)
        _, moment = await blobs.changes.snapshot(path, None, NO_CONDITIONS)
        os.write(1, f"+{moment} {number}\n".encode())
        made.append(moment)
        if number % 3 == 0:
            await blobs.changes.set_metadata(path, {"n": str(number)}, NO_CONDITIONS)
        if len(made) > 4:
            gone = made.pop(0)
            os.write(1, f"-{gone} 0\n".encode())
            await blobs.changes.delete_past(replace(path, kind=Kind.SNAPSHOT, moment=gone), NO_CONDITIONS)
        if number % 5 == 0:
            await blobs.services.change("a", lambda _: Policy(versioning=True))
            await store.write(lambda tx: tx.execute("UPDATE storage_past SET expires = 1 WHERE expires IS NOT NULL"))
        number += 1


async def check_kept(folder: Path, snapshots: dict[int, int]) -> None:
    """Every acknowledged snapshot has its body, whatever else is kept has one too, and nothing else has a file."""
    store = open_store(folder / "keyless.db", [MIGRATION])
    try:
        blobs = open_blob_store(
            store, folder / "parts", sealer(), time.time, os.urandom, scope_deleted=lambda tx, scope: None
        )
        await blobs.collector.recover()
        await blobs.collector.collect()
        files = {path.name for path in (folder / "parts").rglob("*") if path.is_file()}
        rows = await store.rows("SELECT id FROM storage_part WHERE state = 1 AND data IS NULL")
        assert files == {row[0].hex() for row in rows if isinstance(row[0], bytes)}
        every = "SELECT manifest FROM storage_blob UNION ALL SELECT manifest FROM storage_past"
        named = f"SELECT manifest FROM ({every})"
        assert (
            await store.rows(f"SELECT 1 FROM storage_manifest WHERE id NOT IN ({named} WHERE manifest IS NOT NULL)")
            == []
        )
        path = BlobPath("a", "box", "kept")
        rows = await store.rows("SELECT kind, moment FROM storage_past WHERE deleted IS NULL")
        kept = {(int(str(kind)), int(str(moment))) for kind, moment in rows}
        assert {(int(Kind.SNAPSHOT), moment) for moment in snapshots} <= kept
        for kind, moment in kept:
            blob = await blobs.blobs.get(replace(path, kind=Kind(kind), moment=moment), with_body=True)
            body = blobs.reader.read(blob, 0, blob.size)
            got = body if isinstance(body, bytes) else b"".join([piece async for piece in body])
            assert got == body_of(int.from_bytes(got[:4], "big"))
            if kind == Kind.SNAPSHOT and moment in snapshots:
                assert got == body_of(snapshots[moment])
    finally:
        await store.close()


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


def killed(folder: Path, what: str, number: int, seconds: float, module: str = __name__) -> list[str]:
    """What a process has said that does `what` of a module, until it is killed so long after its first word."""
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), *filter(None, sys.path)])}
    program = [sys.executable, "-m", module, str(folder), what, str(number)]
    child = subprocess.Popen(program, stdout=subprocess.PIPE, env=environment, cwd=root)
    assert child.stdout is not None
    said = child.stdout.readline()
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    said += child.stdout.read()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    return said.decode().split("\n")[:-1]


def test_a_kill_at_any_point_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    asyncio.run(prepare(tmp_path))
    chance = random.Random(1)
    answered: dict[int, int] = {}
    number = total = 0
    for _ in range(ROUNDS):
        done = [int(line) for line in killed(tmp_path, "write", number, chance.uniform(0.0, 0.25))]
        total += len(done)
        answered |= {n % BLOBS: n for n in done}
        asyncio.run(check(tmp_path, answered, number))
        number = max([number, *(n + 1 for n in answered.values())])
    assert total > ROUNDS


def test_a_kill_at_any_point_leaves_what_is_kept(tmp_path: Path) -> None:
    asyncio.run(prepare(tmp_path))
    chance = random.Random(2)
    snapshots: dict[int, int] = {}
    number = total = 0
    for _ in range(ROUNDS):
        for line in killed(tmp_path, "keep", number, chance.uniform(0.0, 0.3)):
            moment, made = map(int, line[1:].split())
            if line[0] == "+":
                snapshots[moment] = made
                number = made + 1
                total += 1
            else:
                snapshots.pop(moment, None)
        asyncio.run(check_kept(tmp_path, snapshots))
    assert total > ROUNDS


if __name__ == "__main__":
    asyncio.run({"write": write_for_ever, "keep": keep_for_ever}[sys.argv[2]](Path(sys.argv[1]), int(sys.argv[3])))

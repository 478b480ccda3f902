"""Bodies: readers keep what they began to read, failures leave nothing, damage is seen, memory stays flat."""

from __future__ import annotations

import asyncio
import errno
import gc
import hashlib
import os
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import pytest

from keyless.http.message import Body
from keyless.model.errors import KeylessError
from keyless.providers.storage import collector
from keyless.providers.storage.part_files import PartFiles, PartWriter
from tests.providers.storage.harness import BlobClient, read_answer

MIB = 1024 * 1024


async def _overwrite(blob: BlobClient) -> None:
    await blob.put("/box/b", b"new")


async def _delete(blob: BlobClient) -> None:
    await blob.send("DELETE", "/box/b")


async def _drop(blob: BlobClient) -> None:
    await blob.send("DELETE", "/box", "restype=container")


@pytest.mark.parametrize("change", [_overwrite, _delete, _drop])
async def test_a_reader_gets_the_whole_of_what_it_began(blob: BlobClient, change: Callable[[BlobClient], Any]) -> None:
    await blob.container()
    data = os.urandom(4 * MIB)
    await blob.put("/box/b", data)
    response = await blob.kernel.dispatch(blob.request("GET", "/box/b"))
    never_begun = await blob.kernel.dispatch(blob.request("GET", "/box/b"))
    await change(blob)
    await blob.blobs.collector.collect()
    assert len(blob.files()) == 1
    assert (await read_answer(response)).body == data
    del response, never_begun
    gc.collect()
    await blob.blobs.collector.collect()
    assert blob.files() == set()


async def test_an_upload_that_is_called_off_leaves_nothing(blob: BlobClient) -> None:
    await blob.container()
    going = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(MIB)
            going.set()
            await asyncio.sleep(0)

    for wait in (0.0, 0.001, 0.01, 0.03):
        going.clear()
        task = asyncio.create_task(blob.put("/box/b", Body(endless(), None)))
        await going.wait()
        await asyncio.sleep(wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await blob.blobs.collector.collect()
    assert (blob.files(), await blob.store.rows("SELECT id FROM storage_part")) == (set(), [])
    assert (await blob.send("HEAD", "/box/b")).status == 404


async def test_a_caller_that_leaves_while_its_commit_is_on_the_way_loses_nothing(blob: BlobClient) -> None:
    # the transaction cannot be taken back, so what it made part of the blob must stay
    await blob.container()
    await blob.put("/box/b", b"old")
    data = os.urandom(MIB)
    outcomes: set[bytes] = set()
    for after in range(40):
        task = asyncio.create_task(blob.put("/box/b", data))
        await asyncio.sleep(after * 0.0005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await blob.store.write(lambda tx: None)
        await blob.blobs.collector.collect()
        got = (await blob.send("GET", "/box/b")).body
        assert got in {b"old", data}
        outcomes.add(got)
        assert blob.files() == await blob.live_files()
    assert outcomes == {b"old", data}


async def test_a_client_that_breaks_off(blob: BlobClient) -> None:
    await blob.container()

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(3 * MIB)
        raise ConnectionResetError

    assert (await blob.put("/box/b", Body(broken(), 4 * MIB))).status == 500
    await blob.blobs.collector.collect()
    assert blob.files() == set()


async def test_a_full_disk_is_told_and_leaves_nothing(blob: BlobClient, monkeypatch: pytest.MonkeyPatch) -> None:
    await blob.container()
    await blob.put("/box/b", b"old")

    def full(self: PartWriter) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(PartWriter, "finish", full)
        answer = await blob.put("/box/b", bytes(MIB))
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "ServerBusy", "30")
    assert blob.files() == set()
    assert (await blob.send("GET", "/box/b")).body == b"old"


async def test_nothing_lies_in_clear(blob: BlobClient) -> None:
    await blob.container()
    secret = b"the recipe of the sauce "
    await blob.put("/box/short", secret)
    await blob.put("/box/long", secret * 5000)
    await blob.send("PUT", "/box/blocks", "comp=block&blockid=AAAA", secret)
    everything = b"".join(path.read_bytes() for path in blob.folder.rglob("*") if path.is_file())
    assert len(everything) > 5000 * len(secret)
    assert secret not in everything
    assert {path.stat().st_mode & 0o777 for path in (blob.folder / "parts").rglob("*") if path.is_file()} == {0o600}


@pytest.mark.parametrize("harm", ["flip", "cut", "swap", "lose"])
async def test_a_harmed_file_is_never_given_out(blob: BlobClient, harm: str) -> None:
    await blob.container()
    data = os.urandom(3 * 64 * 1024)
    await blob.put("/box/b", data)
    await blob.put("/box/c", data)
    path, other = [path for path in (blob.folder / "parts").rglob("*") if path.is_file()]
    sealed = path.read_bytes()
    if harm == "flip":
        path.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    elif harm == "cut":
        path.write_bytes(sealed[: 2 * len(sealed) // 3])
    elif harm == "swap":
        path.write_bytes(other.read_bytes())
    else:
        path.unlink()
    outcomes: set[bool | str] = set()
    for name in ("b", "c"):
        response = await blob.kernel.dispatch(blob.request("GET", f"/box/{name}"))
        try:
            outcomes.add((await read_answer(response)).body == data)
        except (KeylessError, FileNotFoundError):
            outcomes.add("broke off")
    assert outcomes == {True, "broke off"}


async def test_memory_stays_flat(blob: BlobClient) -> None:
    await blob.container()
    size, chunk = 256 * MIB, os.urandom(256 * 1024)

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(size // len(chunk)):
            yield chunk
            await asyncio.sleep(0)

    tracemalloc.start()
    try:
        put = await blob.put("/box/b", Body(stream(), size))
        assert put.status == 201
        response = await blob.kernel.dispatch(blob.request("GET", "/box/b"))
        assert not isinstance(response.body, bytes)
        digest, total = hashlib.sha256(), 0
        async for piece in response.body:
            digest.update(piece)
            total += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    wanted = hashlib.sha256()
    for _ in range(size // len(chunk)):
        wanted.update(chunk)
    assert (total, digest.digest()) == (size, wanted.digest())
    assert peak < 16 * MIB


async def test_the_collector_wakes_when_there_is_garbage_and_survives_a_failure(
    blob: BlobClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "_GATHER_SECONDS", 0.001)
    monkeypatch.setattr(collector, "_PERIOD_SECONDS", 0.01)
    await blob.container()
    await blob.put("/box/b", bytes(MIB))
    remove, failures = PartFiles.remove, 0

    def stubborn(self: PartFiles, part_ids: Iterable[bytes]) -> None:
        nonlocal failures
        if list(part_ids) and failures < 2:
            failures += 1
            raise OSError(errno.EIO, "Input/output error")
        remove(self, part_ids)

    monkeypatch.setattr(PartFiles, "remove", stubborn)
    task = asyncio.create_task(blob.blobs.collector.run())
    await blob.put("/box/b", b"short")
    async with asyncio.timeout(5):
        while blob.files():
            await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (failures, task.cancelled()) == (2, True)
    assert (await blob.send("GET", "/box/b")).body == b"short"

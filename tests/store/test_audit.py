"""The audit log: on the disk before the answer, whole after a crash, capped."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from keyless.model.audit import AuditEvent
from keyless.model.errors import ErrorKind, KeylessError
from keyless.store.audit import MAX_FIELD, AuditLog

NOW = 1_800_000_000.5


def event(request_id: str, **changed: str) -> AuditEvent:
    base = AuditEvent(request_id, "vault", "secrets/set", "/s", "write", "p-1", "owner", "allowed", "/assignment")
    return dataclasses.replace(base, **changed)


def on_disk(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[AuditLog]:
    opened = AuditLog(tmp_path / "audit", lambda: NOW)
    yield opened
    await opened.close()


async def test_a_durable_record_is_on_the_disk_when_it_is_acknowledged(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    await log.decision(event("r-1"), durable=True)
    assert synced == [(tmp_path / "audit").stat().st_size]
    (record,) = on_disk(tmp_path / "audit")
    assert record == {"time": "2027-01-15T08:00:00.500+00:00", "event": "decision", **vars(event("r-1"))}


async def test_many_wait_for_one_write(log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs: list[int] = []
    monkeypatch.setattr(os, "fsync", syncs.append)
    await asyncio.gather(*(log.decision(event(f"{i}"), durable=True) for i in range(500)))
    assert len(on_disk(tmp_path / "audit")) == 500
    assert 1 <= len(syncs) <= 3


async def test_an_allowed_read_follows_within_a_second(log: AuditLog, tmp_path: Path) -> None:
    await log.decision(event("read"), durable=False)
    for _ in range(100):
        if (tmp_path / "audit").stat().st_size:
            break
        await asyncio.sleep(0.01)
    assert on_disk(tmp_path / "audit")[0]["request_id"] == "read"


async def test_closing_writes_what_is_pending(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", lambda: NOW)
    await log.decision(event("late"), durable=False)
    await log.close()
    assert len(on_disk(tmp_path / "audit")) == 1
    with pytest.raises(KeylessError):
        await log.decision(event("too late"), durable=True)


async def test_outcomes_are_joined_newest_first(log: AuditLog) -> None:
    await log.decision(event("one"), durable=True)
    log.outcome(event("one"), 200)
    await log.decision(event("two", decision="denied"), durable=True)
    await log.decision(event("three"), durable=False)
    log.outcome(event("three"), 409)
    found = await log.latest(10)
    assert [(record["request_id"], record.get("status")) for record in found] == [
        ("three", 409),
        ("two", None),
        ("one", 200),
    ]
    assert [record["request_id"] for record in await log.latest(1)] == ["three"]


async def test_the_file_is_rotated_and_the_oldest_go(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", lambda: NOW, max_bytes=2000, keep=2)
    for i in range(60):
        await log.decision(event(f"{i:02}"), durable=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audit", "audit.1", "audit.2"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    found = [str(record["request_id"]) for record in await log.latest(1000)]
    assert found == sorted((f"{i:02}" for i in range(60)), reverse=True)[: len(found)]
    assert len(found) > 12
    await log.close()


async def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    for i in range(3):
        log = AuditLog(tmp_path / "audit", lambda: NOW)
        await log.decision(event(f"{i}"), durable=True)
        await log.close()
    assert [record["request_id"] for record in on_disk(tmp_path / "audit")] == ["0", "1", "2"]


@pytest.mark.parametrize("torn", [0, 200_000])
async def test_a_line_torn_by_a_crash_costs_only_itself(tmp_path: Path, torn: int) -> None:
    path = tmp_path / "audit"
    whole = json.dumps({"time": "t", "event": "decision", **vars(event("whole"))})
    path.write_text(f"{whole}\n{whole[:40]}{'x' * torn}")
    log = AuditLog(path, lambda: NOW)
    await log.decision(event("after"), durable=True)
    await log.close()
    assert [record["request_id"] for record in on_disk(path)] == ["whole", "after"]


async def test_a_file_of_nothing_but_a_torn_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    path.write_text('{"time":')
    log = AuditLog(path, lambda: NOW)
    await log.decision(event("after"), durable=True)
    await log.close()
    assert [record["request_id"] for record in on_disk(path)] == ["after"]


@pytest.mark.parametrize("filler", ["x", "é", "\n", '"', "\x01", "\N{GRINNING FACE}"])
async def test_an_overlong_record_stays_a_record(log: AuditLog, filler: str) -> None:
    await log.decision(event("long", reason=filler * 50_000, scope=filler * 50_000), durable=True)
    (record,) = await log.latest(1)
    assert (record["request_id"], record["decision"]) == ("long", "allowed")
    assert record["reason"] == filler * MAX_FIELD


# a disk that cannot be written


def failing(times: int, real: Callable[..., int]) -> Callable[..., int]:
    left = [times]

    def write(descriptor: int, data: bytes) -> int:
        if left[0] > 0:
            left[0] -= 1
            real(descriptor, data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    return write


async def test_what_cannot_be_written_is_refused_and_leaves_no_half(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.decision(event("before"), durable=True)
    monkeypatch.setattr(os, "write", failing(1, os.write))
    answers = await asyncio.gather(
        *(log.decision(event(f"{i}"), durable=True) for i in range(3)), return_exceptions=True
    )
    assert [error.kind for error in answers if isinstance(error, KeylessError)] == [ErrorKind.UNAVAILABLE] * 3
    await log.decision(event("after"), durable=True)
    assert [record["request_id"] for record in on_disk(tmp_path / "audit")] == ["before", "after"]


async def test_an_unwritable_log_lets_reads_through(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", failing(1000, os.write))
    await log.decision(event("read"), durable=False)
    with pytest.raises(KeylessError):
        await log.decision(event("change"), durable=True)


async def test_a_rotation_that_fails_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AuditLog(tmp_path / "audit", lambda: NOW, max_bytes=1000, keep=3)
    for i in range(4):
        await log.decision(event(f"{i}"), durable=True)
    real = os.open

    def full(path: object, flags: int, *more: int) -> int:
        if flags & os.O_CREAT:
            raise OSError(28, "No space left on device")
        return real(path, flags, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", full)
    for _ in range(5):
        with pytest.raises(KeylessError):
            await log.decision(event("lost", reason="x" * 900), durable=True)
    monkeypatch.setattr(os, "open", real)
    await log.decision(event("again", reason="x" * 900), durable=True)
    assert [record["request_id"] for record in await log.latest(10)] == ["again", "3", "2", "1", "0"]
    await log.close()


async def test_too_much_that_waits_is_refused(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyless.store.audit.MAX_PENDING", 3)
    for i in range(3):
        await log.decision(event(f"{i}"), durable=False)
    with pytest.raises(KeylessError) as refused:
        await log.decision(event("more"), durable=True)
    assert refused.value.kind is ErrorKind.UNAVAILABLE


async def test_a_reader_that_goes_away_takes_nothing_with_it(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = asyncio.Event()
    loop = asyncio.get_running_loop()
    real = log._append  # the write is held up, so that the reader can leave while it is under way

    def slow(data: bytes) -> None:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
        real(data)

    monkeypatch.setattr(log, "_append", slow)
    await log.decision(event("read"), durable=False)
    change = asyncio.ensure_future(log.decision(event("change"), durable=True))
    reader = asyncio.ensure_future(log.latest(1))
    await asyncio.sleep(0.02)
    reader.cancel()
    await asyncio.sleep(0.02)
    release.set()
    await asyncio.wait_for(change, 5)
    assert len(on_disk(tmp_path / "audit")) == 2

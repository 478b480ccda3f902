"""The audit log: a file beside the database, one JSON object a line, capped and rotated.

Owns writing and reading the file. A durable record is on the disk before `decision` returns; the others follow
within a second. If the file cannot be written, `decision` raises, and so changes are refused. Records hold who,
what, where and why; never a token or a value.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import msgspec

from keyless.model.audit import AuditEvent
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError
from keyless.store.private_file import sync_folder

FLUSH_SECONDS = 0.5
MAX_PENDING = 50_000
MAX_FIELD = 4 * 1024
_BLOCK = 64 * 1024
_encode = msgspec.json.Encoder().encode


class AuditLog:
    """Appends records in groups; one write and one fsync serve all that wait."""

    def __init__(self, path: Path, clock: Clock, *, max_bytes: int = 64 * 1024 * 1024, keep: int = 4) -> None:
        self._path = path
        self._clock = clock
        self._max_bytes = max_bytes
        self._keep = keep
        self._file = _open(path)
        self._size = os.fstat(self._file).st_size
        self._pending: list[bytes] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._flushing = asyncio.Lock()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def decision(self, event: AuditEvent, *, durable: bool) -> None:
        """See `model.audit.Audit`."""
        if self._closing or len(self._pending) >= MAX_PENDING:
            raise _unwritable()
        self._pending.append(_decision_line(_time(self._clock()), event))
        if durable:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            self._wake.set()
            await waiter

    def outcome(self, event: AuditEvent, status: int) -> None:
        """See `model.audit.Audit`."""
        if len(self._pending) < MAX_PENDING:
            now = _time(self._clock())
            record = {"time": now, "event": "outcome", "request_id": event.request_id, "status": status}
            self._pending.append(_encode(record) + b"\n")

    async def _run(self) -> None:
        while not (self._closing and not self._pending):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), FLUSH_SECONDS)
            self._wake.clear()
            if self._pending:
                await self._flush()

    async def _flush(self) -> None:
        async with self._flushing:
            lines, waiters = self._pending, self._waiters
            self._pending, self._waiters = [], []
            failure = None
            try:
                await asyncio.to_thread(self._append, b"".join(lines))
            except OSError:
                failure = _unwritable()
        for waiter in waiters:
            if waiter.cancelled():
                continue
            if failure:
                waiter.set_exception(failure)
            else:
                waiter.set_result(None)

    def _append(self, data: bytes) -> None:
        if self._size + len(data) > self._max_bytes and self._size:
            self._rotate()
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
            os.fsync(self._file)
        except OSError:
            # half a line must not spoil the next one
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)

    def _rotate(self) -> None:
        if self._path.exists():  # else an earlier try came this far, and the disk was full
            for i in range(self._keep - 1, 0, -1):
                older = _numbered(self._path, i)
                if older.exists():
                    older.replace(_numbered(self._path, i + 1))
            self._path.replace(_numbered(self._path, 1))
        fresh = _open(self._path)
        os.close(self._file)
        self._file, self._size = fresh, 0

    async def latest(self, limit: int) -> list[dict[str, object]]:
        """The newest records, newest first, each decision with the `status` of its outcome where there is one."""
        if self._pending:
            # a reader that goes away must not take with it what others wait for
            await asyncio.shield(self._flush())
        return await asyncio.to_thread(lambda: list(_newest(self._files(), limit)))

    def _files(self) -> list[Path]:
        candidates = [self._path, *(_numbered(self._path, i) for i in range(1, self._keep + 1))]
        return [path for path in candidates if path.exists()]

    async def close(self) -> None:
        """Write what is pending, then close."""
        self._closing = True
        self._wake.set()
        await self._task
        os.close(self._file)


def _decision_line(now: str, event: AuditEvent) -> bytes:
    fields = _encode(event)
    if len(fields) > MAX_FIELD:
        # what is too long is cut before it is encoded: half a line of JSON would be no record at all
        fields = _encode({name: value[:MAX_FIELD] for name, value in vars(event).items()})
    return b'{"time":"%b","event":"decision",%b\n' % (now.encode(), fields[1:])


def _time(at: float) -> str:
    """ISO 8601 to the millisecond, in UTC."""
    seconds, rest = divmod(at, 1)
    return f"{_seconds(int(seconds))}.{int(rest * 1000):03d}+00:00"


@lru_cache(maxsize=1)
def _seconds(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _unwritable() -> KeylessError:
    message = "The audit log cannot be written, so nothing may be changed: free space in the data folder."
    return KeylessError(ErrorKind.UNAVAILABLE, message, retry_after=5)


def _open(path: Path) -> int:
    """The file, whose name is on the disk too, and whose last line is whole even after a crash."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        # a line that a crash has torn was acknowledged to nobody
        size = os.fstat(file).st_size
        whole = _end_of_lines(file, size)
        if whole < size:
            os.ftruncate(file, whole)
        sync_folder(path.parent)
    except OSError:
        os.close(file)
        raise
    return file


def _end_of_lines(file: int, size: int) -> int:
    """Where the last whole line ends."""
    at = size
    while at > 0:
        start = max(0, at - _BLOCK)
        newline = os.pread(file, at - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        at = start
    return 0


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _newest(files: list[Path], limit: int) -> Iterator[dict[str, object]]:
    statuses: dict[object, object] = {}
    found = 0
    for line in itertools.chain.from_iterable(map(_lines_backwards, files)):
        record = _decode(line)
        if record.get("event") == "outcome":
            statuses[record.get("request_id")] = record.get("status")
        elif record.get("event") == "decision":
            if record.get("request_id") in statuses:
                record["status"] = statuses[record["request_id"]]
            yield record
            found += 1
            if found >= limit:
                return


def _decode(line: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}  # torn by a crash


def _lines_backwards(path: Path) -> Iterator[bytes]:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:  # it may be rotated meanwhile
        at = file.seek(0, os.SEEK_END)
        rest = b""
        while at > 0:
            size = min(_BLOCK, at)
            at -= size
            file.seek(at)
            first, *lines = (file.read(size) + rest).split(b"\n")
            yield from (line for line in reversed(lines) if line)
            rest = first
        if rest:
            yield rest

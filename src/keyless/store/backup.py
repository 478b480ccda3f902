"""Backups of a running instance: a snapshot and the files that it names, as one sealed stream.

Owns that there is one at a time, that what the snapshot names stays there until it has been sent, and the end of a
backup that nobody takes any more. Must not know which files an instance has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import TypeVar

from keyless.model.errors import ErrorKind, KeylessError, conflict
from keyless.store.archive import ArchiveWriter, Member
from keyless.store.sealing import MasterKey
from keyless.store.sealing.master_key import Random
from keyless.store.snapshot import Snapshot

T = TypeVar("T")

#: How long the receiver may take for one piece before the backup is given up.
STALL_SECONDS = 300.0


class Backups:
    """Makes backups. `members` gives the files that belong to a snapshot.

    `held()` begins before the snapshot is taken; while it lasts, none of them is removed.
    """

    def __init__(
        self,
        database: Path,
        snapshot: Path,
        members: Callable[[Snapshot], Iterator[Member]],
        held: Callable[[], AbstractAsyncContextManager[None]],
        master: MasterKey,
        instance: str,
        random: Random,
    ) -> None:
        """`snapshot` is a file for the time of a backup; what a killed process has left there is removed."""
        self._database = database
        self._file = snapshot
        self._members = members
        self._held = held
        self._master = master
        self._instance = instance
        self._random = random
        self._running = False
        snapshot.unlink(missing_ok=True)

    async def begin(self) -> Backup:
        """A backup of all that is committed now. Raises CONFLICT while another one is under way."""
        if self._running:
            raise conflict("Another backup is being made: wait until it has ended.")
        release = AsyncExitStack()
        self._running = True
        release.callback(self._end)
        snapshot = Snapshot(self._file)
        try:
            await release.enter_async_context(self._held())
            writer = await _in_thread(lambda: self._write(snapshot), snapshot.interrupt)
        except BaseException:
            await _in_thread(snapshot.close)
            await release.aclose()
            raise
        return Backup(writer, snapshot, release)

    def _write(self, snapshot: Snapshot) -> ArchiveWriter:
        snapshot.take(self._database)
        return ArchiveWriter(self._master, self._instance, self._random, lambda: self._members(snapshot))

    def _end(self) -> None:
        self._running = False


class Backup(AsyncIterator[bytes]):
    """One backup, as a stream. It ends by itself, or with `aclose`, or when nobody has taken a piece for long."""

    def __init__(self, writer: ArchiveWriter, snapshot: Snapshot, release: AsyncExitStack) -> None:
        #: How many bytes it has in all.
        self.size = writer.size
        self._pieces = writer.pieces()
        self._snapshot = snapshot
        self._release = release
        self._ended = False
        self._given_up: asyncio.Task[None] | None = None
        self._timer = self._watch()

    async def __anext__(self) -> bytes:
        self._timer.cancel()
        if self._ended:
            raise KeylessError(ErrorKind.UNAVAILABLE, "The backup was given up: its receiver took too long.")
        try:
            piece = await _in_thread(lambda: next(self._pieces, None))
        except BaseException:
            await self.aclose()
            raise
        if piece is None:
            await self.aclose()
            raise StopAsyncIteration
        self._timer = self._watch()
        return piece

    async def aclose(self) -> None:
        """Give up what is left of it."""
        self._timer.cancel()
        if self._ended:
            return
        self._ended = True
        self._pieces.close()
        try:
            await _in_thread(self._snapshot.close)
        finally:
            await self._release.aclose()

    def _watch(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(STALL_SECONDS, self._give_up)

    def _give_up(self) -> None:
        self._given_up = asyncio.ensure_future(self.aclose())


async def _in_thread(work: Callable[[], T], give_up: Callable[[], None] = lambda: None) -> T:
    """Run what blocks. It cannot be called off: whoever is cancelled waits until it has noticed."""
    job = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        give_up()
        await asyncio.wait({job})
        raise

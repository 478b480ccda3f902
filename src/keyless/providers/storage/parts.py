"""Bodies as parts: taking one in as it arrives, and reading pieces of it back, in flat memory.

Owns the choice between database and file, the intent that is recorded before a file is written, the limits and
checks of an incoming body. Must not know blobs or blocks.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

from keyless.http.message import Body
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.providers.storage.part_files import PartFiles, PartWriter
from keyless.providers.storage.tables.garbage import Garbage
from keyless.providers.storage.tables.records import INLINE_BYTES, Part, Received
from keyless.providers.storage.tables.schema import GARBAGE, PENDING
from keyless.store.engine import Store, Tx
from keyless.store.sealing import PartSealer

Random = Callable[[int], bytes]

ID_BYTES = 16
#: What one hop to a thread seals and writes, or reads and unseals; a whole number of chunks.
BATCH_BYTES = 16 * PartSealer.chunk_plain_size
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Parts:
    """Takes bodies in and gives them out."""

    def __init__(self, store: Store, files: PartFiles, sealer: PartSealer, random: Random) -> None:
        self._store = store
        self._files = files
        self._sealer = sealer
        self._random = random

    @asynccontextmanager
    async def receive(self, body: Body, *, limit: int, digest: bool) -> AsyncIterator[Received]:
        """Take in a body; the transaction that makes it part of something runs inside of this context.

        A short body is sealed in memory. A longer one lies in a file that becomes garbage unless that
        transaction has marked its part live. Raises TOO_LARGE beyond `limit` bytes, INVALID when the body's
        length is not what was announced, UNAVAILABLE when the disk is full.
        """
        if body.length is not None and body.length > limit:
            raise _too_large(limit)
        batches = _batches(body, limit)
        first, last = await anext(batches)
        if last and len(first) <= INLINE_BYTES:
            yield self._inline(first, digest)
            return
        part_id = self._random(ID_BYTES)
        try:
            await self._store.write(lambda tx: _intend(tx, part_id))
            yield await self._write_file(part_id, (first, last), batches, digest)
        except BaseException:
            # the writer works in order: a transaction that was sent off before this one, even by a caller who
            # did not wait for it, has marked the part live by then, and it stays
            with suppress(KeylessError):  # if this cannot be written now, recovery does it at the next start
                await self._store.write(lambda tx: _abandon(tx, part_id))
            raise

    def seal(self, data: bytes) -> Part:
        """A part that lies in the database, of 1 to `INLINE_BYTES`."""
        part_id = self._random(ID_BYTES)
        return Part(part_id, len(data), self._sealer.encrypt_chunk(part_id, 0, True, data))

    async def find(self, part_id: bytes, size: int) -> Part:
        """A part that has `size` bytes, with its sealed body if that lies in the database."""
        row = await self._store.row("SELECT data FROM storage_part WHERE id = ?", (part_id,))
        return Part(part_id, size, cast("bytes | None", row[0] if row else None))

    async def load(self, part: Part, start: int, length: int) -> bytes:
        """At most `BATCH_BYTES` of a part; `start` and `length` lie within it."""
        if part.data is not None:
            return self.open_inline(part)[start : start + length]
        return await asyncio.to_thread(self._files.read, part.id, part.size, start, length)

    def open_inline(self, part: Part) -> bytes:
        """The whole of a part that lies in the database."""
        assert part.data is not None
        return self._sealer.decrypt_chunk(part.id, 0, True, part.data)

    def _inline(self, data: bytes, digest: bool) -> Received:
        md5 = hashlib.md5(data, usedforsecurity=False).digest() if digest else b""
        if not data:
            return Received(0, None, md5)
        return Received(len(data), self.seal(data), md5)

    async def _write_file(
        self, part_id: bytes, first: tuple[bytes, bool], rest: AsyncIterator[tuple[bytes, bool]], digest: bool
    ) -> Received:
        """Write batch by batch, each while the next one arrives."""
        intake = _Intake(self._files.writer(part_id), digest)
        job = asyncio.ensure_future(asyncio.to_thread(intake.take, *first))
        try:
            async for batch in rest:
                await asyncio.shield(job)
                job = asyncio.ensure_future(asyncio.to_thread(intake.take, *batch))
            await asyncio.shield(job)
        except BaseException:
            # what runs in a thread cannot be called off: it must be over before its file is taken away
            await asyncio.wait({job})
            await asyncio.to_thread(intake.writer.discard)
            raise
        return Received(intake.size, Part(part_id, intake.size), intake.md5.digest() if digest else b"")


class _Intake:
    """What happens to each batch of a body, in a thread."""

    def __init__(self, writer: PartWriter, digest: bool) -> None:
        self.writer = writer
        self.size = 0
        self.md5 = hashlib.md5(usedforsecurity=False)
        self._digest = digest

    def take(self, data: bytes, last: bool) -> None:
        """Digest, seal and write; after the last batch the file is durable. Raises UNAVAILABLE if the disk fails."""
        if self._digest:
            self.md5.update(data)
        self.size += len(data)
        try:
            self.writer.append(data, last=last)
            if last:
                self.writer.finish()
        except OSError as error:
            raise _unwritable(error) from error


async def _batches(body: Body, limit: int) -> AsyncIterator[tuple[bytes, bool]]:
    """Regroup a body into batches of `BATCH_BYTES`, each with whether it is the last; only that one is shorter."""
    gathered: list[memoryview] = []
    held = total = 0
    async for chunk in body.stream():
        total += len(chunk)
        if total > limit:
            raise _too_large(limit)
        rest = memoryview(chunk)
        # one byte at least stays here: which batch is the last shows only at the body's end
        while held + len(rest) > BATCH_BYTES:
            room = BATCH_BYTES - held
            yield b"".join((*gathered, rest[:room])), False
            gathered, held, rest = [], 0, rest[room:]
        gathered.append(rest)
        held += len(rest)
    if body.length is not None and total != body.length:
        raise invalid(f"The body ended after {total} of {body.length} bytes; nothing was stored.", "InvalidInput")
    yield b"".join(gathered), True


def _too_large(limit: int) -> KeylessError:
    return KeylessError(
        ErrorKind.TOO_LARGE, f"The request body may have at most {limit} bytes.", code="RequestBodyTooLarge"
    )


def _unwritable(error: OSError) -> KeylessError:
    message = "The disk of the data folder is full: free some space."
    if error.errno not in _FULL:
        message = f"The data folder cannot be written now ({error.strerror or type(error).__name__})."
    return KeylessError(ErrorKind.UNAVAILABLE, message, retry_after=30)


def _intend(tx: Tx, part_id: bytes) -> None:
    tx.execute("INSERT INTO storage_part(id, state) VALUES(?, ?)", (part_id, PENDING))


def _abandon(tx: Tx, part_id: bytes) -> None:
    if tx.execute("UPDATE storage_part SET state = ? WHERE id = ? AND state = ?", (GARBAGE, part_id, PENDING)):
        tx.emit(Garbage())

"""Reading bodies back as a stream, whatever they are made of, in flat memory.

Owns the order of pieces, reading one ahead, and the pins that keep an overwritten body until its readers are
done. Must not know the protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from weakref import WeakValueDictionary

from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.parts import BATCH_BYTES, Parts
from keyless.providers.storage.tables.blocks import Blocks
from keyless.providers.storage.tables.page_map import pieces
from keyless.providers.storage.tables.records import Blob, BlobType, Part
from keyless.store.engine import Store

_BLOCKS_AT_ONCE = 256
#: Bytes that are sent in one go at least, but at the end.
_SENT_AT_ONCE = 64 * 1024


class Pin:
    """Held by a reader of a manifest. Dropping it, even by never having begun to read, lets the manifest go."""

    __slots__ = ("__weakref__",)


class Pins:
    """Which manifests are being read."""

    def __init__(self) -> None:
        self._held: WeakValueDictionary[int, Pin] = WeakValueDictionary()

    def pin(self, manifest: int) -> Pin:
        """Keep a manifest for as long as the pin lives."""
        return self._held.setdefault(manifest, Pin())

    def held(self, manifest: int) -> bool:
        """Whether anybody reads it."""
        return manifest in self._held


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is loaded at once; without a part, zeros."""

    part: Part | None
    start: int
    length: int


class Reader:
    """Gives out the bodies of blobs."""

    def __init__(self, store: Store, blocks: Blocks, parts: Parts, pins: Pins) -> None:
        self._store = store
        self._blocks = blocks
        self._parts = parts
        self._pins = pins

    def read(self, blob: Blob, start: int, length: int) -> bytes | AsyncIterator[bytes]:
        """These bytes of a blob, which has them: at once if it is short, else as a stream.

        Called before anything else is awaited since the blob's row was read: the pin is then in place before
        any later write can count as done.
        """
        if length == 0:
            return b""
        if blob.part is not None:
            return self._parts.open_inline(blob.part)[start : start + length]
        assert blob.manifest is not None
        if blob.form.type is BlobType.PAGE:
            found = self._pages(blob.manifest, blob.form.generation, start, start + length)
        else:
            found = self._pieces(blob.manifest, start, start + length)
        return self._stream(found, self._pins.pin(blob.manifest))

    async def _stream(self, found: AsyncIterator[_Piece], _pin: Pin) -> AsyncIterator[bytes]:
        """Small pieces are sent together: a log can be made of thousands."""
        held, size = [], 0
        async with aclosing(self._loaded(found)) as loaded:
            async for data in loaded:
                held.append(data)
                size += len(data)
                if size >= _SENT_AT_ONCE:
                    yield held[0] if len(held) == 1 else b"".join(held)
                    held, size = [], 0
        if held:
            yield b"".join(held)

    async def _loaded(self, found: AsyncIterator[_Piece]) -> AsyncGenerator[bytes]:
        ahead: asyncio.Task[bytes] | None = None
        try:
            async for piece in found:
                ready, ahead = ahead, asyncio.create_task(self._load(piece))
                if ready is not None:
                    yield await ready
            if ahead is not None:
                yield await ahead
        finally:
            if ahead is not None:
                ahead.cancel()

    async def _load(self, piece: _Piece) -> bytes:
        if piece.part is None:
            return bytes(piece.length)
        return await self._parts.load(piece.part, piece.start, piece.length)

    async def _pieces(self, manifest: int, at: int, end: int) -> AsyncIterator[_Piece]:
        while at < end:
            blocks = await self._blocks.committed(manifest, at, _BLOCKS_AT_ONCE)
            if not blocks:
                raise KeylessError(ErrorKind.INTERNAL, "A blob's blocks are missing: restore the data folder.")
            for block in blocks:
                part = await self._parts.find(block.part, block.size)
                stop = min(block.start + block.size, end)
                for piece in _split(part, at - block.start, stop - at):
                    yield piece
                at = stop
                if at >= end:
                    return

    async def _pages(self, manifest: int, generation: int, at: int, end: int) -> AsyncIterator[_Piece]:
        async for page in pieces(self._store, manifest, generation, at, end):
            for piece in _split(None, 0, page.start - at):
                yield piece
            part = await self._parts.find(page.part, page.part_size)
            for piece in _split(part, page.skip, page.size):
                yield piece
            at = page.end
        for piece in _split(None, 0, end - at):
            yield piece


def _split(part: Part | None, skip: int, length: int) -> Iterator[_Piece]:
    """Pieces that end on the batches of the part's file, so that no chunk is unsealed twice."""
    end = skip + length
    while skip < end:
        size = min(end - skip, BATCH_BYTES - skip % BATCH_BYTES)
        yield _Piece(part, skip, size)
        skip += size

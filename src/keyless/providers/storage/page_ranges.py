"""Ranges of pages: which pages of a blob were written, and what has changed between two states of it.

Owns the joining and the comparing of pieces that come in order. Two states have the same bytes where they have the
same piece of the same part. Pure.

Source: Azure Storage REST API, "Get Page Ranges".
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from keyless.providers.storage.tables.page_map import Piece


@dataclass(frozen=True, slots=True)
class PageRange:
    """Bytes from `start` up to before `end`, written or (`cleared`) not any more."""

    start: int
    end: int
    cleared: bool = False


async def written(pieces: AsyncIterator[Piece]) -> AsyncIterator[PageRange]:
    """What the pieces cover."""
    async for piece in pieces:
        yield PageRange(piece.start, piece.end)


async def changed(old: AsyncIterator[Piece], new: AsyncIterator[Piece]) -> AsyncIterator[PageRange]:
    """What was written, or cleared, since the old state."""
    before, after = await anext(old, None), await anext(new, None)
    while before is not None or after is not None:
        if after is None or (before is not None and before.start < after.start):
            assert before is not None
            end = before.end if after is None else min(before.end, after.start)
            yield PageRange(before.start, end, cleared=True)
            before = before.within(end, before.end) if end < before.end else await anext(old, None)
        elif before is None or after.start < before.start:
            end = after.end if before is None else min(after.end, before.start)
            yield PageRange(after.start, end)
            after = after.within(end, after.end) if end < after.end else await anext(new, None)
        else:
            end = min(before.end, after.end)
            if (before.part, before.skip) != (after.part, after.skip):
                yield PageRange(after.start, end)
            before = before.within(end, before.end) if end < before.end else await anext(old, None)
            after = after.within(end, after.end) if end < after.end else await anext(new, None)


async def joined(ranges: AsyncIterator[PageRange]) -> AsyncIterator[PageRange]:
    """The same with neighbours of one kind made one."""
    last: PageRange | None = None
    async for found in ranges:
        if last is not None and (last.end, last.cleared) == (found.start, found.cleared):
            last = replace(last, end=found.end)
            continue
        if last is not None:
            yield last
        last = found
    if last is not None:
        yield last

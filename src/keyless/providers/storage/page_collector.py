"""The part of the collector that looks after the maps of page blobs.

Owns the order of its steps, and the bytes of what it merges; what each step changes is `tables/page_garbage.py`'s.
"""

from __future__ import annotations

from functools import partial

from keyless.providers.storage.parts import Parts
from keyless.providers.storage.reading import Pins
from keyless.providers.storage.tables import page_garbage
from keyless.providers.storage.tables.page_map import Piece
from keyless.store.engine import Store


class PageCollector:
    """Lives on the event loop; the collector calls it."""

    def __init__(self, store: Store, parts: Parts, pins: Pins) -> None:
        self._store = store
        self._parts = parts
        self._pins = pins

    async def forget_dead_pages(self) -> None:
        """Forget the pages that no blob, no snapshot, no version and no reader sees any more."""
        after = 0
        while stale := await page_garbage.stale_manifests(self._store, after):
            after = stale[-1]
            for manifest in stale:
                # nothing is waited for between these two: whoever begins to read from here on sees a generation that
                # is named or that is still to come
                named, last = await page_garbage.generations(self._store, manifest)
                if not self._pins.held(manifest):
                    await self._sweep(manifest, named, last)

    async def merge_ragged_cells(self) -> None:
        """Merge some cells; the rest have their turn the next time."""
        for manifest, cell in await page_garbage.ragged_cells(self._store):
            await self._store.write(partial(page_garbage.forget_ragged, manifest=manifest, cell=cell))
            for run in await page_garbage.runs_to_merge(self._store, manifest, cell):
                part = self._parts.seal(await self._bytes_of(run))
                merge = partial(page_garbage.merge, manifest=manifest, run=run, part=part)
                if not await self._store.write(merge):
                    # it has been written to meanwhile
                    await self._store.write(partial(page_garbage.note_ragged, manifest=manifest, cell=cell))
                    break

    async def _sweep(self, manifest: int, named: list[int], last: int) -> None:
        after = None
        while True:
            sweep = partial(page_garbage.sweep, manifest=manifest, named=named, last=last, after=after)
            after = await self._store.write(sweep)
            if after is None:
                return

    async def _bytes_of(self, run: list[Piece]) -> bytes:
        found = []
        for piece in run:
            part = await self._parts.find(piece.part, piece.part_size)
            found.append(await self._parts.load(part, piece.skip, piece.size))
        return b"".join(found)

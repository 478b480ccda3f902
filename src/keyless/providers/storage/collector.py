"""The collector: frees in the background what overwriting, deleting and crashes have left behind.

Owns the order in which garbage is taken apart and the removal of files. Each step is bounded; what a crash
interrupts goes on where it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from keyless.model.clock import Clock
from keyless.model.errors import KeylessError
from keyless.providers.storage.page_collector import PageCollector
from keyless.providers.storage.part_files import PartFiles
from keyless.providers.storage.reading import Pins
from keyless.providers.storage.tables import garbage
from keyless.store.engine import Store

log = logging.getLogger("keyless.storage")

#: How long uncommitted blocks are kept after the last of them came.
UPLOAD_SECONDS = 7 * 24 * 3600
#: What becomes garbage within this time is collected together.
_GATHER_SECONDS = 1.0
#: Looks again after this time, for old uploads and for what readers have let go.
_PERIOD_SECONDS = 60.0


class Collector:
    """Lives on the event loop; `run` is its background task."""

    def __init__(self, store: Store, files: PartFiles, pins: Pins, pages: PageCollector, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._pins = pins
        self._pages = pages
        self._clock = clock
        self._wake = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._holders = 0
        store.subscribe(garbage.Garbage, lambda _: self._wake.set())

    async def recover(self) -> None:
        """Remove the files that a crash has left; before anything else is asked of the store."""
        await self._store.write(garbage.drop_pending_parts)
        await self._remove_parts()

    async def collect(self) -> None:
        """Free all that is garbage and that nobody reads."""
        async with self._one_at_a_time:
            now = int(self._clock())
            while await self._store.write(lambda tx: garbage.drop_old_uploads(tx, now - UPLOAD_SECONDS)):
                pass
            while await self._store.write(lambda tx: garbage.drop_expired(tx, now)):
                pass
            while await self._store.write(garbage.empty_container):
                pass
            await self._take_manifests_apart()
            await self._pages.merge_ragged_cells()
            await self._pages.forget_dead_pages()
            while await self._store.write(garbage.take_upload_apart):
                pass
            await self._remove_parts()

    @contextmanager
    def held(self) -> Iterator[None]:
        """For as long as this lasts, no file of a part is removed that was live when it began."""
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
            self._wake.set()

    async def run(self) -> None:
        """Collect whenever there is something, until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.collect()
            except (KeylessError, OSError) as error:
                log.warning("blob garbage was not collected (%s); it will be tried again", type(error).__name__)
                await asyncio.sleep(_PERIOD_SECONDS)
            try:
                async with asyncio.timeout(_PERIOD_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(_GATHER_SECONDS)

    async def _take_manifests_apart(self) -> None:
        after = 0
        while dropped := await garbage.dropped_manifests(self._store, after):
            after = dropped[-1]
            unread = [manifest for manifest in dropped if not self._pins.held(manifest)]
            while unread and not await self._store.write(partial(garbage.take_manifests_apart, manifests=unread)):
                pass

    async def _remove_parts(self) -> None:
        while True:
            files, inline = await garbage.dropped_parts(self._store)
            if self._holders or not (files or inline):
                return
            await asyncio.to_thread(self._files.remove, files)
            await self._store.write(partial(garbage.forget_parts, parts=files + inline))

"""The persistence of the Blob data plane, put together.

Owns nothing but the assembly: one object that the surface and `bootstrap` hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from keyless.management.engine import ScopeDeleted
from keyless.model.clock import Clock
from keyless.providers.storage.collector import Collector
from keyless.providers.storage.page_collector import PageCollector
from keyless.providers.storage.part_files import PartFiles
from keyless.providers.storage.parts import Parts, Random
from keyless.providers.storage.reading import Pins, Reader
from keyless.providers.storage.tables.appends import Appends
from keyless.providers.storage.tables.blobs import Blobs
from keyless.providers.storage.tables.blocks import Blocks
from keyless.providers.storage.tables.changes import Changes
from keyless.providers.storage.tables.containers import Containers
from keyless.providers.storage.tables.copies import Copies
from keyless.providers.storage.tables.garbage import drop_account, live_files
from keyless.providers.storage.tables.listing import Page, Query, list_page
from keyless.providers.storage.tables.pages import Pages
from keyless.providers.storage.tables.schema import MIGRATION
from keyless.providers.storage.tables.services import Services
from keyless.store.engine import Row, Store, Tx
from keyless.store.sealing import PartSealer

_DRAWN_BYTES = 4096

__all__ = ["MIGRATION", "BlobStore", "open_blob_store"]


@dataclass(frozen=True)
class BlobStore:
    """Containers, blobs, blocks and bodies of every account."""

    store: Store
    clock: Clock
    identifiers: Random
    services: Services
    containers: Containers
    blobs: Blobs
    changes: Changes
    blocks: Blocks
    appends: Appends
    pages: Pages
    copies: Copies
    parts: Parts
    part_files: PartFiles
    pins: Pins
    reader: Reader
    collector: Collector

    async def list_page(self, container: int, query: Query) -> Page:
        """One page of a container's list; see `tables/listing.py`."""
        return await list_page(self.store, container, query)

    def files(self, rows: Callable[[str], Iterable[Row]]) -> Iterator[Path]:
        """The part files that belong to a snapshot of the database, whose rows are asked for through `rows`."""
        return map(self.part_files.path, live_files(rows))

    def delete_account(self, tx: Tx, account: str) -> None:
        """Drop all of an account, named by its resource ID's key, in the transaction that deletes the resource."""
        drop_account(tx, account)


def open_blob_store(
    store: Store, folder: Path, sealer: PartSealer, clock: Clock, random: Random, *, scope_deleted: ScopeDeleted
) -> BlobStore:
    """Put it together over a store that has `MIGRATION`; part files go into `folder`.

    `scope_deleted` is told of containers that are deleted, in the same transaction.

    Await `collector.recover()` before the first request, and keep `collector.run()` as a task.
    """

    identifiers = _drawn_ahead(random)

    def etag() -> str:
        return f"0x{identifiers(8).hex().upper()}"

    files = PartFiles(folder, sealer)
    parts = Parts(store, files, sealer, identifiers)
    blocks = Blocks(store, clock, etag)
    pins = Pins()
    return BlobStore(
        store=store,
        clock=clock,
        identifiers=identifiers,
        services=Services(store),
        containers=Containers(store, clock, etag, scope_deleted),
        blobs=Blobs(store, clock, etag),
        changes=Changes(store, clock, etag),
        blocks=blocks,
        appends=Appends(store, clock, etag),
        pages=Pages(store, clock, etag),
        copies=Copies(store, clock, etag),
        parts=parts,
        part_files=files,
        pins=pins,
        reader=Reader(store, blocks, parts, pins),
        collector=Collector(store, files, pins, PageCollector(store, parts, pins), clock),
    )


def _drawn_ahead(random: Random) -> Random:
    """The same randomness, drawn in larger amounts: each draw is a system call, and a turn of the interpreter lock."""
    ahead = memoryview(b"")

    def take(size: int) -> bytes:
        nonlocal ahead
        if len(ahead) < size:
            ahead = memoryview(random(_DRAWN_BYTES))
        taken, ahead = bytes(ahead[:size]), ahead[size:]
        return taken

    return take

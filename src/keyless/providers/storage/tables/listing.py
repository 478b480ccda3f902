"""Lists of blobs in the order of their names, a page at a time, with all below a delimiter as one entry.

Owns the skip-scan: below a common prefix nothing is read but the rows of one small batch. A page costs at most
one query for each of its entries, and one more; it never holds more than itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from keyless.providers.storage.tables.records import Blob
from keyless.providers.storage.tables.rows import COLUMNS, to_blob
from keyless.store.engine import Store

_LARGEST_BATCH = 250
_SURROGATES = 0xD800
_AFTER_SURROGATES = 0xE000
_LAST_CODE_POINT = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Page:
    """Blobs and common prefixes in order, and where the next page starts; empty after the last page."""

    entries: list[Blob | str]
    next_start: str


@dataclass(frozen=True, slots=True)
class Query:
    """Names that begin with `prefix`, from `start` on, at most `limit` (1 or more); no delimiter: a flat list."""

    prefix: str
    delimiter: str
    start: str
    limit: int


async def list_page(store: Store, container: int, query: Query) -> Page:
    """A page of a container's blobs."""
    prefix, delimiter, limit = query.prefix, query.delimiter, query.limit
    bound = successor(prefix)
    at: str | None = max(prefix, query.start)
    entries: list[Blob | str] = []
    batch = min(limit + 1, _LARGEST_BATCH)
    while at is not None and (bound is None or at < bound) and len(entries) <= limit:
        blobs = await _batch(store, container, at, bound, batch)
        for blob in blobs:
            common = _common_prefix(blob.name, prefix, delimiter)
            if common is None:
                entries.append(blob)
            elif not entries or entries[-1] != common:
                entries.append(common)
        at = _next_start(entries[-1]) if len(blobs) == batch else None
        # a folder has just been passed over: the next one may be as large, and reading ahead would be in vain
        batch = 2 if entries and isinstance(entries[-1], str) else min(batch * 2, _LARGEST_BATCH)
        await asyncio.sleep(0)
    if len(entries) <= limit:
        return Page(entries, "")
    beyond = entries[limit]
    return Page(entries[:limit], beyond if isinstance(beyond, str) else beyond.name)


def successor(prefix: str) -> str | None:
    """The first text in order that comes after all that begin with `prefix`; None if there is none."""
    for end in range(len(prefix), 0, -1):
        code = ord(prefix[end - 1])
        if code < _LAST_CODE_POINT:
            following = _AFTER_SURROGATES if code + 1 == _SURROGATES else code + 1
            return prefix[: end - 1] + chr(following)
    return None


def _common_prefix(name: str, prefix: str, delimiter: str) -> str | None:
    at = name.find(delimiter, len(prefix)) if delimiter else -1
    return None if at < 0 else name[: at + len(delimiter)]


def _next_start(entry: Blob | str) -> str | None:
    # no name holds U+0000: a name and that character is the first text after the name
    return successor(entry) if isinstance(entry, str) else entry.name + "\0"


async def _batch(store: Store, container: int, start: str, bound: str | None, limit: int) -> list[Blob]:
    if bound is None:
        rows = await store.rows(_FROM, (container, start, limit))
    else:
        rows = await store.rows(_FROM_TO, (container, start, bound, limit))
    return [to_blob(row) for row in rows]


_FROM = f"SELECT {COLUMNS} FROM storage_blob WHERE container = ? AND name >= ? ORDER BY name LIMIT ?"
_FROM_TO = _FROM.replace(" ORDER", " AND name < ? ORDER")

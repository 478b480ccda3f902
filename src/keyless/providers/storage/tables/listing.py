"""Lists of blobs in the order of their names, a page at a time, with all below a delimiter as one entry.

Owns the skip-scan: below a common prefix nothing is read but the rows of one small batch. A page costs at most
one query for each of its entries, and one more; it never holds more than itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from keyless.providers.storage.tables.records import Blob, Kind
from keyless.providers.storage.tables.rows import COLUMNS, PAST_COLUMNS, to_blob
from keyless.store.engine import SqlValue, Store

_LARGEST_BATCH = 250
_SURROGATES = 0xD800
_AFTER_SURROGATES = 0xE000
_LAST_CODE_POINT = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the order of a list: by name, and of one name by kind and moment."""

    name: str = ""
    kind: int = 0
    moment: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Blobs and common prefixes in order, and where the next page starts; None after the last page."""

    entries: list[Blob | str]
    next_start: Position | None


@dataclass(frozen=True, slots=True)
class Query:
    """Names that begin with `prefix`, from `start` on, at most `limit` (1 or more); no delimiter: a flat list.

    `kinds` are listed besides the blobs themselves; those of them that were deleted softly only with `deleted`. With
    `uncommitted`, blobs of which there are but uncommitted blocks are listed too. `now` is a Unix time.
    """

    prefix: str
    delimiter: str
    start: Position
    limit: int
    kinds: frozenset[Kind] = frozenset()
    deleted: bool = False
    uncommitted: bool = False
    now: int = 0


async def list_page(store: Store, container: int, query: Query) -> Page:
    """A page of a container's blobs."""
    prefix, delimiter, limit = query.prefix, query.delimiter, query.limit
    bound = successor(prefix)
    at: Position | None = query.start if query.start.name >= prefix else Position(prefix)
    entries: list[Blob | str] = []
    batch = min(limit + 1, _LARGEST_BATCH)
    while at is not None and (bound is None or at.name < bound) and len(entries) <= limit:
        blobs = await _batch(store, container, query, at, bound, batch)
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
        return Page(entries, None)
    beyond = entries[limit]
    if isinstance(beyond, str):
        return Page(entries[:limit], Position(beyond))
    start = Position(beyond.name, beyond.kind, beyond.moment) if query.kinds else Position(beyond.name)
    return Page(entries[:limit], start)


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


def _next_start(entry: Blob | str) -> Position | None:
    if isinstance(entry, str):
        following = successor(entry)
        return None if following is None else Position(following)
    if entry.kind is Kind.CURRENT:
        # no name holds U+0000: a name and that character is the first text after the name
        return Position(entry.name + "\0")
    return Position(entry.name, entry.kind, entry.moment + 1)


async def _batch(store: Store, container: int, query: Query, at: Position, bound: str | None, limit: int) -> list[Blob]:
    below = "" if bound is None else " AND name < ?"
    bounds: tuple[SqlValue, ...] = () if bound is None else (bound,)
    selects = [_CURRENT.format(below=below)]
    values: list[SqlValue] = [container, at.name, *bounds]
    if query.kinds:
        kinds = ", ".join(str(int(kind)) for kind in sorted(query.kinds))
        alive = "(deleted IS NULL OR expires > ?)" if query.deleted else "deleted IS NULL"
        selects.append(_PAST.format(below=below, kinds=kinds, alive=alive))
        values += [container, at.name, at.kind, at.moment, *bounds, *([query.now] if query.deleted else [])]
    if query.uncommitted:
        selects.append(_UNCOMMITTED.format(below=below.replace("name", "blob")))
        values += [container, at.name, *bounds]
    order = " ORDER BY name LIMIT ?" if len(selects) == 1 else " ORDER BY name, kind, moment LIMIT ?"
    return [to_blob(row) for row in await store.rows(" UNION ALL ".join(selects) + order, (*values, limit))]


_CURRENT = (
    f"SELECT {COLUMNS}, {Kind.CURRENT:d} AS kind, 0 AS moment, NULL AS deleted, NULL AS expires FROM storage_blob"
    " WHERE container = ? AND name >= ?{below}"
)
_PAST = (
    f"SELECT {PAST_COLUMNS} FROM storage_past"
    " WHERE container = ? AND (name, kind, moment) >= (?, ?, ?){below} AND kind IN ({kinds}) AND {alive}"
)
#: A blob that nothing of is committed shows as an empty one without an ETag.
_UNCOMMITTED = (
    "SELECT blob, 0, '', changed, changed, '', '', '', '', '', '', '', NULL, NULL, '', '', NULL, NULL, '', '', '',"
    f" {Kind.CURRENT:d}, 0, NULL, NULL FROM storage_upload AS upload"
    " WHERE container = ? AND blob >= ?{below} AND garbage = 0 AND NOT EXISTS"
    " (SELECT 1 FROM storage_blob AS taken WHERE taken.container = upload.container AND taken.name = upload.blob)"
)

"""Finding blobs by their tags, a page at a time.

Owns the scan over blobs that have tags, in the order of containers and names. The work of a page is bounded: one that
finds little ends early and says where to go on. Must not know the protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from keyless.providers.storage.tables.rows import decode_texts
from keyless.providers.storage.tags import Expression
from keyless.store.engine import Store

#: Blobs and containers that one page looks at, at most.
MAX_LOOKED_AT = 20_000
_BATCH = 250


@dataclass(slots=True)
class Found:
    """Container, name and tags of blobs in order, and where the next page starts; empty after the last page."""

    found: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    next_start: str = ""


async def find_tagged(store: Store, account: str, container: str, where: Expression, start: str, limit: int) -> Found:
    """Blobs whose tags fit, in one container or (empty) in all of the account's; `start` is where a page ended."""
    page = Found()
    wanted = {container, where.container} - {""}
    if len(wanted) > 1:
        return page
    only = max(wanted, default="")
    at, _, after = start.partition("/")
    at = max(at, only)
    looked_at = 0
    while (holder := await store.row(_CONTAINER, (account, at))) is not None:
        ident, name = cast("tuple[int, str]", holder)
        if only and name != only:
            break
        after = after if name == at else ""
        while rows := await store.rows(_TAGGED, (ident, after, _BATCH)):
            for blob, tags in cast("list[tuple[str, str]]", rows):
                if len(page.found) == limit or looked_at >= MAX_LOOKED_AT:
                    page.next_start = f"{name}/{after}"
                    return page
                looked_at += 1
                after = blob
                if where.holds(decoded := decode_texts(tags)):
                    page.found.append((name, blob, decoded))
            await asyncio.sleep(0)
        # no name holds U+0000: a name and that character is the first text after the name
        at, after, looked_at = f"{name}\0", "", looked_at + 1
    return page


_CONTAINER = """SELECT id, name FROM storage_container WHERE account = ? AND name >= ? AND garbage = 0
    ORDER BY name LIMIT 1"""
_TAGGED = """SELECT name, tags FROM storage_blob WHERE container = ? AND name > ? AND tags <> ''
    ORDER BY name LIMIT ?"""

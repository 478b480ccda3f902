"""Lists of blobs: any paging of any names agrees with a model, and the cost of a page is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyless.providers.storage.operations.paging import decode_marker, encode_marker
from keyless.providers.storage.tables.listing import Position, Query, list_page, successor
from keyless.store.engine import Row, SqlValue
from tests.providers.storage.harness import BlobClient, blob_client

#: Few characters, so that prefixes and delimiters are often shared; among them the corners of UTF-8.
ALPHABET = "ab/\U0010ffff\ud7ff\ue000-"
NAME = st.text(ALPHABET, min_size=1, max_size=6)


async def fill(blob: BlobClient, names: Sequence[str]) -> int:
    """Rows put in directly, many at a time; the container's ID."""
    await blob.container()
    ident = (await blob.blobs.containers.get((await _account(blob)), "box")).id
    row = """INSERT INTO storage_blob(container, name, size, etag, created, changed, content_type, encoding, language,
        disposition, cache_control, md5, metadata) VALUES(?, ?, 0, '0x1', 1, 1, 'a/b', '', '', '', '', '', '')"""
    await blob.store.write(lambda tx: [tx.execute(row, (ident, name)) for name in names] and None)
    return ident


async def _account(blob: BlobClient) -> str:
    row = await blob.store.row("SELECT account FROM storage_container")
    assert row is not None
    return str(row[0])


def expected(names: set[str], prefix: str, delimiter: str) -> list[str]:
    """What a list has to show, prefixes marked by a leading `P`."""
    entries: set[tuple[str, str]] = set()
    for name in names:
        if name.startswith(prefix):
            at = name.find(delimiter, len(prefix)) if delimiter else -1
            entries.add((name, "B") if at < 0 else (name[: at + len(delimiter)], "P"))
    return [kind + text for text, kind in sorted(entries, key=lambda entry: entry[0].encode())]


async def pages(blob: BlobClient, prefix: str, delimiter: str, size: int) -> list[list[str]]:
    found: list[list[str]] = []
    marker = ""
    while True:
        query = "&".join(
            f"{name}={quote(value, safe='')}"
            for name, value in [("prefix", prefix), ("delimiter", delimiter), ("marker", marker)]
        )
        answer = await blob.send("GET", "/box", f"restype=container&comp=list&maxresults={size}&{query}")
        assert answer.status == 200, answer.body
        page: list[str] = []
        for entry in answer.xml().find("Blobs") or []:
            name = entry.find("Name")
            assert name is not None
            text = name.text or ""
            page.append(entry.tag[0 if entry.tag == "Blob" else 4] + (unquote(text) if name.get("Encoded") else text))
        found.append(page)
        marker = answer.xml().findtext("NextMarker") or ""
        if not marker:
            return found


def test_any_paging_agrees_with_the_model(tmp_path_factory: pytest.TempPathFactory) -> None:
    async def run(folder: Path, names: set[str], prefix: str, delimiter: str, size: int) -> None:
        async with blob_client(folder) as blob:
            await fill(blob, sorted(names))
            found = await pages(blob, prefix, delimiter, size)
            wanted = expected(names, prefix, delimiter)
            assert [entry for page in found for entry in page] == wanted
            assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
            assert len(found) == max(1, -(-len(wanted) // size))

    @settings(max_examples=60, deadline=None)
    @given(
        st.sets(NAME, max_size=25),
        st.text(ALPHABET, max_size=2),
        st.sampled_from(["", "/", "a/", "b"]),
        st.integers(1, 7),
    )
    def check(names: set[str], prefix: str, delimiter: str, size: int) -> None:
        asyncio.run(run(tmp_path_factory.mktemp("list"), names, prefix, delimiter, size))

    check()


@given(st.text(ALPHABET, max_size=5), st.text(ALPHABET, max_size=5))
def test_the_successor_of_a_prefix(prefix: str, text: str) -> None:
    bound = successor(prefix)
    below = bound is None or text.encode() < bound.encode()
    assert (text.startswith(prefix)) == (text.encode() >= prefix.encode() and below)


@given(st.text(max_size=50).filter(lambda text: text == text.encode(errors="ignore").decode()))
def test_a_marker_comes_back(start: str) -> None:
    marker = encode_marker(start)
    assert quote(marker, safe="") == marker
    assert decode_marker(marker) == start


class Counting:
    """A store that counts statements and rows."""

    def __init__(self, blob: BlobClient) -> None:
        self._store = blob.store
        self.statements = self.read = 0

    async def rows(self, sql: str, params: Sequence[SqlValue] = ()) -> list[Row]:
        rows = await self._store.rows(sql, params)
        self.statements += 1
        self.read += len(rows)
        return rows


async def test_a_page_costs_what_it_shows_and_no_more(blob: BlobClient) -> None:
    ident = await fill(blob, [f"{folder:03}/{n:03}" for folder in range(40) for n in range(300)])
    store = Counting(blob)
    page = await list_page(store, ident, Query("", "/", Position(), 20))  # type: ignore[arg-type]
    assert (page.entries, page.next_start) == ([f"{n:03}/" for n in range(20)], Position("020/"))
    assert store.statements <= 22
    assert store.read <= 21 + 2 * 22
    flat = Counting(blob)
    await list_page(flat, ident, Query("", "", Position(), 5000))  # type: ignore[arg-type]
    assert (flat.statements, flat.read) == (21, 5250)


async def test_the_largest_page_leaves_the_loop_to_others(blob: BlobClient) -> None:
    await fill(blob, [f"{n:05}" for n in range(5100)])
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(tick())
    answer = await blob.send("GET", "/box", "restype=container&comp=list&maxresults=9999")
    other.cancel()
    assert len(answer.xml().findall("Blobs/Blob")) == 5000
    assert decode_marker(answer.xml().findtext("NextMarker") or "") == "05000"
    assert turns > 20


async def test_an_entry_shows_what_the_blob_is(blob: BlobClient) -> None:
    await blob.container()
    put = await blob.put("/box/a/b%26c", b"text", **{"x-ms-meta-k": "v<", "x-ms-blob-content-language": "de"})
    page = (await blob.send("GET", "/box", "restype=container&comp=list&include=metadata,snapshots")).xml()
    assert (page.get("ContainerName"), page.findtext("NextMarker")) == ("box", "")
    entry = page.find("Blobs/Blob")
    assert entry is not None
    assert entry.findtext("Name") == "a/b&c"
    assert entry.findtext("Metadata/k") == "v<"
    shown = {child.tag: child.text for child in entry.findall("Properties/*")}
    assert shown == {
        "Creation-Time": put.headers["Last-Modified"],
        "Last-Modified": put.headers["Last-Modified"],
        "Etag": put.headers["ETag"].strip('"'),
        "Content-Length": "4",
        "Content-Type": "application/octet-stream",
        "Content-Encoding": None,
        "Content-Language": "de",
        "Content-MD5": put.headers["Content-MD5"],
        "Cache-Control": None,
        "Content-Disposition": None,
        "BlobType": "BlockBlob",
        "AccessTier": "Hot",
        "AccessTierInferred": "true",
        "LeaseStatus": "unlocked",
        "LeaseState": "available",
        "ServerEncrypted": "true",
    }


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("maxresults=0", "OutOfRangeQueryParameterValue"),
        ("maxresults=-1", "InvalidQueryParameterValue"),
        ("maxresults=many", "InvalidQueryParameterValue"),
        ("marker=%21%21", "InvalidQueryParameterValue"),
        ("marker=AAAA", "InvalidQueryParameterValue"),
        ("include=everything", "InvalidQueryParameterValue"),
    ],
)
async def test_a_query_that_makes_no_sense(blob: BlobClient, query: str, code: str) -> None:
    await blob.container()
    answer = await blob.send("GET", "/box", f"restype=container&comp=list&{query}")
    assert (answer.status, answer.code) == (400, code)

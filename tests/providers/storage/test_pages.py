"""Page blobs: writing, clearing, resizing, sequence numbers; ranges and their changes; what the collector merges."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import os
import tracemalloc
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError
from azure.storage.blob import BlobType, ContentSettings, SequenceNumberAction
from hypothesis import given, settings
from hypothesis import strategies as st

from keyless.http.message import Body
from keyless.providers.storage.crc64 import load_crc64, write_crc64
from keyless.providers.storage.page_ranges import PageRange, changed, joined
from keyless.providers.storage.tables import page_garbage
from keyless.providers.storage.tables.page_map import Piece
from tests.providers.storage.harness import ACCOUNT, Answer, BlobClient, blob_client, chunked, read_answer
from tests.providers.storage.test_client import MIB, Client
from tests.providers.storage.test_copying import SHOP, copy
from tests.providers.storage.test_past import collected, keep, snapshot

LEASE = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
PAGE = 512
KIB = 1024
TIB = MIB * MIB


async def create(blob: BlobClient, size: int, path: str = "/box/b", **headers: str) -> Answer:
    fields = {"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": str(size)}
    return await blob.send(
        "PUT", path, "", headers=fields | {name.replace("_", "-"): value for name, value in headers.items()}
    )


async def write(
    blob: BlobClient, start: int, data: bytes | Body, path: str = "/box/b", size: int = -1, **headers: str
) -> Answer:
    """Write pages; `_` in the name of a header stands for `-`."""
    size = len(data) if isinstance(data, bytes) else size
    fields = {"x-ms-page-write": "update", "x-ms-range": f"bytes={start}-{start + size - 1}"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await blob.send("PUT", path, "comp=page", data, headers=fields)


async def clear(blob: BlobClient, start: int, size: int, path: str = "/box/b", **headers: str) -> Answer:
    fields = {"x-ms-page-write": "clear", "x-ms-range": f"bytes={start}-{start + size - 1}"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await blob.send("PUT", path, "comp=page", headers=fields)


async def ranges(blob: BlobClient, path: str = "/box/b", query: str = "", **headers: str) -> list[tuple[int, int]]:
    """The ranges of a page list, ends exclusive; cleared ones negative."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await blob.send("GET", path, f"comp=pagelist{query}", headers=fields)
    assert answer.status == 200, answer.body
    assert answer.xml().findtext("NextMarker") == ""
    found = []
    for entry in answer.xml():
        if entry.tag != "NextMarker":
            sign = -1 if entry.tag == "ClearRange" else 1
            found.append((sign * int(entry.findtext("Start") or ""), sign * (int(entry.findtext("End") or "") + 1)))
    return found


@pytest.fixture
async def box(blob: BlobClient) -> BlobClient:
    await blob.container()
    assert (await create(blob, 4 * MIB)).status == 201
    return blob


async def test_a_new_one_is_zeros(blob: BlobClient) -> None:
    await blob.container()
    made = await create(blob, 3 * MIB, x_ms_meta_k="v", x_ms_blob_sequence_number="7", x_ms_tags="a=1")
    assert made.status == 201
    seen = await blob.send("GET", "/box/b")
    assert (seen.body, seen.headers["ETag"]) == (bytes(3 * MIB), made.headers["ETag"])
    names = ("x-ms-blob-type", "x-ms-blob-sequence-number", "x-ms-meta-k", "x-ms-tag-count")
    assert [seen.headers[name] for name in names] == ["PageBlob", "7", "v", "1"]
    assert not {"x-ms-access-tier", "Content-MD5", "x-ms-blob-committed-block-count"} & set(seen.headers)
    assert await ranges(blob) == []
    entry = (await blob.send("GET", "/box", "restype=container&comp=list")).xml().find("Blobs/Blob/Properties")
    assert entry is not None
    found = [entry.findtext(name) for name in ("BlobType", "Content-Length", "x-ms-blob-sequence-number", "AccessTier")]
    assert found == ["PageBlob", str(3 * MIB), "7", None]
    assert (await create(blob, 0, "/box/empty")).status == 201
    assert (await blob.send("GET", "/box/empty")).body == b""


async def test_writes_and_clears(box: BlobClient) -> None:
    whole = bytearray(4 * MIB)
    for start, size in ((0, PAGE), (MIB, MIB), (MIB + 512, 70 * KIB), (3 * MIB + PAGE, MIB - PAGE), (0, 4 * MIB)):
        data = os.urandom(size)
        done = await write(box, start, chunked(data), size=size)
        assert (done.status, done.headers["x-ms-blob-sequence-number"]) == (201, "0"), done.body
        assert done.headers["Content-MD5"] == base64.b64encode(hashlib.md5(data).digest()).decode()
        whole[start : start + size] = data
        seen = await box.send("GET", "/box/b")
        assert (seen.body, seen.headers["ETag"]) == (bytes(whole), done.headers["ETag"])
        assert len(seen.headers.keys() & {"Content-MD5"}) == 0
    cleared = await clear(box, 10 * PAGE, 2 * MIB)
    assert (cleared.status, "Content-MD5" in cleared.headers) == (201, False)
    whole[10 * PAGE : 10 * PAGE + 2 * MIB] = bytes(2 * MIB)
    assert (await box.send("GET", "/box/b")).body == bytes(whole)
    assert await ranges(box) == [(0, 10 * PAGE), (10 * PAGE + 2 * MIB, 4 * MIB)]
    part = await box.send("GET", "/box/b", headers={"Range": "bytes=5000-2200000"})
    assert part.body == whole[5000:2_200_001]
    assert await collected(box) == 1
    assert (await box.send("GET", "/box/b")).body == bytes(whole)


async def test_requests_that_make_no_sense(box: BlobClient) -> None:
    await write(box, 0, b"x" * PAGE)
    etag = (await box.send("HEAD", "/box/b")).headers["ETag"]
    update = {"x-ms-page-write": "update", "x-ms-range": "bytes=0-511"}
    refused: list[tuple[dict[str, str], bytes, int, str]] = [
        ({"x-ms-range": "bytes=1-512"}, bytes(512), 416, "InvalidPageRange"),
        ({"x-ms-range": "bytes=0-510"}, bytes(511), 416, "InvalidPageRange"),
        ({"x-ms-range": "bytes=0-"}, bytes(512), 416, "InvalidPageRange"),
        ({"x-ms-range": "bytes=-512"}, bytes(512), 416, "InvalidPageRange"),
        ({"x-ms-range": f"bytes={4 * MIB}-{4 * MIB + 511}"}, bytes(512), 416, "InvalidPageRange"),
        ({"x-ms-range": f"bytes={4 * MIB - 512}-{4 * MIB + 511}"}, bytes(1024), 416, "InvalidPageRange"),
        ({"x-ms-range": "bytes=0-1023"}, bytes(512), 400, "InvalidHeaderValue"),
        ({"x-ms-range": "pages"}, bytes(512), 400, "InvalidHeaderValue"),
        ({"x-ms-range": ""}, bytes(512), 400, "InvalidHeaderValue"),
        ({"x-ms-page-write": ""}, bytes(512), 400, "InvalidHeaderValue"),
        ({"x-ms-page-write": "clear"}, bytes(512), 400, "InvalidHeaderValue"),
        ({"x-ms-page-write": "erase"}, bytes(512), 400, "InvalidHeaderValue"),
        ({"Content-MD5": base64.b64encode(bytes(16)).decode()}, bytes(512), 400, "Md5Mismatch"),
        ({"If-Match": '"0x1"'}, bytes(512), 412, "ConditionNotMet"),
        ({"x-ms-if-tags": "\"a\" = '1'"}, bytes(512), 412, "ConditionNotMet"),
        (
            {"x-ms-lease-id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
            bytes(512),
            412,
            "LeaseNotPresentWithBlobOperation",
        ),
        ({"x-ms-if-sequence-number-le": "x"}, bytes(512), 400, "InvalidHeaderValue"),
    ]
    for headers, body, status, code in refused:
        answer = await box.send("PUT", "/box/b", "comp=page", body, headers=update | headers)
        assert (answer.status, answer.code) == (status, code), headers
    assert (await box.send("PUT", "/box/b", "comp=page", headers={"x-ms-page-write": "update"})).status == 400
    short = await write(box, 0, Body(chunked(bytes(PAGE)).stream(), None), size=2 * PAGE)
    assert (short.status, short.code) == (400, "InvalidHeaderValue")
    await create(box, 8 * MIB, "/box/big")
    large = await write(box, 0, chunked(bytes(4 * MIB + PAGE)), "/box/big", 4 * MIB + PAGE)
    assert (large.status, large.code) == (413, "RequestBodyTooLarge")
    assert (await write(box, 0, b"x" * PAGE, "/box/none")).code == "BlobNotFound"
    assert (await box.send("HEAD", "/box/b")).headers["ETag"] == etag
    assert (await box.send("GET", "/box/b", headers={"Range": "bytes=0-1023"})).body == b"x" * PAGE + bytes(PAGE)


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({"x-ms-blob-content-length": "511"}, b"", "InvalidHeaderValue"),
        ({"x-ms-blob-content-length": "-512"}, b"", "InvalidHeaderValue"),
        ({"x-ms-blob-content-length": str(8 * TIB + 512)}, b"", "InvalidHeaderValue"),
        ({"x-ms-blob-sequence-number": str(2**63)}, b"", "InvalidHeaderValue"),
        ({}, bytes(512), "InvalidHeaderValue"),
        ({"x-ms-access-tier": "Hot"}, b"", "UnsupportedHeader"),
    ],
)
async def test_making_one_wrongly(blob: BlobClient, headers: dict[str, str], body: bytes, code: str) -> None:
    await blob.container()
    fields = {"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": "512"}
    answer = await blob.send("PUT", "/box/b", "", body, headers=fields | headers)
    assert (answer.status, answer.code) == (400, code)
    missing = await blob.send("PUT", "/box/b", "", headers={"x-ms-blob-type": "PageBlob"})
    assert (missing.status, missing.code) == (400, "MissingRequiredHeader")
    assert (await blob.send("HEAD", "/box/b")).status == 404


async def test_types_do_not_mix(box: BlobClient) -> None:
    await write(box, 0, b"x" * PAGE)
    await box.put("/box/block", b"block")
    block_list = b"<BlockList><Latest>AAAA</Latest></BlockList>"
    for method, query, headers, body in (
        ("PUT", "", {"x-ms-blob-type": "BlockBlob"}, b"x"),
        ("PUT", "", {"x-ms-blob-type": "AppendBlob"}, b""),
        ("PUT", "comp=block&blockid=AAAA", {}, b"x"),
        ("PUT", "comp=blocklist", {}, block_list),
        ("GET", "comp=blocklist", {}, b""),
        ("PUT", "comp=appendblock", {}, b"x"),
        ("PUT", "comp=seal", {}, b""),
        ("PUT", "comp=tier", {"x-ms-access-tier": "Cool"}, b""),
        ("PUT", "", {"x-ms-copy-source": f"{SHOP}/box/block"}, b""),
    ):
        answer = await box.send(method, "/box/b", query, body, headers=headers)
        assert (answer.status, answer.code) == (409, "InvalidBlobType"), query
    for answer in (
        await write(box, 0, b"x" * PAGE, "/box/block"),
        await clear(box, 0, PAGE, "/box/block"),
        await create(box, PAGE, "/box/block"),
        await box.send("GET", "/box/block", "comp=pagelist"),
        await box.send("PUT", "/box/block", "comp=properties", headers={"x-ms-blob-content-length": "512"}),
        await copy(box, "/box/block", f"{SHOP}/box/b"),
    ):
        assert (answer.status, answer.code) == (409, "InvalidBlobType")
    assert (await box.send("GET", "/box/block")).body == b"block"
    assert (await box.send("GET", "/box/b")).body == b"x" * PAGE + bytes(4 * MIB - PAGE)


async def test_sequence_numbers(box: BlobClient) -> None:
    async def change(action: str, number: str = "") -> Answer:
        fields = {"x-ms-sequence-number-action": action} | ({"x-ms-blob-sequence-number": number} if number else {})
        return await box.send("PUT", "/box/b", "comp=properties", headers=fields)

    for action, number, now in (
        ("update", "5", "5"), ("max", "3", "5"), ("max", "8", "8"), ("increment", "", "9"), ("update", "2", "2"),
    ):  # fmt: skip
        answer = await change(action, number)
        assert (answer.status, answer.headers["x-ms-blob-sequence-number"]) == (200, now)
    for action, number in (("max", ""), ("update", ""), ("increment", "3"), ("down", "1"), ("update", "x")):
        assert (await change(action, number)).code == "InvalidHeaderValue"
    only = await box.send("PUT", "/box/b", "comp=properties", headers={"x-ms-blob-sequence-number": "3"})
    assert only.code == "MissingRequiredHeader"
    for name, limit, good in (
        ("le", 2, True), ("le", 1, False), ("lt", 3, True), ("lt", 2, False), ("eq", 2, True), ("eq", 3, False),
    ):  # fmt: skip
        condition: dict[str, Any] = {f"x_ms_if_sequence_number_{name}": str(limit)}
        for answer in (
            await write(box, 0, b"x" * PAGE, **condition),
            await clear(box, PAGE, PAGE, **condition),
        ):
            assert answer.status == (201 if good else 412)
            assert answer.code == ("" if good else "SequenceNumberConditionNotMet")
    await change("update", str(2**63 - 1))
    assert (await change("increment")).code == "SequenceNumberIncrementTooLarge"


async def test_resizing(box: BlobClient) -> None:
    async def resize(size: int, **headers: str) -> Answer:
        fields = {"x-ms-blob-content-length": str(size)} | {n.replace("_", "-"): v for n, v in headers.items()}
        return await box.send("PUT", "/box/b", "comp=properties", headers=fields)

    await write(box, 0, b"1" * MIB, x_ms_blob_content_type="no")
    await box.send("PUT", "/box/b", "comp=properties", headers={"x-ms-blob-content-type": "a/b"})
    before = await snapshot(box)
    done = await resize(512 * KIB + PAGE)
    seen = await box.send("GET", "/box/b")
    assert (done.status, seen.body, seen.headers["ETag"]) == (200, b"1" * (512 * KIB + PAGE), done.headers["ETag"])
    assert seen.headers["Content-Type"] == "a/b"
    await resize(2 * MIB)
    # what was cut off does not come back
    assert (await box.send("GET", "/box/b")).body == (b"1" * (512 * KIB + PAGE)).ljust(2 * MIB, b"\0")
    assert (await box.send("GET", "/box/b", f"snapshot={before}")).body == (b"1" * MIB).ljust(4 * MIB, b"\0")
    both = await resize(PAGE, x_ms_blob_content_type="c/d", If_Match=(await resize(8 * TIB)).headers["ETag"])
    assert both.status == 200
    seen = await box.send("HEAD", "/box/b")
    assert seen.headers["Content-Type"] == "c/d"
    for size in ("100", str(8 * TIB + 512)):
        wrong = await box.send("PUT", "/box/b", "comp=properties", headers={"x-ms-blob-content-length": size})
        assert wrong.code == "InvalidHeaderValue"
    assert (await resize(0)).status == 200
    assert (await box.send("GET", "/box/b")).body == b""
    assert await collected(box) == 1


async def test_eight_tebibytes(blob: BlobClient) -> None:
    await blob.container()
    assert (await create(blob, 8 * TIB)).status == 201
    assert (await write(blob, 8 * TIB - PAGE, b"e" * PAGE)).status == 201
    assert (await write(blob, 4 * TIB, b"m" * PAGE)).status == 201
    seen = await blob.send("GET", "/box/b", headers={"Range": f"bytes={8 * TIB - 1024}-"})
    assert seen.body == bytes(PAGE) + b"e" * PAGE
    assert await ranges(blob) == [(4 * TIB, 4 * TIB + PAGE), (8 * TIB - PAGE, 8 * TIB)]
    assert (await clear(blob, 0, 8 * TIB)).status == 201
    assert await ranges(blob) == []


async def test_reads_of_nothing_take_no_memory(blob: BlobClient) -> None:
    await blob.container()
    await create(blob, 256 * MIB)
    await write(blob, 100 * MIB, b"x" * PAGE)
    tracemalloc.start()
    try:
        response = await blob.kernel.dispatch(blob.request("GET", "/box/b"))
        assert not isinstance(response.body, bytes)
        total = 0
        async for piece in response.body:
            total += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (total, peak < 8 * MIB) == (256 * MIB, True)


async def test_a_reader_keeps_what_it_began_to_read(box: BlobClient) -> None:
    first = os.urandom(4 * MIB)
    await write(box, 0, chunked(first), size=4 * MIB)
    response = await box.kernel.dispatch(box.request("GET", "/box/b"))
    for start in range(0, 4 * MIB, 512 * KIB):
        await write(box, start, b"2" * (512 * KIB))
    await collected(box)
    assert (await read_answer(response)).body == first
    del response
    gc.collect()
    assert (await box.send("GET", "/box/b")).body == b"2" * (4 * MIB)
    assert await collected(box) == 8


async def test_ranges_and_changes(box: BlobClient) -> None:
    await write(box, 0, b"1" * (4 * PAGE))
    await write(box, 4 * PAGE, b"1" * PAGE)
    await write(box, 10 * PAGE, b"1" * (70 * KIB))
    assert await ranges(box) == [(0, 5 * PAGE), (10 * PAGE, 10 * PAGE + 70 * KIB)]
    assert await ranges(box, Range="bytes=513-5300") == [(PAGE, 5 * PAGE), (10 * PAGE, 11 * PAGE)]
    first = await snapshot(box)
    await write(box, 2 * PAGE, b"2" * PAGE)
    await clear(box, 10 * PAGE, 2 * PAGE)
    await write(box, 11 * PAGE, b"2" * PAGE)
    second = await snapshot(box)
    await clear(box, 0, 4 * MIB)
    since = [(2 * PAGE, 3 * PAGE), (-10 * PAGE, -11 * PAGE), (11 * PAGE, 12 * PAGE)]
    assert await ranges(box, query=f"&snapshot={second}&prevsnapshot={first}") == since
    assert await ranges(box, query=f"&snapshot={second}&prevsnapshot={second}") == []
    assert await ranges(box, query=f"&prevsnapshot={second}") == [
        (0, -5 * PAGE), (-11 * PAGE, -(10 * PAGE + 70 * KIB)),
    ]  # fmt: skip
    assert await ranges(box, query=f"&snapshot={first}") == [(0, 5 * PAGE), (10 * PAGE, 10 * PAGE + 70 * KIB)]
    for query, status, code in (
        (f"&snapshot={first}&prevsnapshot={second}", 400, "PreviousSnapshotCannotBeNewer"),
        ("&prevsnapshot=2020-01-01T00:00:00.0000000Z", 409, "PreviousSnapshotNotFound"),
        ("&prevsnapshot=yesterday", 400, "InvalidQueryParameterValue"),
        ("&marker=nonsense", 400, "InvalidQueryParameterValue"),
        ("&maxresults=0", 400, "OutOfRangeQueryParameterValue"),
    ):
        answer = await box.send("GET", "/box/b", f"comp=pagelist{query}")
        assert (answer.status, answer.code) == (status, code), query
    beyond = await box.send("GET", "/box/b", "comp=pagelist", headers={"Range": f"bytes={4 * MIB}-"})
    assert (beyond.status, beyond.code) == (416, "InvalidRange")
    fields = {"If-None-Match": (await box.send("HEAD", "/box/b")).headers["ETag"]}
    assert (await box.send("GET", "/box/b", "comp=pagelist", headers=fields)).status == 304


async def test_changes_since_the_name_was_another_types(box: BlobClient) -> None:
    await keep(box, days=1)
    await box.put("/box/c", b"block")
    block = await snapshot(box, "/box/c")
    await box.send("DELETE", "/box/c", headers={"x-ms-delete-snapshots": "include"})
    await create(box, MIB, "/box/c")
    assert (await box.send("PUT", "/box/c", "comp=undelete")).status == 200
    answer = await box.send("GET", "/box/c", f"comp=pagelist&prevsnapshot={block}")
    assert (answer.status, answer.code) == (409, "PreviousSnapshotOperationNotSupported")
    assert (await box.send("GET", "/box/c", f"comp=pagelist&snapshot={block}")).code == "InvalidBlobType"
    assert (await box.send("GET", "/box/c", f"snapshot={block}")).body == b"block"


async def test_ranges_come_in_pages(box: BlobClient) -> None:
    wanted = [(n * 2 * PAGE, n * 2 * PAGE + PAGE) for n in range(20)]
    for start, _ in wanted:
        await write(box, start, b"x" * PAGE)
    found: list[tuple[int, int]] = []
    marker, count = "", 0
    while True:
        answer = await box.send("GET", "/box/b", f"comp=pagelist&maxresults=7&marker={marker}")
        entries = answer.xml().findall("PageRange")
        assert len(entries) <= 7
        found += [(int(e.findtext("Start") or ""), int(e.findtext("End") or "") + 1) for e in entries]
        marker, count = answer.xml().findtext("NextMarker") or "", count + 1
        if not marker:
            break
    assert (found, count) == (wanted, 3)
    # older versions know no pages
    assert await ranges(box, query="&maxresults=7", x_ms_version="2020-08-04") == wanted


PIECES = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(0, 2), st.integers(0, 3)), max_size=6)


@given(PIECES, PIECES)
def test_changes_agree_with_a_comparison_page_by_page(old: list[Any], new: list[Any]) -> None:
    def laid_out(steps: list[tuple[int, int, int, int]]) -> list[Piece]:
        pieces, at = [], 0
        for gap, size, part, skip in steps:
            pieces.append(Piece(at + gap, size, b"%d" % part, 100, skip))
            at += gap + size
        return pieces

    def by_page(pieces: list[Piece]) -> dict[int, tuple[bytes, int]]:
        return {p.start + n: (p.part, p.skip + n) for p in pieces for n in range(p.size)}

    async def every() -> list[PageRange]:
        async def stream(pieces: list[Piece]) -> Any:
            for piece in pieces:
                yield piece

        return [found async for found in joined(changed(stream(before), stream(after)))]

    before, after = laid_out(old), laid_out(new)
    was, now = by_page(before), by_page(after)
    found = asyncio.run(every())
    written = {n for r in found if not r.cleared for n in range(r.start, r.end)}
    cleared = {n for r in found if r.cleared for n in range(r.start, r.end)}
    assert written == {n for n in now if was.get(n) != now[n]}
    assert cleared == set(was) - set(now)
    assert all((a.end, a.cleared) != (b.start, b.cleared) for a, b in pairwise(found))
    assert [r.start for r in found] == sorted(r.start for r in found)


async def test_small_pieces_are_merged(box: BlobClient) -> None:
    data = bytearray(4 * MIB)
    for n in range(128):
        at = n * 37 % 128 * PAGE
        data[at : at + PAGE] = os.urandom(PAGE)
        await write(box, at, bytes(data[at : at + PAGE]))
    etag = (await box.send("HEAD", "/box/b")).headers["ETag"]
    await collected(box)
    await collected(box)
    assert await box.store.row("SELECT count(*) FROM storage_page") == (1,)
    assert await box.store.row("SELECT count(*) FROM storage_part") == (1,)
    seen = await box.send("GET", "/box/b")
    assert (seen.body, seen.headers["ETag"]) == (bytes(data), etag)
    assert await ranges(box) == [(0, 64 * KIB)]


async def test_no_large_file_is_kept_for_a_small_rest(box: BlobClient) -> None:
    # each write leaves one page of the one before
    data = bytearray(4 * MIB)
    for n in range(6):
        body = bytes([65 + n]) * MIB
        data[n * PAGE : n * PAGE + MIB] = body
        await write(box, n * PAGE, body)
    for _ in range(4):
        left = await collected(box)
    assert left == 1
    assert await box.store.rows("SELECT 1 FROM storage_ragged") == []
    assert (await box.send("GET", "/box/b")).body == bytes(data)


async def test_a_write_while_a_cell_is_being_merged(box: BlobClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(12):
        await write(box, n * PAGE, bytes([65 + n]) * PAGE)
    merge, tries = page_garbage.merge, 0

    def late(tx: Any, **more: Any) -> bool:
        nonlocal tries
        tries += 1
        if tries == 1:
            # as if a write had come before it
            more["run"] = [replace(more["run"][0], skip=512), *more["run"][1:]]
        return merge(tx, **more)

    monkeypatch.setattr(page_garbage, "merge", late)
    await collected(box)
    assert await box.store.row("SELECT count(*) FROM storage_ragged") == (1,)
    await collected(box)
    await collected(box)
    assert tries == 2
    assert await box.store.row("SELECT count(*) FROM storage_page") == (1,)
    assert (await box.send("GET", "/box/b", headers={"Range": "bytes=5632-6143"})).body == b"L" * PAGE


async def test_pages_from_a_url(box: BlobClient) -> None:
    data = os.urandom(2 * MIB)
    await box.put("/box/source", data)
    fields = {"x-ms-copy-source": f"{SHOP}/box/source", "x-ms-page-write": "update", "x-ms-range": "bytes=512-102911"}
    for more, status, code in (
        ({"x-ms-source-range": "bytes=7-102406"}, 201, ""),
        ({"x-ms-source-range": "bytes=7-102407"}, 400, "InvalidHeaderValue"),
        ({"x-ms-source-range": "bytes=7-102406", "x-ms-page-write": "clear"}, 400, "InvalidHeaderValue"),
        ({"x-ms-source-range": "bytes=7-102406", "x-ms-if-sequence-number-lt": "0"}, 412, ""),
        ({"x-ms-source-range": "bytes=7-102406", "x-ms-copy-source": f"{SHOP}/box/no"}, 404, "CannotVerifyCopySource"),
    ):
        answer = await box.send("PUT", "/box/b", "comp=page", headers=fields | more)
        assert answer.status == status, answer.body
        assert code in {"", answer.code}
    seen = await box.send("GET", "/box/b", headers={"Range": "bytes=0-103423"})
    assert seen.body == bytes(512) + data[7:102_407] + bytes(512)


async def test_checksums(box: BlobClient) -> None:
    pytest.importorskip("awscrt")
    wrong = base64.b64encode(bytes(8)).decode()
    assert (await write(box, 0, b"x" * PAGE, x_ms_content_crc64=wrong)).code == "Crc64Mismatch"
    right = write_crc64(load_crc64()(b"x" * PAGE, 0))
    assert (await write(box, 0, b"x" * PAGE, x_ms_content_crc64=right)).status == 201


async def test_who_may_write(box: BlobClient) -> None:
    for role in ("adder", "reader", "contributor"):
        box.access.grant(role, role, str(ACCOUNT))
    for who, allowed in (("adder", False), ("reader", False), ("contributor", True)):
        fields = {"x-ms-page-write": "clear", "x-ms-range": "bytes=0-511"}
        answer = await box.send("PUT", "/box/b", "comp=page", headers=fields, token=who)
        assert answer.status == (201 if allowed else 403)
    assert (await box.send("GET", "/box/b", "comp=pagelist", token="adder")).status == 403
    assert (await box.send("GET", "/box/b", "comp=pagelist", token="reader")).status == 200


async def test_nothing_lies_in_clear_and_a_failure_leaves_nothing(box: BlobClient) -> None:
    secret = b"the recipe of the sauce ".ljust(PAGE, b".")
    await write(box, 0, secret)
    await write(box, MIB, secret * 200)
    everything = b"".join(path.read_bytes() for path in box.folder.rglob("*") if path.is_file())
    assert b"recipe" not in everything
    wrong = base64.b64encode(bytes(16)).decode()
    assert (await write(box, 0, bytes(MIB), Content_MD5=wrong)).code == "Md5Mismatch"
    assert await collected(box) == 1


# any sequence

PAGES = 1024
NAMES = ("a", "b")


@dataclass
class Model:
    """Of each blob, of each snapshot: by page, the number of the write that it is from, or 0."""

    blobs: dict[str, list[int]] = field(default_factory=dict)
    snapshots: dict[tuple[str, str], list[int]] = field(default_factory=dict)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["write"] * 6 + ["small"] * 6 + ["snapshot", "collect"] * 2
            + ["clear", "resize", "copy", "copy-snapshot", "drop", "create"]
        ),
        st.sampled_from(NAMES),
        st.integers(0, PAGES - 1),
        st.integers(1, PAGES // 2),
    ),
    max_size=30,
)  # fmt: skip


def body_of(pages: Iterable[int]) -> bytes:
    return b"".join(bytes([number % 251 + 1]) * PAGE if number else bytes(PAGE) for number in pages)


def test_any_sequence_agrees_with_the_model(tmp_path_factory: pytest.TempPathFactory) -> None:
    @settings(max_examples=40, deadline=None)
    @given(STEPS)
    def check_all(steps: list[tuple[str, str, int, int]]) -> None:
        asyncio.run(run(tmp_path_factory.mktemp("pages"), steps))

    check_all()


async def run(folder: Path, steps: list[tuple[str, str, int, int]]) -> None:
    async with blob_client(folder) as blob:
        await blob.container()
        model = Model()
        for name in NAMES:
            await create(blob, PAGES * PAGE, f"/box/{name}")
            model.blobs[name] = [0] * PAGES
        for number, (step, name, at, size) in enumerate(steps, 1):
            blob.clock.now += 1
            await apply(blob, model, step, name, at, size, number)
            assert (await blob.send("GET", f"/box/{name}")).body == body_of(model.blobs[name])
        await agrees(blob, model)
        for _ in range(3):
            await collected(blob)
        await agrees(blob, model)
        for name in NAMES:
            await blob.send("DELETE", f"/box/{name}", headers={"x-ms-delete-snapshots": "include"})
        assert await collected(blob) == 0
        for table in ("storage_page", "storage_ragged", "storage_manifest", "storage_part"):
            assert await blob.store.rows(f"SELECT * FROM {table}") == [], table


async def apply(blob: BlobClient, model: Model, step: str, name: str, at: int, size: int, number: int) -> None:
    path, pages = f"/box/{name}", model.blobs[name]
    if step == "small":
        at, size = at % 200, size % 3 + 1
    at = min(at, max(0, len(pages) - 1))
    size = min(size, len(pages) - at)
    if step in {"write", "small"} and size:
        answer = await write(blob, at * PAGE, body_of([number] * size), path)
        assert answer.status == 201, answer.body
        pages[at : at + size] = [number] * size
    elif step == "clear" and size:
        assert (await clear(blob, at * PAGE, size * PAGE, path)).status == 201
        pages[at : at + size] = [0] * size
    elif step == "resize":
        fields = {"x-ms-blob-content-length": str(at * PAGE)}
        assert (await blob.send("PUT", path, "comp=properties", headers=fields)).status == 200
        model.blobs[name] = (pages + [0] * (at - len(pages)))[:at]
    elif step == "snapshot":
        model.snapshots[name, await snapshot(blob, path)] = list(pages)
    elif step == "copy":
        other = NAMES[1 - NAMES.index(name)]
        assert (await copy(blob, f"/box/{other}", f"{SHOP}{path}")).status == 202
        model.blobs[other] = list(pages)
    elif step == "create":
        assert (await create(blob, PAGES * PAGE, path)).status == 201
        model.blobs[name] = [0] * PAGES
    elif step == "collect":
        await collected(blob)
    elif model.snapshots:
        source, moment = sorted(model.snapshots)[at % len(model.snapshots)]
        if step == "copy-snapshot":
            assert (await copy(blob, path, f"{SHOP}/box/{source}?snapshot={moment}")).status == 202
            model.blobs[name] = list(model.snapshots[source, moment])
        elif step == "drop":
            assert (await blob.send("DELETE", f"/box/{source}", f"snapshot={moment}")).status == 202
            del model.snapshots[source, moment]


async def agrees(blob: BlobClient, model: Model) -> None:
    every = {(name, ""): pages for name, pages in model.blobs.items()} | model.snapshots
    for (name, moment), pages in every.items():
        at = f"snapshot={moment}" if moment else ""
        assert (await blob.send("GET", f"/box/{name}", at)).body == body_of(pages)
        assert await ranges(blob, f"/box/{name}", f"&{at}" if at else "") == spans(map(bool, pages))
        for (other, before), old in model.snapshots.items():
            if other == name and (not moment or before <= moment):
                query = f"&prevsnapshot={before}" + (f"&{at}" if at else "")
                check_changes(await ranges(blob, f"/box/{name}", query), old, pages)


def spans(pages: Iterable[bool]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number, there in enumerate(pages):
        if not there:
            continue
        start = number * PAGE
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], start + PAGE)
        else:
            found.append((start, start + PAGE))
    return found


def check_changes(found: list[tuple[int, int]], old: list[int], new: list[int]) -> None:
    """All that changed is told, and what is told besides was merged: it is there, and the same."""
    written = {n for start, end in found if end > 0 for n in range(start // PAGE, end // PAGE)}
    cleared = {n for start, end in found if end < 0 for n in range(-start // PAGE, -end // PAGE)}
    old = (old + [0] * len(new))[: len(new)]
    assert {n for n, (a, b) in enumerate(zip(old, new, strict=True)) if b and a != b} <= written
    assert all(new[n] for n in written)
    assert cleared == {n for n, (a, b) in enumerate(zip(old, new, strict=True)) if a and not b}


# the official client


@pytest.fixture
async def client(blob: BlobClient) -> Client:
    client = Client(blob)
    await client.run(lambda s: s.create_container("box"))
    return client


async def test_the_official_client(client: Client) -> None:
    def work(service: Any) -> None:
        disk = service.get_blob_client("box", "disk")
        disk.create_page_blob(4096, content_settings=ContentSettings("a/b"), sequence_number=3)
        disk.upload_page(b"1" * 1024, 0, 1024, validate_content=True)
        disk.upload_page(b"2" * 512, 2048, 512, if_sequence_number_eq=3)
        with pytest.raises(HttpResponseError, match="SequenceNumberConditionNotMet"):
            disk.upload_page(b"2" * 512, 2048, 512, if_sequence_number_lt=3)
        old = disk.create_snapshot()
        disk.clear_page(512, 512)
        assert disk.download_blob().readall() == b"1" * 512 + bytes(1536) + b"2" * 512 + bytes(1536)
        assert [(r.start, r.end, r.cleared) for r in disk.list_page_ranges()] == [(0, 511, False), (2048, 2559, False)]
        assert [(r.start, r.end) for r in disk.list_page_ranges(offset=1024, length=3072)] == [(2048, 2559)]
        changes = [(r.start, r.end, r.cleared) for r in disk.list_page_ranges(previous_snapshot=old)]
        assert changes == [(512, 1023, True)]
        with pytest.warns(DeprecationWarning, match="list_page_ranges"):
            old_way = disk.get_page_ranges()
        assert old_way == ([{"start": 0, "end": 511}, {"start": 2048, "end": 2559}], [])
        assert len(list(disk.list_page_ranges(results_per_page=1))) == 2
        disk.resize_blob(8192)
        disk.set_sequence_number(SequenceNumberAction.Increment)
        seen = disk.get_blob_properties()
        assert (seen.blob_type, seen.size, seen.page_blob_sequence_number) == (BlobType.PAGEBLOB, 8192, 4)
        assert seen.content_settings.content_type == "a/b"
        (listed,) = service.get_container_client("box").list_blobs()
        assert (listed.blob_type, listed.page_blob_sequence_number) == ("PageBlob", 4)
        with pytest.raises(ResourceExistsError, match="InvalidBlobType"):
            disk.upload_blob(b"block", overwrite=True)

    await client.run(work)


async def test_the_official_clients_upload(client: Client) -> None:
    data = os.urandom(MIB) + bytes(8 * MIB) + os.urandom(MIB + 512)

    def work(service: Any) -> None:
        disk = service.get_blob_client("box", "disk")
        disk.upload_blob(data, blob_type=BlobType.PAGEBLOB)
        assert disk.download_blob(max_concurrency=2).readall() == data
        with pytest.raises((ResourceExistsError, ResourceModifiedError), match="BlobAlreadyExists"):
            disk.upload_blob(data, blob_type=BlobType.PAGEBLOB)
        copied = service.get_blob_client("box", "copy")
        copied.start_copy_from_url(disk.url)
        copied.upload_pages_from_url(disk.url, 0, 512, len(data) - 512, source_authorization="Bearer owner")
        assert copied.download_blob().readall() == data[-512:] + data[512:]
        assert disk.download_blob(0, 512).readall() == data[:512]
        sparse = sum(r.end - r.start + 1 for r in disk.list_page_ranges())
        assert sparse == len(data) - 4 * MIB  # the client leaves out chunks of zeros

    await client.run(work)

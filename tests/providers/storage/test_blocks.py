"""Blocks: staging, committing, and a model that says what the blob must be after any sequence of these."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyless.providers.storage.tables import blocks as block_table
from tests.providers.storage.harness import Answer, BlobClient, blob_client, chunked


def block_id(number: int, size: int = 6) -> str:
    return base64.b64encode(number.to_bytes(size, "big")).decode()


def block_list(*entries: tuple[str, str]) -> bytes:
    inner = "".join(f"<{source}>{block}</{source}>" for source, block in entries)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<BlockList>\n {inner}\n</BlockList>'.encode()


async def put_block(blob: BlobClient, block: str, data: bytes, **headers: str) -> Answer:
    query = f"comp=block&blockid={block.replace('+', '%2B').replace('/', '%2F').replace('=', '%3D')}"
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return await blob.send("PUT", "/box/b", query, chunked(data), headers=fields)


async def commit(blob: BlobClient, *entries: tuple[str, str], **headers: str) -> Answer:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return await blob.send("PUT", "/box/b", "comp=blocklist", block_list(*entries), headers=fields)


async def listed(blob: BlobClient) -> tuple[list[tuple[str, int]], list[tuple[str, int]]] | None:
    answer = await blob.send("GET", "/box/b", "comp=blocklist&blocklisttype=all")
    if answer.status == 404:
        assert answer.code == "BlobNotFound"
        return None
    both = [
        [(b.findtext("Name") or "", int(b.findtext("Size") or -1)) for b in answer.xml().findall(f"{kind}/Block")]
        for kind in ("CommittedBlocks", "UncommittedBlocks")
    ]
    return both[0], both[1]


async def test_blocks_become_the_blob_in_the_order_of_the_list(blob: BlobClient) -> None:
    await blob.container()
    bodies = [os.urandom(size) for size in (70_000, 1, 64 * 1024, 1_200_000)]
    for number, body in enumerate(bodies):
        assert (await put_block(blob, block_id(number), body)).status == 201
    assert (await blob.send("GET", "/box/b")).code == "BlobNotFound"
    done = await commit(
        blob,
        *[("Latest", block_id(n)) for n in (3, 0, 2, 1, 0)],
        **{"x-ms-blob-content-type": "a/b", "x-ms-meta-k": "v"},
    )
    assert done.status == 201
    whole = b"".join(bodies[n] for n in (3, 0, 2, 1, 0))
    got = await blob.send("GET", "/box/b")
    assert got.body == whole
    assert (got.headers["Content-Type"], got.headers["x-ms-meta-k"]) == ("a/b", "v")
    assert got.headers["ETag"] == done.headers["ETag"]
    assert "Content-MD5" not in got.headers
    for first, last in [(0, 0), (1_199_999, 1_200_000), (1_270_000, len(whole) - 1), (1_000_000, 1_336_000)]:
        part = await blob.send("GET", "/box/b", headers={"Range": f"bytes={first}-{last}"})
        assert part.body == whole[first : last + 1]


async def test_committing_the_same_list_again_works(blob: BlobClient) -> None:
    await blob.container()
    for number in range(3):
        await put_block(blob, block_id(number), bytes([number]) * 70_000)
    entries = [("Latest", block_id(n)) for n in range(3)]
    first = await commit(blob, *entries)
    second = await commit(blob, *entries)
    assert (second.status, second.headers["ETag"] != first.headers["ETag"]) == (201, True)
    await commit(blob, *[("Committed", block_id(n)) for n in (2, 0)])
    await blob.blobs.collector.collect()
    assert (await blob.send("GET", "/box/b")).body == b"\x02" * 70_000 + b"\x00" * 70_000
    assert blob.files() == await blob.live_files()
    assert len(blob.files()) == 2


@pytest.mark.parametrize(("source", "body"), [("Latest", b"new"), ("Uncommitted", b"new"), ("Committed", b"old")])
async def test_which_of_two_blocks_of_one_id_is_meant(blob: BlobClient, source: str, body: bytes) -> None:
    await blob.container()
    await put_block(blob, block_id(1), b"old")
    await commit(blob, ("Latest", block_id(1)))
    await put_block(blob, block_id(1), b"void")
    await put_block(blob, block_id(1), b"new")
    assert (await commit(blob, (source, block_id(1)))).status == 201
    assert (await blob.send("GET", "/box/b")).body == body
    assert await listed(blob) == ([(block_id(1), 3)], [])


@pytest.mark.parametrize("source", ["Latest", "Committed", "Uncommitted"])
async def test_a_list_that_names_a_block_that_was_not_put(blob: BlobClient, source: str) -> None:
    await blob.container()
    await put_block(blob, block_id(1), b"1")
    await commit(blob, ("Latest", block_id(1)))
    await put_block(blob, block_id(2), b"2")
    missing = block_id(2 if source == "Committed" else 1 if source == "Uncommitted" else 3)
    answer = await commit(blob, (source, missing))
    assert (answer.status, answer.code) == (400, "InvalidBlockList")
    assert (await blob.send("GET", "/box/b")).body == b"1"
    assert await listed(blob) == ([(block_id(1), 1)], [(block_id(2), 1)])


async def test_an_empty_list_makes_an_empty_blob(blob: BlobClient) -> None:
    await blob.container()
    await put_block(blob, block_id(1), b"void")
    assert (await commit(blob)).status == 201
    got = await blob.send("GET", "/box/b")
    assert (got.status, got.body) == (200, b"")
    assert await listed(blob) == ([], [])


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ("", "InvalidBlockId"),
        ("a", "InvalidBlockId"),
        ("####", "InvalidBlockId"),
        (base64.b64encode(bytes(65)).decode(), "InvalidBlockId"),
        (block_id(1, 5), "InvalidBlobOrBlock"),
    ],
)
async def test_block_ids_that_cannot_be(blob: BlobClient, block: str, code: str) -> None:
    await blob.container()
    await put_block(blob, block_id(1), b"1")
    answer = await put_block(blob, block, b"2")
    assert (answer.status, answer.code) == (400, code)
    assert await listed(blob) == ([], [(block_id(1), 1)])


async def test_a_block_needs_a_body_that_is_what_was_announced(blob: BlobClient) -> None:
    await blob.container()
    empty = await put_block(blob, block_id(1), b"")
    assert (empty.status, empty.code) == (400, "InvalidHeaderValue")
    digest = base64.b64encode(hashlib.md5(b"right").digest()).decode()
    wrong = await put_block(blob, block_id(1), b"wrong", Content_MD5=digest)
    assert (wrong.status, wrong.code) == (400, "Md5Mismatch")
    right = await put_block(blob, block_id(1), b"right", Content_MD5=digest)
    assert (right.status, right.headers["Content-MD5"]) == (201, digest)
    await put_block(blob, block_id(1), os.urandom(70_000), If_Match="*")
    assert await listed(blob) == ([], [(block_id(1), 5)])


async def test_conditions_of_a_commit(blob: BlobClient) -> None:
    await blob.container()
    await put_block(blob, block_id(1), b"1")
    assert (await commit(blob, ("Latest", block_id(1)), If_Match="*")).code == "ConditionNotMet"
    first = await commit(blob, ("Latest", block_id(1)), If_None_Match="*")
    assert first.status == 201
    await put_block(blob, block_id(2), b"2")
    assert (await commit(blob, ("Latest", block_id(2)), If_None_Match="*")).code == "BlobAlreadyExists"
    assert (await commit(blob, ("Latest", block_id(2)), If_Match=first.headers["ETag"])).status == 201
    assert (await blob.send("GET", "/box/b")).body == b"2"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<BlockList>",
        b"<Blocks></Blocks>",
        b"<BlockList><Newest>AAAA</Newest></BlockList>",
        b"<BlockList><Latest><b>AAAA</b></Latest></BlockList>",
        b"<BlockList>AAAA</BlockList>",
        b'<!DOCTYPE x [<!ENTITY a "AAAA">]><BlockList><Latest>&a;</Latest></BlockList>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><BlockList/>',
        b"<BlockList><Latest>" + b"A" * 5000 + b"</Latest></BlockList>",
        b"\xff\xfe<BlockList/>",
    ],
)
async def test_block_lists_that_cannot_be_read(blob: BlobClient, document: bytes) -> None:
    await blob.container()
    await put_block(blob, "AAAA", b"1")
    answer = await blob.send("PUT", "/box/b", "comp=blocklist", document)
    assert (answer.status, answer.code) == (400, "InvalidXmlDocument")
    assert await listed(blob) == ([], [("AAAA", 1)])


async def test_limits(blob: BlobClient, monkeypatch: pytest.MonkeyPatch) -> None:
    await blob.container()
    many = block_list(*[("Latest", "AAAA")] * 50_001)
    answer = await blob.send("PUT", "/box/b", "comp=blocklist", many)
    assert (answer.status, answer.code) == (400, "BlockListTooLong")
    huge = await blob.send("PUT", "/box/b", "comp=blocklist", chunked(b" " * (10 * 1024 * 1024 + 1), 1 << 20))
    assert (huge.status, huge.code) == (413, "RequestBodyTooLarge")
    monkeypatch.setattr(block_table, "MAX_UNCOMMITTED", 2)
    for number in range(2):
        assert (await put_block(blob, block_id(number), b"x")).status == 201
    full = await put_block(blob, block_id(2), b"x")
    assert (full.status, full.code) == (409, "BlockCountExceedsLimit")
    assert (await put_block(blob, block_id(1), b"again")).status == 201


async def test_a_long_list_commits_and_reads(blob: BlobClient) -> None:
    await blob.container()
    for number in range(3):
        await put_block(blob, block_id(number), bytes([number]) * (number + 1))
    entries = [("Latest", block_id(n % 3)) for n in range(3000)]
    assert (await commit(blob, *entries)).status == 201
    assert (await blob.send("GET", "/box/b")).body == b"\x00\x01\x01\x02\x02\x02" * 1000
    found = await listed(blob)
    assert found is not None
    assert found[0] == [(block_id(n % 3), n % 3 + 1) for n in range(3000)]


async def test_blocks_are_kept_a_week_after_the_last(blob: BlobClient) -> None:
    await blob.container()
    await put_block(blob, block_id(1), os.urandom(70_000))
    blob.clock.now += 6 * 24 * 3600
    await put_block(blob, block_id(2), b"2")
    blob.clock.now += 6 * 24 * 3600
    await blob.blobs.collector.collect()
    assert await listed(blob) == ([], [(block_id(1), 70_000), (block_id(2), 1)])
    blob.clock.now += 2 * 24 * 3600
    await blob.blobs.collector.collect()
    assert await listed(blob) is None
    assert (blob.files(), await blob.store.rows("SELECT id FROM storage_part")) == (set(), [])


SOURCES = ("Latest", "Committed", "Uncommitted")
BODIES = [b"", b"small", bytes(70_000), b"other" * 20_000]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("stage"), st.integers(0, 3), st.integers(1, 3)),
        st.tuples(st.just("commit"), st.lists(st.tuples(st.sampled_from(SOURCES), st.integers(0, 3)), max_size=5)),
        st.tuples(st.just("put"), st.integers(0, 3)),
        st.tuples(st.just("delete")),
        st.tuples(st.just("collect")),
    ),
    max_size=14,
)


@dataclass
class Model:
    body: bytes | None = None
    committed: list[tuple[str, bytes]] = field(default_factory=list)
    staged: dict[str, bytes] = field(default_factory=dict)

    def choose(self, entries: list[tuple[str, int]]) -> list[tuple[str, bytes]] | None:
        old = dict(self.committed)
        found = {"Latest": old | self.staged, "Committed": old, "Uncommitted": self.staged}
        if any(block_id(n) not in found[source] for source, n in entries):
            return None
        return [(block_id(n), found[source][block_id(n)]) for source, n in entries]


async def _step(blob: BlobClient, model: Model, step: tuple[object, ...]) -> None:
    match step:
        case ("stage", int(number), int(body)):
            assert (await put_block(blob, block_id(number), BODIES[body])).status == 201
            model.staged[block_id(number)] = BODIES[body]
        case ("commit", list(entries)):
            chosen = model.choose(entries)
            answer = await commit(blob, *[(source, block_id(n)) for source, n in entries])
            assert answer.status == (400 if chosen is None else 201)
            if chosen is not None:
                model.body, model.committed, model.staged = b"".join(b for _, b in chosen), chosen, {}
        case ("put", int(body)):
            assert (await blob.put("/box/b", BODIES[body])).status == 201
            model.body, model.committed, model.staged = BODIES[body], [], {}
        case ("delete",):
            answer = await blob.send("DELETE", "/box/b")
            assert answer.status == (404 if model.body is None else 202)
            if model.body is not None:
                model.body, model.committed, model.staged = None, [], {}
        case ("collect",):
            await blob.blobs.collector.collect()


def test_any_sequence_agrees_with_the_model(tmp_path_factory: pytest.TempPathFactory) -> None:
    async def run(folder: Path, steps: list[tuple[object, ...]]) -> None:
        async with blob_client(folder) as blob:
            await blob.container()
            model = Model()
            for step in steps:
                await _step(blob, model, step)
                got = await blob.send("GET", "/box/b")
                assert (got.body if got.status == 200 else None) == model.body
                expected = (
                    [(block, len(body)) for block, body in model.committed],
                    sorted((block, len(body)) for block, body in model.staged.items()),
                )
                assert await listed(blob) == (None if model.body is None and not model.staged else expected)
            await blob.blobs.collector.collect()
            large = {body for _, body in model.committed if len(body) > 65_536}
            large |= {body for body in model.staged.values() if len(body) > 65_536}
            assert blob.files() == await blob.live_files()
            assert len(blob.files()) >= len(large)
            assert await blob.store.rows("SELECT id FROM storage_part WHERE state <> 1") == []

    @settings(max_examples=40, deadline=None)
    @given(STEPS)
    def check(steps: list[tuple[object, ...]]) -> None:
        asyncio.run(run(tmp_path_factory.mktemp("model"), steps))

    check()

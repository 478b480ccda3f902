"""Append blobs: conditions, limits, appends side by side, and what snapshots, copies and versions see of them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError
from azure.storage.blob import BlobType
from hypothesis import given, settings
from hypothesis import strategies as st

from keyless.http.message import Body
from keyless.providers.storage.crc64 import load_crc64, write_crc64
from keyless.providers.storage.tables import appends
from keyless.providers.storage.tables.services import Policy
from tests.providers.storage.harness import ACCOUNT, Answer, BlobClient, blob_client, chunked
from tests.providers.storage.test_client import MIB, Client
from tests.providers.storage.test_copying import SHOP, copy
from tests.providers.storage.test_past import collected, snapshot
from tests.providers.storage.test_sas import delegation_key, signed, use

APPEND_BLOB = {"x-ms-blob-type": "AppendBlob"}
LEASE = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
LONG = 70_000


async def create(blob: BlobClient, path: str = "/box/b", **headers: str) -> Answer:
    fields = APPEND_BLOB | {name.replace("_", "-"): value for name, value in headers.items()}
    return await blob.send("PUT", path, "", headers=fields)


async def append(blob: BlobClient, data: bytes | Body, path: str = "/box/b", **headers: str) -> Answer:
    """Append a block; `_` in the name of a header stands for `-`."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return await blob.send("PUT", path, "comp=appendblock", data, headers=fields)


@pytest.fixture
async def box(blob: BlobClient) -> BlobClient:
    await blob.container()
    assert (await create(blob)).status == 201
    return blob


async def test_a_new_one_is_empty_and_grows(blob: BlobClient) -> None:
    await blob.container()
    made = await create(blob, x_ms_meta_k="v", x_ms_blob_content_type="text/plain", x_ms_tags="a=1")
    assert made.status == 201
    seen = await blob.send("HEAD", "/box/b")
    names = ("x-ms-blob-type", "x-ms-blob-committed-block-count", "Content-Type", "x-ms-meta-k", "x-ms-tag-count")
    assert [seen.headers[name] for name in names] == ["AppendBlob", "0", "text/plain", "v", "1"]
    assert not {"x-ms-access-tier", "x-ms-blob-sealed", "Content-MD5"} & set(seen.headers)
    assert (await blob.send("GET", "/box/b")).body == b""
    whole = b""
    for number, size in enumerate((1, 10, 64 * 1024, LONG, 3 * MIB + 1)):
        data = os.urandom(size)
        blob.clock.now += 1
        added = await append(blob, chunked(data))
        assert added.status == 201, added.body
        expected = (str(len(whole)), str(number + 1), base64.b64encode(hashlib.md5(data).digest()).decode())
        shown = ("x-ms-blob-append-offset", "x-ms-blob-committed-block-count", "Content-MD5")
        assert tuple(added.headers[name] for name in shown) == expected
        whole += data
        seen = await blob.send("GET", "/box/b")
        assert (seen.body, seen.headers["ETag"]) == (whole, added.headers["ETag"])
        assert seen.headers["Last-Modified"] == added.headers["Last-Modified"]
    ranged = await blob.send("GET", "/box/b", headers={"Range": f"bytes=5-{64 * 1024 + 20}"})
    assert (ranged.status, ranged.body) == (206, whole[5 : 64 * 1024 + 21])
    entry = (await blob.send("GET", "/box", "restype=container&comp=list")).xml().find("Blobs/Blob/Properties")
    assert entry is not None
    found = [entry.findtext(name) for name in ("BlobType", "Content-Length", "AccessTier", "Sealed")]
    assert found == ["AppendBlob", str(len(whole)), None, None]


async def test_conditions(box: BlobClient) -> None:
    etag = (await append(box, b"first")).headers["ETag"]
    refused: list[tuple[dict[str, str], int, str]] = [
        ({"x_ms_blob_condition_appendpos": "0"}, 412, "AppendPositionConditionNotMet"),
        ({"x_ms_blob_condition_appendpos": "6"}, 412, "AppendPositionConditionNotMet"),
        ({"x_ms_blob_condition_maxsize": "9"}, 412, "MaxBlobSizeConditionNotMet"),
        ({"x_ms_blob_condition_appendpos": "-1"}, 400, "InvalidHeaderValue"),
        ({"x_ms_blob_condition_maxsize": "many"}, 400, "InvalidHeaderValue"),
        ({"x_ms_blob_condition_maxsize": str(2**63)}, 400, "InvalidHeaderValue"),
        ({"If_Match": '"0x1"'}, 412, "ConditionNotMet"),
        ({"If_None_Match": etag}, 412, "ConditionNotMet"),
        ({"x_ms_if_tags": "\"a\" = '1'"}, 412, "ConditionNotMet"),
        ({"x_ms_lease_id": LEASE}, 412, "LeaseNotPresentWithBlobOperation"),
        ({"Content_MD5": base64.b64encode(bytes(16)).decode()}, 400, "Md5Mismatch"),
    ]
    for headers, status, code in refused:
        answer = await append(box, b"again", **headers)
        assert (answer.status, answer.code) == (status, code), headers
    assert (await append(box, b"")).code == "InvalidHeaderValue"
    seen = await box.send("GET", "/box/b")
    assert (seen.body, seen.headers["ETag"]) == (b"first", etag)
    good = {"x_ms_blob_condition_appendpos": "5", "x_ms_blob_condition_maxsize": "10", "If_Match": etag}
    assert (await append(box, b"again", **good)).status == 201
    assert (await box.send("GET", "/box/b")).body == b"firstagain"


async def test_checksums(box: BlobClient) -> None:
    pytest.importorskip("awscrt")
    await box.put("/box/source", b"text")
    wrong = base64.b64encode(bytes(8)).decode()
    assert (await append(box, b"text", x_ms_content_crc64=wrong)).code == "Crc64Mismatch"
    source = {"x_ms_copy_source": f"{SHOP}/box/source", "x_ms_source_content_crc64": wrong}
    assert (await append(box, b"", **source)).code == "Crc64Mismatch"
    right = write_crc64(load_crc64()(b"text", 0))
    assert (await append(box, b"text", x_ms_content_crc64=right)).headers["x-ms-content-crc64"] == right
    assert (await append(box, b"", **source | {"x_ms_source_content_crc64": right})).status == 201
    assert (await box.send("GET", "/box/b")).body == b"texttext"


async def test_a_lease(box: BlobClient) -> None:
    acquire = {"x-ms-lease-action": "acquire", "x-ms-lease-duration": "15", "x-ms-proposed-lease-id": LEASE}
    assert (await box.send("PUT", "/box/b", "comp=lease", headers=acquire)).status == 201
    assert (await append(box, b"x")).code == "LeaseIdMissing"
    assert (await box.send("PUT", "/box/b", "comp=seal")).code == "LeaseIdMissing"
    assert (await append(box, b"x", x_ms_lease_id=LEASE)).status == 201
    box.clock.now += 16
    assert (await append(box, b"y")).status == 201
    renew = {"x-ms-lease-action": "renew", "x-ms-lease-id": LEASE}
    assert (await box.send("PUT", "/box/b", "comp=lease", headers=renew)).code == "LeaseIdMismatchWithLeaseOperation"


async def test_limits(box: BlobClient, monkeypatch: pytest.MonkeyPatch) -> None:
    old = {"x_ms_version": "2022-11-01"}
    assert (await append(box, chunked(bytes(4 * MIB)), **old)).status == 201
    for length in (4 * MIB + 1, None):
        answer = await append(box, chunked(bytes(4 * MIB + 1), length=length), **old)
        assert (answer.status, answer.code) == (413, "RequestBodyTooLarge")
    assert (await append(box, chunked(bytes(4 * MIB + 1)), x_ms_version="2022-11-02")).status == 201
    assert (await append(box, Body.of(b"x" * 10))).status == 201
    assert (await append(box, Body(chunked(b"").stream(), 100 * MIB + 1))).code == "RequestBodyTooLarge"
    monkeypatch.setattr(appends, "MAX_BLOCKS", 4)
    assert (await append(box, b"4")).headers["x-ms-blob-committed-block-count"] == "4"
    for data in (b"5", bytes(LONG)):
        answer = await append(box, data)
        assert (answer.status, answer.code) == (409, "BlockCountExceedsLimit")
    assert await collected(box) == 2


async def test_a_sealed_one(box: BlobClient) -> None:
    etag = (await append(box, b"text")).headers["ETag"]
    box.clock.now += 5
    wrong = await box.send("PUT", "/box/b", "comp=seal", headers={"x-ms-blob-condition-appendpos": "3"})
    assert (wrong.status, wrong.code) == (412, "AppendPositionConditionNotMet")
    for _ in range(2):
        done = await box.send("PUT", "/box/b", "comp=seal", headers={"x-ms-blob-condition-appendpos": "4"})
        assert (done.status, done.headers["x-ms-blob-sealed"], done.headers["ETag"]) == (200, "true", etag)
    for data in (b"x", bytes(LONG)):
        refused = await append(box, data)
        assert (refused.status, refused.code) == (409, "BlobIsSealed")
    assert (await box.send("PUT", "/box/b", "comp=metadata", headers={"x-ms-meta-k": "v"})).status == 200
    name = await snapshot(box)
    for query in ("", f"snapshot={name}"):
        assert (await box.send("HEAD", "/box/b", query)).headers["x-ms-blob-sealed"] == "true"
    listed = (await box.send("GET", "/box", "restype=container&comp=list")).xml()
    assert listed.findtext("Blobs/Blob/Properties/Sealed") == "true"
    # a copy is sealed as its source is, unless the request says otherwise
    for to, headers, sealed in (("/box/c", {}, "true"), ("/box/d", {"x_ms_seal_blob": "false"}, None)):
        assert (await copy(box, to, f"{SHOP}/box/b", **headers)).status == 202
        assert (await box.send("HEAD", to)).headers.get("x-ms-blob-sealed") == sealed
        assert (await append(box, b"x", to)).status == (409 if sealed else 201)
    assert (await copy(box, "/box/e", f"{SHOP}/box/d", x_ms_seal_blob="true")).status == 202
    assert (await append(box, b"x", "/box/e")).code == "BlobIsSealed"
    # to make it anew is allowed
    assert (await create(box)).status == 201
    assert (await append(box, b"new")).status == 201


BLOCK_LIST = b"<BlockList><Latest>AAAA</Latest></BlockList>"


@pytest.mark.parametrize(
    ("method", "query", "headers", "body"),
    [
        ("PUT", "", {"x-ms-blob-type": "BlockBlob"}, b"x"),
        ("PUT", "", {"x-ms-blob-type": "BlockBlob"}, bytes(LONG)),
        ("PUT", "comp=block&blockid=AAAA", {}, b"x"),
        ("PUT", "comp=blocklist", {}, BLOCK_LIST),
        ("PUT", "comp=blocklist", {}, b"<BlockList></BlockList>"),
        ("GET", "comp=blocklist", {}, b""),
        ("PUT", "comp=tier", {"x-ms-access-tier": "Cool"}, b""),
        ("PUT", "", {"x-ms-copy-source": f"{SHOP}/box/block"}, b""),
        ("PUT", "", {"x-ms-copy-source": f"{SHOP}/box/block", "x-ms-blob-type": "BlockBlob"}, b""),
    ],
)
async def test_what_is_for_block_blobs_only(
    box: BlobClient, method: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    await append(box, b"text")
    await box.put("/box/block", b"block")
    answer = await box.send(method, "/box/b", query, body, headers=headers)
    assert (answer.status, answer.code) == (409, "InvalidBlobType")
    assert (await box.send("GET", "/box/b")).body == b"text"
    assert (await box.send("HEAD", "/box/b")).headers["x-ms-blob-type"] == "AppendBlob"


async def test_what_is_for_append_blobs_only(box: BlobClient) -> None:
    await box.put("/box/block", b"block")
    await append(box, b"text")
    for answer in (
        await append(box, b"x", "/box/block"),
        await append(box, bytes(LONG), "/box/block"),
        await box.send("PUT", "/box/block", "comp=seal"),
        await create(box, "/box/block"),
        await copy(box, "/box/block", f"{SHOP}/box/b"),
        await copy(box, "/box/new", f"{SHOP}/box/block", x_ms_seal_blob="true"),
    ):
        assert (answer.status, answer.code) == (409, "InvalidBlobType")
    assert (await append(box, b"x", "/box/none")).code == "BlobNotFound"
    assert (await box.send("PUT", "/box/none", "comp=seal")).code == "BlobNotFound"
    assert (await box.send("GET", "/box/block")).body == b"block"
    assert (await box.send("HEAD", "/box/new")).status == 404
    # deleted in between, it may become something else
    await box.send("DELETE", "/box/block")
    assert (await create(box, "/box/block")).status == 201


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({}, b"x", "InvalidHeaderValue"),
        ({"x-ms-access-tier": "Cool"}, b"", "UnsupportedHeader"),
        ({"If-None-Match": "*"}, b"", "BlobAlreadyExists"),
        ({"Content-MD5": base64.b64encode(bytes(16)).decode()}, b"", "Md5Mismatch"),
        ({"x-ms-blob-type": "LogBlob"}, b"", "InvalidHeaderValue"),
        ({"x-ms-blob-type": ""}, b"", "MissingRequiredHeader"),
    ],
)
async def test_making_one_wrongly(box: BlobClient, headers: dict[str, str], body: bytes, code: str) -> None:
    await append(box, b"text")
    answer = await box.send("PUT", "/box/b", "", body, headers=APPEND_BLOB | headers)
    assert (answer.status, answer.code) == (409 if code == "BlobAlreadyExists" else 400, code)
    assert (await box.send("GET", "/box/b")).body == b"text"


async def test_who_may_append(box: BlobClient) -> None:
    box.access.grant("adder", "adder", str(ACCOUNT))
    box.access.grant("reader", "reader", str(ACCOUNT))
    for who, query, status in (
        ("adder", "comp=appendblock", 201),
        ("adder", "comp=seal", 403),
        ("reader", "comp=appendblock", 403),
        ("owner", "comp=seal", 200),
    ):
        answer = await box.send("PUT", "/box/b", query, b"x" if "append" in query else b"", token=who)
        assert answer.status == status, (who, query)
    assert (await box.send("PUT", "/box/c", "", headers=APPEND_BLOB, token="adder")).status == 403
    creates = APPEND_BLOB | {"If-None-Match": "*"}
    assert (await box.send("PUT", "/box/c", "", headers=creates, token="adder")).status == 201


async def test_signatures(box: BlobClient) -> None:
    key = await delegation_key(box)
    for letters, query, status in (
        ("a", "comp=appendblock", 201),
        ("w", "comp=appendblock", 201),
        ("rcd", "comp=appendblock", 403),
        ("a", "comp=seal", 403),
        ("w", "comp=seal", 200),
    ):
        fields = signed(box, key, "/box/b", sp=letters) | {"comp": query.removeprefix("comp=")}
        answer = await use(box, "PUT", "/box/b", fields, b"x" if "append" in query else b"")
        assert answer.status == status, (letters, query, answer.body)


async def test_a_block_from_a_url(box: BlobClient) -> None:
    data = os.urandom(2 * LONG)
    await box.put("/box/source", data)
    fields = {"x-ms-copy-source": f"{SHOP}/box/source", "x-ms-source-range": "bytes=10-100000"}
    digest = base64.b64encode(hashlib.md5(data[10:100_001]).digest()).decode()
    done = await box.send("PUT", "/box/b", "comp=appendblock", headers=fields | {"x-ms-source-content-md5": digest})
    assert (done.status, done.headers["Content-MD5"], done.headers["x-ms-blob-append-offset"]) == (201, digest, "0")
    for headers, code in (
        ({"x-ms-source-content-md5": base64.b64encode(bytes(16)).decode()}, "Md5Mismatch"),
        ({"x-ms-blob-condition-appendpos": "0"}, "AppendPositionConditionNotMet"),
        ({"x-ms-copy-source": f"{SHOP}/box/none"}, "CannotVerifyCopySource"),
    ):
        assert (await box.send("PUT", "/box/b", "comp=appendblock", headers=fields | headers)).code == code
    assert (await box.send("GET", "/box/b")).body == data[10:100_001]
    assert await collected(box) == 2


async def test_appends_side_by_side_are_all_there_once(box: BlobClient) -> None:
    blocks = [bytes([65 + n]) * (LONG if n % 4 == 0 else n + 1) for n in range(24)]
    answers = await asyncio.gather(*(append(box, chunked(block)) for block in blocks))
    whole = (await box.send("GET", "/box/b")).body
    for block, answer in zip(blocks, answers, strict=True):
        at = int(answer.headers["x-ms-blob-append-offset"])
        assert whole[at : at + len(block)] == block
    assert len(whole) == sum(map(len, blocks))
    assert {int(answer.headers["x-ms-blob-committed-block-count"]) for answer in answers} == set(range(1, 25))
    assert len({answer.headers["ETag"] for answer in answers}) == 24
    # one position can be taken by one only
    size = str(len(whole))
    tries = await asyncio.gather(*(append(box, b"x", x_ms_blob_condition_appendpos=size) for _ in range(6)))
    assert sorted(answer.status for answer in tries) == [201, *[412] * 5]


async def test_a_reader_gets_what_was_there_when_it_began(box: BlobClient) -> None:
    await append(box, bytes(3 * MIB))
    response = await box.kernel.dispatch(box.request("GET", "/box/b"))
    await append(box, b"x")
    assert not isinstance(response.body, bytes)
    assert b"".join([piece async for piece in response.body]) == bytes(3 * MIB)


async def test_a_log_of_small_blocks_is_sent_in_large_pieces(box: BlobClient) -> None:
    for group in range(5):
        await asyncio.gather(*(append(box, bytes([group]) * 100) for _ in range(200)))
    response = await box.kernel.dispatch(box.request("GET", "/box/b"))
    assert not isinstance(response.body, bytes)
    pieces = [piece async for piece in response.body]
    assert b"".join(pieces) == b"".join(bytes([group]) * 20_000 for group in range(5))
    assert len(pieces) == 2


async def test_versions_and_soft_delete(box: BlobClient) -> None:
    await append(box, b"1")
    await box.blobs.services.change(ACCOUNT.key, lambda _: Policy(7, 0, versioning=True))
    named = await box.send("PUT", "/box/b", "comp=metadata")
    version = named.headers["x-ms-version-id"]
    # to append makes no version
    assert (await append(box, b"2")).headers["x-ms-version-id"] == version
    changed = await box.send("PUT", "/box/b", "comp=metadata", headers={"x-ms-meta-k": "v"})
    await append(box, b"3" * LONG)
    assert (await box.send("GET", "/box/b", f"versionid={version}")).body == b"12"
    current = changed.headers["x-ms-version-id"]
    assert (await box.send("GET", "/box/b", f"versionid={current}")).body == b"12" + b"3" * LONG
    await box.blobs.services.change(ACCOUNT.key, lambda _: Policy(7, 0, versioning=False))
    await create(box, "/box/c")
    await append(box, b"kept", "/box/c")
    await box.send("DELETE", "/box/c")
    assert (await box.send("PUT", "/box/c", "comp=undelete")).status == 200
    assert (await append(box, b" on", "/box/c")).headers["x-ms-blob-committed-block-count"] == "2"
    assert (await box.send("GET", "/box/c")).body == b"kept on"


async def test_copies_grow_apart(box: BlobClient) -> None:
    await append(box, b"common ")
    await append(box, b"C" * LONG)
    name = await snapshot(box)
    assert (await copy(box, "/box/c", f"{SHOP}/box/b")).status == 202
    assert (await copy(box, "/box/d", f"{SHOP}/box/b?snapshot={name}")).status == 202
    common = b"common " + b"C" * LONG
    for round_ in (1, 2):
        for path in ("/box/b", "/box/c", "/box/d"):
            added = await append(box, path.encode(), path)
            assert added.headers["x-ms-blob-committed-block-count"] == str(2 + round_)
            assert (await box.send("GET", path)).body == common + path.encode() * round_
        await collected(box)
    assert (await box.send("GET", "/box/b", f"snapshot={name}")).body == common
    await box.send("DELETE", "/box/b", headers={"x-ms-delete-snapshots": "include"})
    await box.send("DELETE", "/box/c")
    assert await collected(box) == 1
    assert (await box.send("GET", "/box/d")).body == common + b"/box/d" * 2


# any sequence


@dataclass
class State:
    body: bytes = b""
    blocks: int = 0
    sealed: bool = False


@dataclass
class Model:
    blobs: dict[str, State] = field(default_factory=dict)
    snapshots: dict[tuple[str, str], State] = field(default_factory=dict)


NAMES = ("a", "b", "c")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["append"] * 5 + ["create", "copy", "copy", "copy-snapshot", "snapshot", "seal", "delete", "collect"]
        ),
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
        st.integers(0, 5),
    ),
    min_size=8,
    max_size=30,
)


def test_any_sequence_agrees_with_the_model(tmp_path_factory: pytest.TempPathFactory) -> None:
    @settings(max_examples=20, deadline=None)
    @given(STEPS)
    def check_all(steps: list[tuple[str, str, str, int]]) -> None:
        asyncio.run(run(tmp_path_factory.mktemp("appends"), steps))

    check_all()


async def run(folder: Path, steps: list[tuple[str, str, str, int]]) -> None:
    async with blob_client(folder) as blob:
        await blob.container()
        model = Model()
        for number, (step, name, other, choice) in enumerate(steps):
            blob.clock.now += 1
            await apply(blob, model, step, name, other, choice, number)
            await agrees(blob, model)
        await collected(blob)
        await agrees(blob, model)
        for name in NAMES:
            await blob.send("DELETE", f"/box/{name}", headers={"x-ms-delete-snapshots": "include"})
        assert await collected(blob) == 0
        assert await blob.store.rows("SELECT * FROM storage_block") == []


async def apply(blob: BlobClient, model: Model, step: str, name: str, other: str, choice: int, number: int) -> None:
    path, there = f"/box/{name}", model.blobs.get(name)
    if step == "append":
        data = b"%d " % number * (LONG // 2 if choice == 0 else choice)
        answer = await append(blob, data, path)
        if there is None or there.sealed:
            assert answer.status == (404 if there is None else 409)
        else:
            assert answer.headers["x-ms-blob-append-offset"] == str(len(there.body))
            model.blobs[name] = State(there.body + data, there.blocks + 1)
    elif step == "create":
        assert (await create(blob, path)).status == 201
        model.blobs[name] = State()
    elif step == "collect":
        await collected(blob)
    elif step == "copy-snapshot":
        for (source, moment), state in sorted(model.snapshots.items())[choice : choice + 1]:
            answer = await copy(blob, path, f"{SHOP}/box/{source}?snapshot={moment}")
            assert answer.status == 202
            model.blobs[name] = state
    elif there is None:
        assert (await blob.send("PUT", path, "comp=seal")).status == 404
    elif step == "copy":
        assert (await copy(blob, f"/box/{other}", f"{SHOP}{path}")).status == 202
        model.blobs[other] = there
    elif step == "snapshot":
        model.snapshots[name, await snapshot(blob, path)] = there
    elif step == "seal":
        assert (await blob.send("PUT", path, "comp=seal")).status == 200
        model.blobs[name] = State(there.body, there.blocks, sealed=True)
    elif step == "delete":
        await blob.send("DELETE", path, headers={"x-ms-delete-snapshots": "include"})
        del model.blobs[name]
        model.snapshots = {key: state for key, state in model.snapshots.items() if key[0] != name}


async def agrees(blob: BlobClient, model: Model) -> None:
    every: dict[tuple[str, str], State | None] = {(name, ""): model.blobs.get(name) for name in NAMES}
    for (name, moment), state in (every | model.snapshots).items():
        seen = await blob.send("GET", f"/box/{name}", f"snapshot={moment}" if moment else "")
        if state is None:
            assert seen.status == 404
            continue
        assert (seen.status, seen.body) == (200, state.body)
        assert seen.headers["x-ms-blob-committed-block-count"] == str(state.blocks)
        assert ("x-ms-blob-sealed" in seen.headers) == state.sealed


# the official client


@pytest.fixture
async def client(blob: BlobClient) -> Client:
    client = Client(blob)
    await client.run(lambda s: s.create_container("box"))
    return client


async def test_the_official_client(client: Client) -> None:
    def work(service: Any) -> None:
        log = service.get_blob_client("box", "log")
        log.create_append_blob(metadata={"k": "v"})
        with pytest.raises(ResourceExistsError, match="BlobAlreadyExists"):
            log.create_append_blob(match_condition=MatchConditions.IfMissing)
        first = log.append_block(b"one ", validate_content=True)
        assert (first["blob_append_offset"], first["blob_committed_block_count"]) == ("0", 1)
        log.append_block(b"two ", appendpos_condition=4, maxsize_condition=8)
        with pytest.raises(HttpResponseError, match="AppendPositionConditionNotMet"):
            log.append_block(b"no", appendpos_condition=4)
        with pytest.raises(ResourceModifiedError):
            log.append_block(b"no", etag=first["etag"], match_condition=MatchConditions.IfNotModified)
        seen = log.get_blob_properties()
        assert (seen.blob_type, seen.append_blob_committed_block_count, seen.size) == (BlobType.APPENDBLOB, 2, 8)
        assert log.download_blob().readall() == b"one two "
        assert log.seal_append_blob()["blob_sealed"] is True
        with pytest.raises(ResourceExistsError, match="BlobIsSealed"):
            log.append_block(b"no")
        (listed,) = service.get_container_client("box").list_blobs()
        assert (listed.blob_type, listed.is_append_blob_sealed) == ("AppendBlob", True)

    await client.run(work)


async def test_the_official_clients_upload(client: Client) -> None:
    data = os.urandom(2 * MIB + 7)

    def work(service: Any) -> None:
        log = service.get_blob_client("box", "log")
        log.upload_blob(data, blob_type=BlobType.APPENDBLOB)
        log.upload_blob(b"more", blob_type=BlobType.APPENDBLOB)
        assert log.download_blob().readall() == data + b"more"
        log.upload_blob(data, blob_type=BlobType.APPENDBLOB, overwrite=True)
        assert log.download_blob().readall() == data
        with pytest.raises(ResourceExistsError, match="InvalidBlobType"):
            log.upload_blob(b"block", overwrite=True)
        copied = service.get_blob_client("box", "copy")
        copied.start_copy_from_url(log.url)
        copied.append_block_from_url(log.url, source_offset=0, source_length=5, source_authorization="Bearer owner")
        assert copied.download_blob().readall() == data + data[:5]
        assert log.get_blob_properties().size == len(data)

    await client.run(work)

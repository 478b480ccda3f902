"""Copies: of whole blobs, of ranges into blocks, within an account and between two, and what no copy may do."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobBlock, ContentSettings, generate_blob_sas

from keyless.http.message import Target
from tests.providers.storage.harness import ACCOUNT, Answer, BlobClient, chunked
from tests.providers.storage.test_client import MIB, Client
from tests.providers.storage.test_sas import delegation_key, signed

KIB = 1024
SHOP = "https://shop.blob.keyless.localhost:8443"
MILL = Target("storage", "mill", "blob.keyless.localhost")
BLOCK_BLOB = {"x-ms-blob-type": "BlockBlob"}
#: The operations that copy a whole blob, by their headers.
WHOLE = {
    "CopyBlob": ({}, 202),
    "CopyBlobFromURL": ({"x-ms-requires-sync": "true"}, 202),
    "PutBlobFromURL": (BLOCK_BLOB, 201),
}
EVERY = {**{name: (headers, status, "") for name, (headers, status) in WHOLE.items()},
         "PutBlockFromURL": ({}, 201, "comp=block&blockid=YQ==")}  # fmt: skip


def md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


async def copy(
    blob: BlobClient, to: str, source: str = f"{SHOP}/box/a", name: str = "CopyBlob", **headers: Any
) -> Answer:
    """Copy in the way of an operation; `_` in the name of a header stands for `-`, `token` and `target` are not one."""
    own, _status, query = EVERY[name]
    more: dict[str, Any] = {key: headers.pop(key) for key in ("token", "target") if key in headers}
    fields = own | {"x-ms-copy-source": source} | {key.replace("_", "-"): value for key, value in headers.items()}
    return await blob.send("PUT", to, query, headers=fields, **more)


@pytest.fixture
async def box(blob: BlobClient) -> BlobClient:
    await blob.container()
    await blob.put(
        "/box/a", b"data", x_ms_blob_content_type="text/plain", x_ms_meta_Key="v", x_ms_blob_cache_control="c"
    )
    blob.audit.events.clear()
    return blob


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("size", [0, 1, 64 * KIB, 64 * KIB + 1, 3 * KIB * KIB + 17])
async def test_a_copy_is_what_its_source_was(blob: BlobClient, name: str, size: int) -> None:
    await blob.container()
    data = os.urandom(size)
    await blob.put("/box/a", chunked(data))
    copied = await copy(blob, "/box/b", name=name)
    assert copied.status == WHOLE[name][1], copied.body
    # what becomes of the source afterwards is nothing to the copy
    await blob.put("/box/a", b"new")
    await blob.blobs.collector.collect()
    got = await blob.send("GET", "/box/b")
    assert (got.body, got.headers["ETag"], got.headers["Content-MD5"]) == (data, copied.headers["ETag"], md5(data))
    await blob.send("DELETE", "/box/b")
    await blob.blobs.collector.collect()
    assert not blob.files()


async def test_a_copy_of_a_large_blob_moves_no_body(blob: BlobClient) -> None:
    await blob.container()
    data = os.urandom(MIB)
    for block_id in ("YQ==", "Yg=="):
        await blob.send("PUT", "/box/a", f"comp=block&blockid={block_id}", chunked(data))
    await blob.send(
        "PUT", "/box/a", "comp=blocklist", b"<BlockList><Latest>YQ==</Latest><Latest>Yg==</Latest></BlockList>"
    )
    files = blob.files()
    for to in ("/box/b", "/box/a"):
        assert (await copy(blob, to)).status == 202
    await blob.blobs.collector.collect()
    assert blob.files() == files
    # one that has the source's committed blocks
    listed = (await blob.send("GET", "/box/b", "comp=blocklist")).xml()
    assert [name.text for name in listed.iter("Name")] == ["YQ==", "Yg=="]
    await blob.send("DELETE", "/box/a")
    await blob.blobs.collector.collect()
    assert (await blob.send("GET", "/box/b")).body == data + data


async def test_properties_and_metadata(box: BlobClient) -> None:
    await copy(box, "/box/b")
    got = (await box.send("HEAD", "/box/b")).headers
    assert (got["Content-Type"], got["x-ms-meta-Key"], got["Cache-Control"]) == ("text/plain", "v", "c")
    assert (got["x-ms-copy-status"], got["x-ms-copy-progress"]) == ("success", "4/4")
    assert (got["x-ms-copy-source"], got["x-ms-copy-id"]) == (f"{SHOP}/box/a", "r-1")
    assert got["x-ms-copy-completion-time"] == got["Last-Modified"]
    await copy(box, "/box/c", x_ms_meta_other="w")
    got = (await box.send("HEAD", "/box/c")).headers
    assert {name: value for name, value in got.items() if name.startswith("x-ms-meta")} == {"x-ms-meta-other": "w"}
    listed = (await box.send("GET", "/box", "restype=container&comp=list&include=copy,metadata")).xml()
    assert [found.text for found in listed.iter("CopySource")] == [f"{SHOP}/box/a"] * 2
    assert not list((await box.send("GET", "/box", "restype=container&comp=list")).xml().iter("CopySource"))
    # a blob that is written anew was not copied
    await box.put("/box/b", b"x")
    assert "x-ms-copy-id" not in (await box.send("HEAD", "/box/b")).headers


async def test_put_blob_from_url_takes_over_properties(box: BlobClient) -> None:
    await copy(box, "/box/b", name="PutBlobFromURL", x_ms_blob_content_type="a/b", x_ms_meta_m="n")
    got = (await box.send("HEAD", "/box/b")).headers
    assert (got["Content-Type"], got["Cache-Control"], got["x-ms-meta-m"]) == ("a/b", "c", "n")
    assert "x-ms-meta-Key" not in got
    await copy(box, "/box/b", name="PutBlobFromURL", x_ms_copy_source_blob_properties="false")
    got = (await box.send("HEAD", "/box/b")).headers
    assert (got["Content-Type"], got.get("Cache-Control")) == ("application/octet-stream", None)


async def test_blocks_from_ranges(blob: BlobClient) -> None:
    await blob.container()
    data = os.urandom(3 * MIB)
    await blob.put("/box/a", chunked(data))
    ids = ["MA==", "MQ==", "Mg=="]
    for number, (first, last) in enumerate([(0, 99), (2 * MIB, 3 * MIB - 1), (100, 2 * MIB - 1)]):
        query = f"comp=block&blockid={ids[number]}"
        headers = {"x-ms-copy-source": f"{SHOP}/box/a", "x-ms-source-range": f"bytes={first}-{last}"}
        staged = await blob.send("PUT", "/box/b", query, headers=headers)
        assert (staged.status, staged.headers["Content-MD5"]) == (201, md5(data[first : last + 1])), staged.body
    listed = "".join(f"<Latest>{ids[number]}</Latest>" for number in (0, 2, 1))
    committed = await blob.send("PUT", "/box/b", "comp=blocklist", f"<BlockList>{listed}</BlockList>".encode())
    assert committed.status == 201, committed.body
    assert (await blob.send("GET", "/box/b")).body == data
    outside = await copy(blob, "/box/b", name="PutBlockFromURL", x_ms_source_range=f"bytes={3 * MIB}-")
    assert (outside.status, outside.code) == (416, "InvalidRange")


@pytest.mark.parametrize("name", EVERY)
async def test_the_digest_of_the_source(box: BlobClient, name: str) -> None:
    wrong = await copy(box, "/box/b", name=name, x_ms_source_content_md5=md5(b"other"))
    assert (wrong.status, wrong.code) == (400, "Md5Mismatch")
    assert (await box.send("HEAD", "/box/b")).status == 404
    right = await copy(box, "/box/b", name=name, x_ms_source_content_md5=md5(b"data"))
    assert (right.status, right.headers["Content-MD5"]) == (EVERY[name][1], md5(b"data"))


@pytest.mark.parametrize("name", WHOLE)
async def test_a_whole_blob_is_not_copied_in_part(box: BlobClient, name: str) -> None:
    headers = {"x_ms_source_range": "bytes=0-1", "x_ms_source_content_md5": md5(b"da")}
    answer = await copy(box, "/box/b", name=name, **headers)
    assert (answer.status, answer.code) == (400, "InvalidHeaderValue")
    assert (await box.send("HEAD", "/box/b")).status == 404


@pytest.mark.parametrize("name", EVERY)
async def test_conditions_on_the_source(box: BlobClient, name: str) -> None:
    etag = (await box.send("HEAD", "/box/a")).headers["ETag"]
    for header, value, good in [
        ("x_ms_source_if_match", etag, True),
        ("x_ms_source_if_match", '"0x0"', False),
        ("x_ms_source_if_none_match", '"0x0"', True),
        ("x_ms_source_if_none_match", etag, False),
        ("x_ms_source_if_modified_since", "Sat, 01 Jan 2028 00:00:00 GMT", False),
        ("x_ms_source_if_unmodified_since", "Sat, 01 Jan 2028 00:00:00 GMT", True),
    ]:
        answer = await copy(box, "/box/b", name=name, **{header: value})
        assert (answer.status == EVERY[name][1]) is good, (header, answer.body)
        assert good or (answer.status, answer.code) == (412, "SourceConditionNotMet")


@pytest.mark.parametrize("name", WHOLE)
async def test_conditions_on_the_destination(box: BlobClient, name: str) -> None:
    await box.put("/box/b", b"old")
    there = await copy(box, "/box/b", name=name, If_None_Match="*")
    assert (there.status, there.code) == (409, "BlobAlreadyExists")
    other = await copy(box, "/box/b", name=name, If_Match='"0x0"')
    assert (other.status, other.code) == (412, "ConditionNotMet")
    assert (await box.send("GET", "/box/b")).body == b"old"


async def test_no_copy_is_ever_pending(box: BlobClient) -> None:
    abort = {"x-ms-copy-action": "abort"}
    copied = await copy(box, "/box/b")
    query = f"comp=copy&copyid={copied.headers['x-ms-copy-id']}"
    for path, headers, expected in [
        ("/box/b", abort, (409, "NoPendingCopyOperation")),
        ("/box/a", abort, (409, "NoPendingCopyOperation")),
        ("/box/none", abort, (404, "BlobNotFound")),
        ("/box/b", {}, (400, "InvalidHeaderValue")),
    ]:
        answer = await box.send("PUT", path, query, headers=headers)
        assert (answer.status, answer.code) == expected


# what a blob was, and what it has besides its body


@pytest.mark.parametrize("size", [5, 200_000])
@pytest.mark.parametrize("name", EVERY)
async def test_a_snapshot_as_the_source(blob: BlobClient, name: str, size: int) -> None:
    await blob.container()
    await blob.put("/box/a", b"o" * size)
    made = await blob.send("PUT", "/box/a", "comp=snapshot")
    await blob.put("/box/a", b"n" * size)
    source = f"{SHOP}/box/a?snapshot={made.headers['x-ms-snapshot']}"
    copied = await copy(blob, "/box/a" if name == "CopyBlob" else "/box/b", source, name)
    assert copied.status == EVERY[name][1], copied.body
    if name == "PutBlockFromURL":
        await blob.send("PUT", "/box/b", "comp=blocklist", b"<BlockList><Latest>YQ==</Latest></BlockList>")
    got = await blob.send("GET", "/box/a" if name == "CopyBlob" else "/box/b")
    assert got.body == b"o" * size
    if name == "CopyBlob":
        told = parse_qs(urlsplit(got.headers["x-ms-copy-source"]).query)
        assert told == {"snapshot": [made.headers["x-ms-snapshot"]]}
        # the blob, its snapshot and its copy share one body, which goes with the last of them
        await blob.send("DELETE", "/box/a", headers={"x-ms-delete-snapshots": "only"})
        await blob.blobs.collector.collect()
        assert (await blob.send("GET", "/box/a")).body == b"o" * size
    await blob.send("DELETE", "/box/a", headers={"x-ms-delete-snapshots": "include"})
    await blob.send("DELETE", "/box/b")
    await blob.blobs.collector.collect()
    assert not blob.files()
    missing = await copy(blob, "/box/b", source, name)
    assert (missing.status, missing.code) == (404, "CannotVerifyCopySource")


@pytest.mark.parametrize("name", WHOLE)
async def test_tags_and_tiers(box: BlobClient, name: str) -> None:
    await box.send(
        "PUT", "/box/a", "comp=tags", b"<Tags><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tags>"
    )
    await copy(box, "/box/b", name=name, x_ms_access_tier="Cool")
    got = (await box.send("HEAD", "/box/b")).headers
    assert (got["x-ms-access-tier"], got.get("x-ms-tag-count")) == ("Cool", None)
    await copy(box, "/box/b", name=name, x_ms_tags="a=1&b=2", x_ms_source_if_tags="k = 'v'")
    assert (await box.send("HEAD", "/box/b")).headers["x-ms-tag-count"] == "2"
    other = await copy(box, "/box/b", name=name, x_ms_source_if_tags="k = 'w'")
    assert (other.status, other.code) == (412, "SourceConditionNotMet")
    # the right to write tags, and at the source the right to read them, are rights of their own
    box.access.grant("writer", "contributor", str(ACCOUNT))
    assert (await copy(box, "/box/b", name=name, token="writer")).status == WHOLE[name][1]
    tagging = await copy(box, "/box/b", name=name, token="writer", x_ms_tags="a=1")
    assert (tagging.status, tagging.code) == (403, "AuthorizationPermissionMismatch")
    asking = await copy(box, "/box/b", name=name, token="writer", x_ms_source_if_tags="k = 'v'")
    assert (asking.status, asking.code) == (403, "CannotVerifyCopySource")


@pytest.mark.parametrize("name", EVERY)
async def test_a_blob_of_the_archive(box: BlobClient, name: str) -> None:
    await box.send("PUT", "/box/a", "comp=tier", headers={"x-ms-access-tier": "Archive"})
    refused = await copy(box, "/box/b", name=name)
    assert refused.status == 409
    if name.startswith("Copy"):
        assert refused.code == "BlobArchived"
        # this is how one is read without being brought back itself
        assert (await copy(box, "/box/b", name=name, x_ms_access_tier="Hot")).status == 202
        assert (await box.send("GET", "/box/b")).body == b"data"


@pytest.mark.parametrize("name", EVERY)
async def test_leases(box: BlobClient, name: str) -> None:
    await box.put("/box/b", b"old")
    lease, other = "6a1f8a4e-0000-4000-8000-000000000001", "6a1f8a4e-0000-4000-8000-000000000002"
    acquire = {"x-ms-lease-action": "acquire", "x-ms-lease-duration": "-1", "x-ms-proposed-lease-id": lease}
    for path in ("/box/a", "/box/b"):
        assert (await box.send("PUT", path, "comp=lease", headers=acquire)).status == 201
    missing = await copy(box, "/box/b", name=name)
    assert (missing.status, missing.code) == (412, "LeaseIdMissing")
    wrong = await copy(box, "/box/b", name=name, x_ms_lease_id=lease, x_ms_source_lease_id=other)
    assert (wrong.status, wrong.code) == (412, "SourceConditionNotMet")
    assert (await box.send("GET", "/box/b")).body == b"old"
    good = await copy(box, "/box/b", name=name, x_ms_lease_id=lease, x_ms_source_lease_id=lease)
    assert good.status == EVERY[name][1], good.body
    # a lease does not travel with a copy
    assert (await copy(box, "/box/c", name="CopyBlob")).status == 202
    assert (await box.send("HEAD", "/box/c")).headers["x-ms-lease-state"] == "available"


# who may


@pytest.mark.parametrize("name", EVERY)
async def test_a_copy_needs_both_rights(box: BlobClient, name: str) -> None:
    await box.container("other")
    containers = {which: f"{ACCOUNT}/blobServices/default/containers/{which}" for which in ("box", "other")}
    box.access.grant("reader", "reader", containers["box"])
    box.access.grant("writer", "contributor", containers["other"])
    for role, which in (("reader", "box"), ("contributor", "other")):
        box.access.grant("both", role, containers[which])
    box.audit.events.clear()
    told = []
    for who in ("reader", "writer", "both", "nobody"):
        answer = await copy(box, "/other/b", name=name, token=who)
        told.append((answer.status, answer.code))
    good = EVERY[name][1]
    assert told == [
        (403, "AuthorizationPermissionMismatch"), (403, "CannotVerifyCopySource"), (good, ""),
        (403, "AuthorizationPermissionMismatch"),
    ]  # fmt: skip
    read = "GetBlob" if name in {"PutBlobFromURL", "PutBlockFromURL"} else "GetBlobProperties"
    assert [(e.principal_id, e.operation, e.request_id, e.decision) for e in box.audit.events] == [
        ("reader", name, "r-1", "denied"),
        ("writer", name, "r-1", "allowed"),
        ("writer", read, "r-1-source", "denied"),
        ("both", name, "r-1", "allowed"),
        ("both", read, "r-1-source", "allowed"),
        ("nobody", name, "r-1", "denied"),
    ]


@pytest.mark.parametrize("name", EVERY)
async def test_between_accounts(box: BlobClient, name: str) -> None:
    made = await box.send("PUT", "/till", "restype=container", target=MILL)
    assert made.status == 201
    good = EVERY[name][1]
    # the caller's own token is for the destination; the source's account asks for one of its own
    refused = await copy(box, "/till/b", name=name, target=MILL)
    assert (refused.status, refused.code) == (403, "CannotVerifyCopySource")
    box.access.grant("reader", "reader", str(ACCOUNT))
    for token, status in [("reader", good), ("bad", 403), ("stranger", 403)]:
        headers = {"x_ms_copy_source_authorization": f"Bearer {token}"}
        answer = await copy(box, "/till/b", name=name, target=MILL, **headers)
        assert answer.status == status, answer.body
    sas = signed(box, await delegation_key(box, "owner"), "/box/a")
    query = "&".join(f"{key}={value.replace('+', '%2B')}" for key, value in sas.items())
    answer = await copy(box, "/till/c", f"{SHOP}/box/a?{query}", name, target=MILL)
    assert answer.status == good, answer.body
    tampered = await copy(box, "/till/c", f"{SHOP}/box/a?{query}A", name, target=MILL)
    assert (tampered.status, tampered.code) == (403, "CannotVerifyCopySource")
    if name != "PutBlockFromURL":
        got = await box.send("GET", "/till/c", target=MILL)
        assert got.body == b"data"
        assert got.headers.get("x-ms-copy-source", f"{SHOP}/box/a") == f"{SHOP}/box/a"


@pytest.mark.parametrize("name", EVERY)
async def test_with_a_signature_for_the_destination(box: BlobClient, name: str) -> None:
    key = await delegation_key(box)
    own, status, query = EVERY[name]
    fields = signed(box, key, "/box/b", sp="w")
    to = "&".join([*(f"{k}={v.replace('+', '%2B')}" for k, v in fields.items()), query])
    headers = own | {"x-ms-copy-source": f"{SHOP}/box/a"}
    # it says nothing of the source
    answer = await box.send("PUT", "/box/b", to, headers=headers, token="")
    assert (answer.status, answer.code) == (403, "CannotVerifyCopySource")
    headers["x-ms-copy-source-authorization"] = "Bearer owner"
    assert (await box.send("PUT", "/box/b", to, headers=headers, token="")).status == status


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("https://shop.blob.core.windows.net/box/a", None),
        ("https://SHOP.blob.keyless.localhost/box/a", None),
        ("https://127.0.0.1:8443/shop/box/a", None),
        (f"{SHOP}/box/none", (404, "CannotVerifyCopySource")),
        (f"{SHOP}/none/a", (404, "CannotVerifyCopySource")),
        ("https://none.blob.keyless.localhost/box/a", (403, "CannotVerifyCopySource")),
        ("https://example.com/box/a", (403, "CannotVerifyCopySource")),
        ("https://blob.keyless.localhost/box/a", (403, "CannotVerifyCopySource")),
        ("https://kv.vault.azure.net/secrets/a", (403, "CannotVerifyCopySource")),
        ("https://login.microsoftonline.com/common/a", (403, "CannotVerifyCopySource")),
        ("https://169.254.169.254/metadata/identity", (403, "CannotVerifyCopySource")),
        (f"{SHOP}/box/a?comp=list", (400, "InvalidHeaderValue")),
        (f"{SHOP}/box?restype=container&comp=list", (400, "InvalidHeaderValue")),
        (f"{SHOP}/box?restype=container&Comp=list", (400, "InvalidHeaderValue")),
        (f"{SHOP}/?comp=list", (400, "InvalidHeaderValue")),
        ("http://shop.blob.keyless.localhost/box/a", (400, "InvalidHeaderValue")),
        ("https://user@shop.blob.keyless.localhost/box/a", (400, "InvalidHeaderValue")),
        ("https://[::1/box/a", (400, "InvalidHeaderValue")),
        ("https://shop.blob.keyless.localhost:99999/box/a", (400, "InvalidHeaderValue")),
        ("box/a", (400, "InvalidHeaderValue")),
        ("", (400, "InvalidHeaderValue")),
        (f"{SHOP}/box/a#b", (400, "InvalidHeaderValue")),
        (f"{SHOP}/box/ä", (400, "InvalidHeaderValue")),
        (f"{SHOP}/box/" + "a" * 20_000, (400, "InvalidHeaderValue")),
    ],
)
async def test_sources(box: BlobClient, name: str, source: str, expected: tuple[int, str] | None) -> None:
    answer = await copy(box, "/box/b", source, name)
    if expected is None:
        assert answer.status == EVERY[name][1], answer.body
    else:
        assert (answer.status, answer.code) == expected, answer.body
        assert (await box.send("HEAD", "/box/b")).status == 404


async def test_copies_while_the_source_is_written(blob: BlobClient) -> None:
    """A copy is a version that was there, whole, or says that the source has changed."""
    await blob.container()
    bodies = {number: bytes([number]) * (70_000 + number) for number in range(20)}
    await blob.put("/box/a", bodies[0])
    rng = random.Random(7)

    async def write() -> None:
        for body in bodies.values():
            await blob.put("/box/a", body)
            await asyncio.sleep(rng.random() / 100)

    async def copy_some(to: str) -> None:
        for _ in range(15):
            answer = await copy(blob, to)
            assert answer.status == 202 or answer.code == "SourceConditionNotMet"
            got = await blob.send("GET", to)
            assert got.status == 404 or got.body in bodies.values()

    await asyncio.gather(write(), *(copy_some(f"/box/{n}") for n in range(3)), blob.blobs.collector.collect())
    await blob.blobs.collector.collect()
    assert blob.files() == await blob.live_files()


# the official client


async def test_the_official_client(blob: BlobClient) -> None:
    blob.clock.now = time.time()
    client = Client(blob)
    data = os.urandom(3 * MIB)
    await client.run(lambda s: s.create_container("box"))
    source = await client.run(lambda s: s.get_blob_client("box", "a/ä b"))
    settings = ContentSettings("x/y", content_language="de")
    await client.run(lambda _: source.upload_blob(data, content_settings=settings, metadata={"k": "v"}))

    def check(name: str) -> Any:
        def use(service: Any) -> Any:
            blob = service.get_blob_client("box", name)
            assert blob.download_blob().readall() == data
            return blob.get_blob_properties()

        return use

    for name, given in [("asynchronous", {}), ("synchronous", {"requires_sync": True})]:
        to = await client.run(lambda s, name=name: s.get_blob_client("box", name))  # type: ignore[misc]
        started = await asyncio.to_thread(to.start_copy_from_url, source.url, **given)
        assert started["copy_status"] == "success"
        found = await client.run(check(name))
        assert (found.copy.id, found.copy.status, found.copy.source) == (started["copy_id"], "success", source.url)
        assert (found.copy.progress, found.metadata) == (f"{3 * MIB}/{3 * MIB}", {"k": "v"})
        assert (found.content_settings.content_type, found.content_settings.content_language) == ("x/y", "de")
        with pytest.raises(HttpResponseError) as refused:
            await asyncio.to_thread(to.abort_copy, "any")
        assert refused.value.error_code == "NoPendingCopyOperation"

    await client.run(lambda s: s.get_blob_client("box", "put").upload_blob_from_url(source.url))
    assert (await client.run(check("put"))).content_settings.content_type == "x/y"

    def stage(service: Any) -> None:
        blob = service.get_blob_client("box", "blocks")
        for number, (offset, length) in enumerate([(0, MIB), (MIB, 2 * MIB)]):
            blob.stage_block_from_url(f"{number}", source.url, source_offset=offset, source_length=length)
        blob.commit_block_list([BlobBlock("0"), BlobBlock("1")])

    await client.run(stage)
    await client.run(check("blocks"))

    # a source of another account, by a signature and by a token
    begin = datetime.now(UTC) - timedelta(minutes=5)
    key = await client.run(lambda s: s.get_user_delegation_key(begin, begin + timedelta(hours=1)))
    sas = generate_blob_sas(
        "shop", "box", "a/ä b", user_delegation_key=key, permission="r", expiry=begin + timedelta(hours=1)
    )
    mill = Client(blob, account="mill")
    await mill.run(lambda s: s.create_container("box"))
    started = await mill.run(lambda s: s.get_blob_client("box", "c").start_copy_from_url(f"{source.url}?{sas}"))
    found = await mill.run(check("c"))
    assert found.copy.source == source.url
    await mill.run(
        lambda s: s.get_blob_client("box", "d").upload_blob_from_url(source.url, source_authorization="Bearer owner")
    )
    await mill.run(check("d"))

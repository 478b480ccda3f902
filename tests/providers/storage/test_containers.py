"""Containers: making, looking at, dropping and listing them, and what becomes of their blobs."""

from __future__ import annotations

import os

import pytest

from keyless.providers.storage.tables import garbage
from tests.providers.storage.harness import ACCOUNT, BlobClient


async def test_create_and_look_at(blob: BlobClient) -> None:
    made = await blob.send("PUT", "/box", "restype=container", headers={"x-ms-meta-owner": "me"})
    assert made.status == 201
    for method in ("GET", "HEAD"):
        seen = await blob.send(method, "/box", "restype=container")
        assert (seen.status, seen.body) == (200, b"")
        same = ("ETag", "Last-Modified")
        assert [seen.headers[name] for name in same] == [made.headers[name] for name in same]
        assert seen.headers["x-ms-meta-owner"] == "me"
        assert seen.headers["x-ms-lease-state"] == "available"
        assert seen.headers["x-ms-has-immutability-policy"] == "false"
    again = await blob.send("PUT", "/box", "restype=container")
    assert (again.status, again.code) == (409, "ContainerAlreadyExists")


async def test_not_there(blob: BlobClient) -> None:
    for method in ("GET", "HEAD", "DELETE"):
        answer = await blob.send(method, "/box", "restype=container")
        assert (answer.status, answer.code) == (404, "ContainerNotFound")
    answer = await blob.send("GET", "/box", "restype=container&comp=list")
    assert (answer.status, answer.code) == (404, "ContainerNotFound")


@pytest.mark.parametrize("name", ["ab", "a" * 64, "Box", "a_b", "-ab", "ab-", "a--b", "$logs", "a%2Fb", "äöü"])
async def test_names_that_none_may_have(blob: BlobClient, name: str) -> None:
    answer = await blob.send("PUT", f"/{name}", "restype=container")
    assert (answer.status, answer.code) == (400, "InvalidResourceName")


@pytest.mark.parametrize("name", ["abc", "a" * 63, "a-b-c", "0a1", "$root", "$web"])
async def test_names_that_one_may_have(blob: BlobClient, name: str) -> None:
    assert (await blob.send("PUT", f"/{name}", "restype=container")).status == 201


async def test_nobody_gets_anonymous_access(blob: BlobClient) -> None:
    answer = await blob.send("PUT", "/box", "restype=container", headers={"x-ms-blob-public-access": "blob"})
    assert (answer.status, answer.code) == (409, "PublicAccessNotPermitted")
    assert (await blob.send("HEAD", "/box", "restype=container")).status == 404


async def _fill(blob: BlobClient, count: int) -> None:
    for number in range(count):
        await blob.put(f"/box/{number}", os.urandom(70_000 if number % 3 == 0 else 10))
        if number % 2 == 0:
            await blob.send("PUT", f"/box/new{number}", "comp=block&blockid=AAAA", os.urandom(66_000))


@pytest.mark.parametrize("step", [2, 500])
async def test_deleting_takes_all_that_is_in_it(blob: BlobClient, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(garbage, "STEP", step)
    await blob.container()
    await _fill(blob, 7)
    assert len(blob.files()) == 7
    assert (await blob.send("DELETE", "/box", "restype=container")).status == 202
    # gone at once, and the name is free
    assert (await blob.send("GET", "/box/0")).code == "ContainerNotFound"
    await blob.container()
    assert (await blob.send("GET", "/box/0")).code == "BlobNotFound"
    await blob.put("/box/0", bytes(70_000))
    await blob.blobs.collector.collect()
    assert blob.files() == await blob.live_files()
    assert len(blob.files()) == 1
    for table, rows in [("container", 1), ("blob", 1), ("manifest", 1), ("block", 1), ("upload", 0), ("staged", 0)]:
        assert await blob.store.row(f"SELECT count(*) FROM storage_{table}") == (rows,), table


async def test_deleting_under_a_condition(blob: BlobClient) -> None:
    made = await blob.send("PUT", "/box", "restype=container")
    for fields, status in [
        ({"If-Modified-Since": made.headers["Last-Modified"]}, 412),
        ({"If-Unmodified-Since": made.headers["Last-Modified"]}, 202),
    ]:
        assert (await blob.send("DELETE", "/box", "restype=container", headers=fields)).status == status


async def test_deleting_the_account_leaves_nothing(blob: BlobClient) -> None:
    await blob.container()
    await blob.container("other")
    await _fill(blob, 3)
    await blob.store.write(lambda tx: blob.blobs.delete_account(tx, ACCOUNT.key))
    assert (await blob.send("GET", "/", "comp=list")).xml().findall("Containers/Container") == []
    await blob.container()
    assert (await blob.send("GET", "/box/0")).code == "BlobNotFound"
    await blob.blobs.collector.collect()
    assert (blob.files(), await blob.store.row("SELECT count(*) FROM storage_blob")) == (set(), (0,))


async def test_list(blob: BlobClient) -> None:
    names = [f"box-{n}" for n in range(5)] + ["other"]
    for name in names:
        await blob.send("PUT", f"/{name}", "restype=container", headers={"x-ms-meta-n": name})
    seen: list[str | None] = []
    marker = ""
    while True:
        query = f"comp=list&prefix=box&maxresults=2&include=metadata&marker={marker}"
        page = (await blob.send("GET", "/", query)).xml()
        assert page.get("ServiceEndpoint") == "https://shop.blob.keyless.localhost:8443/"
        entries = page.findall("Containers/Container")
        assert all(entry.findtext("Metadata/n") == entry.findtext("Name") for entry in entries)
        assert all(entry.findtext("Properties/LeaseState") == "available" for entry in entries)
        seen += [entry.findtext("Name") for entry in entries]
        marker = page.findtext("NextMarker") or ""
        if not marker:
            break
    assert seen == names[:5]
    everything = (await blob.send("GET", "/", "comp=list")).xml()
    assert [e.text for e in everything.findall("Containers/Container/Name")] == names
    assert everything.find("Containers/Container/Metadata") is None

"""Access tiers, and what an archived blob refuses."""

from __future__ import annotations

import pytest

from tests.providers.storage.harness import BlobClient

PUT = {"x-ms-blob-type": "BlockBlob"}


async def tier(blob: BlobClient, path: str = "/box/b") -> tuple[str, str]:
    """The tier, and how it came to be."""
    headers = (await blob.send("HEAD", path)).headers
    return headers["x-ms-access-tier"], "inferred" if "x-ms-access-tier-inferred" in headers else headers[
        "x-ms-access-tier-change-time"
    ]


async def set_tier(blob: BlobClient, name: str, query: str = "", **headers: str) -> int:
    more = {key.replace("_", "-"): value for key, value in headers.items()}
    answer = await blob.send("PUT", "/box/b", f"comp=tier{query}", headers={"x-ms-access-tier": name} | more)
    return answer.status


async def test_a_tier_is_set_and_kept(blob: BlobClient) -> None:
    await blob.container()
    put = await blob.put("/box/b")
    assert await tier(blob) == ("Hot", "inferred")
    blob.clock.now += 9
    assert await set_tier(blob, "cool") == 200
    first = await tier(blob)
    assert first[0] == "Cool"
    seen = await blob.send("HEAD", "/box/b")
    assert seen.headers["ETag"] == put.headers["ETag"]
    entry = (await blob.send("GET", "/box", "restype=container&comp=list")).xml().find("Blobs/Blob/Properties")
    assert entry is not None
    assert (entry.findtext("AccessTier"), entry.findtext("AccessTierChangeTime")) == first
    assert entry.find("AccessTierInferred") is None
    # a new body stays where the old one was, unless it is told to go elsewhere
    await blob.put("/box/b", b"2")
    assert await tier(blob) == first
    blob.clock.now += 9
    await blob.put("/box/b", b"3", **{"x-ms-access-tier": "Cold"})
    assert (await tier(blob))[0] == "Cold"
    commit = await blob.send("PUT", "/box/b", "comp=blocklist", b"<BlockList/>", headers={"x-ms-access-tier": "Hot"})
    assert commit.status == 201
    assert (await tier(blob))[1] != "inferred"


async def test_an_archived_blob(blob: BlobClient) -> None:
    await blob.container()
    await blob.put("/box/b", b"text", **{"x-ms-access-tier": "Archive", "x-ms-meta-k": "v"})
    refused = [
        ("GET", "", b"", {}),
        ("PUT", "", b"new", PUT),
        ("PUT", "comp=blocklist", b"<BlockList/>", {}),
        ("PUT", "comp=metadata", b"", {}),
        ("PUT", "comp=properties", b"", {}),
        ("PUT", "comp=snapshot", b"", {}),
    ]
    for method, query, body, headers in refused:
        answer = await blob.send(method, "/box/b", query, body, headers=headers)
        assert (answer.status, answer.code) == (409, "BlobArchived"), query
    seen = await blob.send("HEAD", "/box/b")
    assert (seen.status, seen.headers["x-ms-meta-k"], seen.headers["x-ms-access-tier"]) == (200, "v", "Archive")
    assert (await blob.send("GET", "/box/b", "comp=tags")).status == 200
    assert await set_tier(blob, "Hot", x_ms_rehydrate_priority="High") == 200
    assert (await blob.send("GET", "/box/b")).body == b"text"
    assert await set_tier(blob, "Archive") == 200
    assert (await blob.send("DELETE", "/box/b")).status == 202


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "MissingRequiredHeader"),
        ({"x-ms-access-tier": "Lukewarm"}, "InvalidHeaderValue"),
        ({"x-ms-access-tier": "P10"}, "InvalidHeaderValue"),
        ({"x-ms-access-tier": "Hot", "x-ms-rehydrate-priority": "Now"}, "InvalidHeaderValue"),
    ],
)
async def test_tiers_that_are_none(blob: BlobClient, headers: dict[str, str], code: str) -> None:
    await blob.container()
    await blob.put("/box/b")
    answer = await blob.send("PUT", "/box/b", "comp=tier", headers=headers)
    assert (answer.status, answer.code) == (400, code)
    assert (
        await blob.send("PUT", "/box/none", "comp=tier", headers={"x-ms-access-tier": "Hot"})
    ).code == "BlobNotFound"

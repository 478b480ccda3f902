"""Metadata and properties of blobs and containers, access control lists, the service and the account."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.providers.storage.harness import ACCOUNT, BlobClient

BOX = "restype=container"


async def test_a_blobs_metadata_is_replaced_whole(blob: BlobClient) -> None:
    await blob.container()
    put = await blob.put("/box/b", b"text", **{"x-ms-meta-old": "1"})
    blob.clock.now += 5
    changed = await blob.send("PUT", "/box/b", "comp=metadata", headers={"x-ms-meta-New": "v 1"})
    assert (changed.status, changed.body) == (200, b"")
    assert changed.headers["ETag"] != put.headers["ETag"]
    for method in ("GET", "HEAD"):
        seen = await blob.send(method, "/box/b", "comp=metadata")
        assert (seen.status, seen.body) == (200, b"")
        told = {name: value for name, value in seen.headers.items() if name.startswith("x-ms-meta-")}
        assert told == {"x-ms-meta-New": "v 1"}
        assert seen.headers["ETag"] == changed.headers["ETag"]
        assert seen.headers["Last-Modified"] == changed.headers["Last-Modified"] != put.headers["Last-Modified"]
    got = await blob.send("GET", "/box/b")
    assert (got.body, got.headers["x-ms-creation-time"]) == (b"text", put.headers["Last-Modified"])
    none = await blob.send("PUT", "/box/b", "comp=metadata")
    assert none.status == 200
    assert not [n for n in (await blob.send("HEAD", "/box/b")).headers if n.startswith("x-ms-meta")]
    bad = await blob.send("PUT", "/box/b", "comp=metadata", headers={"x-ms-meta-a-b": "1"})
    assert (bad.status, bad.code) == (400, "InvalidMetadata")
    assert (await blob.send("PUT", "/box/none", "comp=metadata")).code == "BlobNotFound"


async def test_properties_that_are_not_named_become_unset(blob: BlobClient) -> None:
    await blob.container()
    digest = base64.b64encode(hashlib.md5(b"text").digest()).decode()
    await blob.put("/box/b", b"text", **{"x-ms-blob-content-language": "de", "x-ms-blob-cache-control": "no-store"})
    same = await blob.send("PUT", "/box/b", "comp=properties")
    assert same.status == 200
    seen = await blob.send("HEAD", "/box/b")
    assert [seen.headers.get(name) for name in ("Content-Language", "Content-MD5")] == ["de", digest]
    assert seen.headers["ETag"] == same.headers["ETag"]
    await blob.send("PUT", "/box/b", "comp=properties", headers={"x-ms-blob-content-type": "text/x"})
    seen = await blob.send("HEAD", "/box/b")
    assert seen.headers["Content-Type"] == "text/x"
    assert not {"Content-Language", "Cache-Control", "Content-MD5"} & set(seen.headers)
    await blob.send("PUT", "/box/b", "comp=properties", headers={"x-ms-blob-content-disposition": "inline"})
    seen = await blob.send("HEAD", "/box/b")
    assert (seen.headers["Content-Type"], seen.headers["Content-Disposition"]) == ("application/octet-stream", "inline")
    assert (await blob.send("PUT", "/box/none", "comp=properties")).code == "BlobNotFound"


async def test_a_containers_metadata(blob: BlobClient) -> None:
    made = await blob.send("PUT", "/box", BOX, headers={"x-ms-meta-old": "1"})
    since = {"If-Modified-Since": made.headers["Last-Modified"], "x-ms-meta-k": "v"}
    assert (await blob.send("PUT", "/box", f"{BOX}&comp=metadata", headers=since)).code == "ConditionNotMet"
    changed = await blob.send("PUT", "/box", f"{BOX}&comp=metadata", headers={"x-ms-meta-k": "v"})
    assert changed.status == 200
    for method in ("GET", "HEAD"):
        seen = await blob.send(method, "/box", f"{BOX}&comp=metadata")
        assert (seen.status, seen.headers["x-ms-meta-k"], "x-ms-meta-old" in seen.headers) == (200, "v", False)
        assert seen.headers["ETag"] == changed.headers["ETag"] != made.headers["ETag"]
    assert (await blob.send("PUT", "/none", f"{BOX}&comp=metadata")).code == "ContainerNotFound"


async def test_the_access_control_list_is_empty_and_stays_so(blob: BlobClient) -> None:
    await blob.container()
    seen = await blob.send("GET", "/box", f"{BOX}&comp=acl")
    assert seen.status == 200
    assert (seen.xml().tag, len(seen.xml())) == ("SignedIdentifiers", 0)
    assert "x-ms-blob-public-access" not in seen.headers
    assert (await blob.send("HEAD", "/box", f"{BOX}&comp=acl")).status == 200
    for body in (b"", b"<SignedIdentifiers />"):
        assert (await blob.send("PUT", "/box", f"{BOX}&comp=acl", body)).status == 200
    policy = b"<SignedIdentifiers><SignedIdentifier><Id>a</Id></SignedIdentifier></SignedIdentifiers>"
    assert (await blob.send("PUT", "/box", f"{BOX}&comp=acl", policy)).status == 501
    public = await blob.send("PUT", "/box", f"{BOX}&comp=acl", headers={"x-ms-blob-public-access": "container"})
    assert (public.status, public.code) == (409, "PublicAccessNotPermitted")
    assert (await blob.send("GET", "/none", f"{BOX}&comp=acl")).code == "ContainerNotFound"


SERVICE = "restype=service&comp=properties"


def _service(inner: str) -> bytes:
    return f"<StorageServiceProperties>{inner}</StorageServiceProperties>".encode()


async def test_the_services_properties(blob: BlobClient) -> None:
    fresh = await blob.send("GET", "/", SERVICE)
    assert fresh.status == 200
    assert fresh.xml().findtext("DeleteRetentionPolicy/Enabled") == "false"
    keep = "<DeleteRetentionPolicy><Enabled>true</Enabled><Days>30</Days></DeleteRetentionPolicy>"
    assert (await blob.send("PUT", "/", SERVICE, _service(keep))).status == 202
    # what was read can be written back, and what is not named stays
    read = await blob.send("GET", "/", SERVICE)
    for body in (read.body, _service("")):
        assert (await blob.send("PUT", "/", SERVICE, body)).status == 202
        assert (await blob.send("GET", "/", SERVICE)).xml().findtext("DeleteRetentionPolicy/Days") == "30"
    off = "<DeleteRetentionPolicy><Enabled>false</Enabled></DeleteRetentionPolicy>"
    assert (await blob.send("PUT", "/", SERVICE, _service(off))).status == 202
    assert (await blob.send("GET", "/", SERVICE)).body == fresh.body


@pytest.mark.parametrize(
    ("inner", "status"),
    [
        ("<Logging><Version>1.0</Version><Read>true</Read></Logging>", 501),
        ("<HourMetrics><Enabled>true</Enabled></HourMetrics>", 501),
        ("<StaticWebsite><Enabled>true</Enabled></StaticWebsite>", 501),
        ("<Cors><CorsRule /></Cors>", 501),
        ("<DefaultServiceVersion>2020-02-10</DefaultServiceVersion>", 501),
        ("<DeleteRetentionPolicy><Enabled>true</Enabled><Days>0</Days></DeleteRetentionPolicy>", 400),
        ("<DeleteRetentionPolicy><Enabled>true</Enabled><Days>366</Days></DeleteRetentionPolicy>", 400),
        ("<DeleteRetentionPolicy><Enabled>maybe</Enabled></DeleteRetentionPolicy>", 400),
        ("<Unheard />", 400),
        ("<Logging>", 400),
    ],
)
async def test_what_the_service_cannot_be_told(blob: BlobClient, inner: str, status: int) -> None:
    answer = await blob.send("PUT", "/", SERVICE, _service(inner))
    assert (answer.status, answer.code) == (status, "NotImplemented" if status == 501 else "InvalidXmlDocument")
    assert (await blob.send("GET", "/", SERVICE)).xml().findtext("DeleteRetentionPolicy/Enabled") == "false"


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY e "x">]><StorageServiceProperties />',
        b"<Other />",
        b"",
        b"<a>" * 100,
        b"\xff\xfe",
        b"<StorageServiceProperties>" + b" " * 70_000 + b"</StorageServiceProperties>",
    ],
)
async def test_documents_that_cannot_be_read(blob: BlobClient, body: bytes) -> None:
    answer = await blob.send("PUT", "/", SERVICE, body)
    assert answer.status == (413 if len(body) > 65_536 else 400)
    assert answer.code


async def test_statistics_and_the_account(blob: BlobClient) -> None:
    stats = await blob.send("GET", "/", "restype=service&comp=stats")
    assert (stats.status, stats.code) == (400, "InvalidQueryParameterValue")
    for path in ("/", "/box", "/box/b"):
        for method in ("GET", "HEAD"):
            answer = await blob.send(method, path, "restype=account&comp=properties")
            assert answer.status == 200
            assert (answer.headers["x-ms-sku-name"], answer.headers["x-ms-account-kind"]) == (
                "Standard_LRS",
                "StorageV2",
            )
            assert blob.audit.events[-1].scope == str(ACCOUNT)


async def test_what_an_account_keeps_goes_with_it(blob: BlobClient) -> None:
    keep = "<DeleteRetentionPolicy><Enabled>true</Enabled><Days>3</Days></DeleteRetentionPolicy>"
    await blob.send("PUT", "/", SERVICE, _service(keep))
    await blob.store.write(lambda tx: blob.blobs.delete_account(tx, ACCOUNT.key))
    assert (await blob.send("GET", "/", SERVICE)).xml().findtext("DeleteRetentionPolicy/Enabled") == "false"

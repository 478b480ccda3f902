"""Put, get, head and delete of blobs: bodies of every size, ranges, properties, conditions."""

from __future__ import annotations

import base64
import hashlib
import os
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import quote

import pytest

from keyless.http.message import Target
from tests.providers.storage.harness import BlobClient, chunked

KIB = 1024
SIZES = [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 1024 * KIB, 1024 * KIB + 1, 3 * 1024 * KIB + 17]


def md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


@pytest.mark.parametrize("size", SIZES)
async def test_a_body_comes_back_as_it_was(blob: BlobClient, size: int) -> None:
    await blob.container()
    data = os.urandom(size)
    put = await blob.put("/box/b", chunked(data))
    assert (put.status, put.headers["Content-MD5"]) == (201, md5(data))
    got = await blob.send("GET", "/box/b")
    assert (got.status, got.body, got.headers["Content-MD5"]) == (200, data, md5(data))
    assert got.headers["ETag"] == put.headers["ETag"]
    assert blob.files() == await blob.live_files()
    assert len(blob.files()) == (size > 64 * KIB)


@pytest.mark.parametrize("size", [10, 64 * KIB, 2500 * KIB])
async def test_ranges(blob: BlobClient, size: int) -> None:
    await blob.container()
    data = os.urandom(size)
    await blob.put("/box/b", data)
    for header, first, last in [
        ("bytes=0-0", 0, 0),
        ("bytes=3-", 3, size - 1),
        (f"bytes={size - 1}-", size - 1, size - 1),
        ("bytes=0-33554431", 0, size - 1),
        ("bytes=-4", size - 4, size - 1),
        (f"bytes={size // 2}-{size // 2 + 3}", size // 2, size // 2 + 3),
        (f"bytes=1-{size - 2}", 1, size - 2),
    ]:
        got = await blob.send("GET", "/box/b", headers={"x-ms-range": header, "Range": "bytes=0-1"})
        assert (got.status, got.body) == (206, data[first : last + 1]), header
        assert got.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        # the digest of the whole must not pass for that of the range
        assert "Content-MD5" not in got.headers
        assert got.headers["x-ms-blob-content-md5"] == md5(data)


@pytest.mark.parametrize("size", [0, 5])
async def test_a_range_outside_of_the_blob(blob: BlobClient, size: int) -> None:
    # azure-storage-blob (Python) asks for bytes=0-… first, and falls back on a plain GET when this says 416
    await blob.container()
    await blob.put("/box/b", b"x" * size)
    got = await blob.send("GET", "/box/b", headers={"Range": f"bytes={size}-99"})
    assert (got.status, got.code, got.headers["Content-Range"]) == (416, "InvalidRange", f"bytes */{size}")


@pytest.mark.parametrize("header", ["bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b"])
async def test_a_range_that_cannot_be_read(blob: BlobClient, header: str) -> None:
    await blob.container()
    await blob.put("/box/b", b"12345678")
    got = await blob.send("GET", "/box/b", headers={"x-ms-range": header})
    assert (got.status, got.code) == (400, "InvalidHeaderValue")


async def test_the_digest_of_a_range(blob: BlobClient) -> None:
    await blob.container()
    data = os.urandom(5 * 1024 * KIB)
    await blob.put("/box/b", data)
    ask = {"x-ms-range": "bytes=100-4194403", "x-ms-range-get-content-md5": "true"}
    got = await blob.send("GET", "/box/b", headers=ask)
    assert got.body == data[100:4194404]
    assert got.headers["Content-MD5"] == md5(got.body)
    for wrong in (ask | {"x-ms-range": "bytes=0-4194304"}, {"x-ms-range-get-content-md5": "true"}):
        got = await blob.send("GET", "/box/b", headers=wrong)
        assert (got.status, got.code) == (400, "InvalidHeaderValue")


async def test_properties_and_metadata_come_back(blob: BlobClient) -> None:
    await blob.container()
    await blob.put(
        "/box/b",
        b"text",
        x_ms_blob_content_type="text/plain",
        Content_Type="ignored/here",
        x_ms_blob_content_encoding="br",
        x_ms_blob_content_language="de",
        x_ms_blob_content_disposition="inline",
        x_ms_blob_cache_control="no-store",
        **{"x-ms-meta-Colour": "blue & green"},
    )
    for method in ("GET", "HEAD"):
        got = await blob.send(method, "/box/b")
        expected = {
            "Content-Type": "text/plain",
            "Content-Encoding": "br",
            "Content-Language": "de",
            "Content-Disposition": "inline",
            "Cache-Control": "no-store",
            "Content-MD5": md5(b"text"),
            "x-ms-meta-Colour": "blue & green",
            "x-ms-blob-type": "BlockBlob",
            "x-ms-lease-status": "unlocked",
            "x-ms-lease-state": "available",
            "x-ms-server-encrypted": "true",
            "x-ms-access-tier": "Hot",
            "x-ms-access-tier-inferred": "true",
            "Accept-Ranges": "bytes",
            "x-ms-creation-time": formatdate(1_800_000_000, usegmt=True),
            "Last-Modified": formatdate(1_800_000_000, usegmt=True),
        }
        assert expected.items() <= got.headers.items()
        assert got.body == (b"text" if method == "GET" else b"")
    assert parsedate_to_datetime(got.headers["Last-Modified"]).strftime("%a") == got.headers["Last-Modified"][:3]


async def test_overwriting_replaces_all_but_the_creation_time(blob: BlobClient) -> None:
    await blob.container()
    first = await blob.put("/box/b", b"one", **{"x-ms-meta-a": "1", "Content-Type": "a/b"})
    blob.clock.now += 5
    second = await blob.put("/box/b", os.urandom(100_000))
    blob.clock.now += 5
    third = await blob.put("/box/b", b"three")
    got = await blob.send("GET", "/box/b")
    assert len({answer.headers["ETag"] for answer in (first, second, third)}) == 3
    assert got.body == b"three"
    assert "x-ms-meta-a" not in got.headers
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["x-ms-creation-time"] == first.headers["Last-Modified"]
    assert got.headers["Last-Modified"] == third.headers["Last-Modified"] != first.headers["Last-Modified"]
    await blob.blobs.collector.collect()
    assert blob.files() == set()


NAMES = [
    "a", "a/b", "a//b", "dir/", "sp ace", "pl+us", "per%cent", "que?ry", "ha#sh", "dot.", "..trail..", "ü/日本", "𝄞",
    "tab\t", "new\nline", "\x7f", "quote\"'<&>", "a" * 1024, "\ufffe", "$x", "back\\slash", "x" + "/y" * 254,
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
async def test_every_legal_name_comes_back(blob: BlobClient, name: str) -> None:
    await blob.container()
    for path in (f"/box/{quote(name)}", f"/box/{quote(name, safe='')}"):
        assert (await blob.put(path, path.encode())).status == 201
        assert (await blob.send("GET", path)).body == path.encode()
    listed = (await blob.send("GET", "/box", "restype=container&comp=list")).xml().findall("Blobs/Blob/Name")
    assert len(listed) == 1
    if listed[0].get("Encoded") == "true":
        assert listed[0].text == quote(name)
    else:
        assert listed[0].text == name


@pytest.mark.parametrize(
    "path", ["/box/" + "a" * 1025, "/box/a%00b", "/box/" + "/".join("a" * 256), "/BOX/a", "/b/a", "/a--b/a", "/-ab/a"]
)
async def test_a_name_that_none_may_have(blob: BlobClient, path: str) -> None:
    await blob.container()
    answer = await blob.put(path)
    assert (answer.status, answer.code) == (400, "InvalidResourceName")


async def test_path_style_and_the_root_container(blob: BlobClient) -> None:
    target = Target("storage", "shop", "", "/shop")
    assert (await blob.send("PUT", "/$root", "restype=container", target=target)).status == 201
    headers = {"x-ms-blob-type": "BlockBlob"}
    assert (await blob.send("PUT", "/lone", "", b"r", headers=headers, target=target)).status == 201
    assert (await blob.send("GET", "/lone")).body == b"r"
    assert (await blob.send("GET", "/%24root/lone")).body == b"r"
    listed = (await blob.send("GET", "/$root", "restype=container&comp=list", target=target)).xml()
    assert listed.get("ServiceEndpoint") == "https://127.0.0.1:8443/shop/"


async def test_a_second_slash_before_the_container_says_nothing(blob: BlobClient) -> None:
    await blob.container()
    assert (await blob.put("//box/folder//b", b"1")).status == 201
    for path in ("/box/folder//b", "//box/folder//b"):
        assert (await blob.send("GET", path)).body == b"1"
    for path in ("//b", "///box/b", "//BOX/b"):
        answer = await blob.put(path)
        assert (answer.status, answer.code) == (400, "InvalidResourceName")


async def test_what_is_not_there(blob: BlobClient) -> None:
    for method in ("GET", "HEAD", "DELETE"):
        answer = await blob.send(method, "/box/b")
        assert (answer.status, answer.code) == (404, "ContainerNotFound")
    assert (await blob.put("/box/b")).code == "ContainerNotFound"
    await blob.container()
    for method in ("GET", "HEAD", "DELETE"):
        answer = await blob.send(method, "/box/b")
        assert (answer.status, answer.code) == (404, "BlobNotFound")
        assert bool(answer.body) == (method != "HEAD")


async def test_delete(blob: BlobClient) -> None:
    await blob.container()
    await blob.put("/box/b", os.urandom(70_000))
    answer = await blob.send("DELETE", "/box/b", headers={"x-ms-delete-snapshots": "include"})
    assert (answer.status, answer.headers["x-ms-delete-type-permanent"]) == (202, "true")
    assert (await blob.send("GET", "/box/b")).status == 404
    await blob.blobs.collector.collect()
    assert blob.files() == set()


async def test_conditions_of_writes(blob: BlobClient) -> None:
    await blob.container()
    assert (await blob.put("/box/b", b"1", If_Match="*")).code == "ConditionNotMet"
    first = await blob.put("/box/b", b"1", If_None_Match="*")
    assert first.status == 201
    again = await blob.put("/box/b", b"2", If_None_Match="*")
    assert (again.status, again.code) == (409, "BlobAlreadyExists")
    tag, date = first.headers["ETag"], first.headers["Last-Modified"]
    before = formatdate(1_799_999_999, usegmt=True)
    for refused in (
        {"If_Match": '"0xOTHER"'},
        {"If_None_Match": tag},
        {"If_Modified_Since": date},
        {"If_Unmodified_Since": before},
    ):
        answer = await blob.put("/box/b", b"2", **refused)
        assert (answer.status, answer.code) == (412, "ConditionNotMet"), refused
        fields = {name.replace("_", "-"): value for name, value in refused.items()}
        assert (await blob.send("DELETE", "/box/b", headers=fields)).status == 412
    assert (await blob.send("GET", "/box/b")).body == b"1"
    assert (await blob.put("/box/b", b"2", If_Match=f'"0xOTHER", {tag}')).status == 201
    assert (await blob.put("/box/b", b"3", If_Match=tag)).status == 412
    assert (await blob.put("/box/b", b"3", If_Modified_Since=before, If_Unmodified_Since=date)).status == 201


async def test_conditions_of_reads(blob: BlobClient) -> None:
    await blob.container()
    put = await blob.put("/box/b", b"1")
    tag, date = put.headers["ETag"], put.headers["Last-Modified"]
    for method in ("GET", "HEAD"):
        for fields in ({"If-None-Match": tag}, {"If-None-Match": "*"}, {"If-Modified-Since": date}):
            answer = await blob.send(method, "/box/b", headers=fields)
            assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag)
        for fields in ({"If-Match": '"x"'}, {"If-Unmodified-Since": formatdate(1, usegmt=True)}):
            answer = await blob.send(method, "/box/b", headers=fields)
            assert (answer.status, answer.code) == (412, "ConditionNotMet")
        # an ETag counts before a date (RFC 9110, 13.2.2)
        fields = {"If-Match": tag, "If-Unmodified-Since": formatdate(1, usegmt=True), "If-None-Match": '"x"'}
        assert (await blob.send(method, "/box/b", headers=fields)).status == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [("If-Modified-Since", "yesterday"), ("If-Match", 'a b"'), ("If-None-Match", ""), ("If-Match", ",".join("a" * 99))],
)
async def test_conditions_that_cannot_be_read(blob: BlobClient, name: str, value: str) -> None:
    await blob.container()
    answer = await blob.put("/box/b", b"1", **{name: value})
    assert (answer.status, answer.code) == (400, "InvalidHeaderValue")
    assert (await blob.send("HEAD", "/box/b")).status == 404


@pytest.mark.parametrize("size", [10, 200_000])
async def test_a_body_that_is_not_what_was_announced_stores_nothing(blob: BlobClient, size: int) -> None:
    await blob.container()
    data = os.urandom(size)
    for body, headers, status, code in [
        (chunked(data, length=size + 1), {}, 400, "InvalidInput"),
        (chunked(data, length=size - 1), {}, 400, "InvalidInput"),
        (chunked(data), {"Content_MD5": md5(b"other")}, 400, "Md5Mismatch"),
        (chunked(data), {"x_ms_blob_content_md5": md5(b"other")}, 400, "Md5Mismatch"),
        (chunked(data), {"Content_MD5": "short"}, 400, "InvalidMd5"),
        (chunked(data, length=5000 * 1024 * KIB + 1), {}, 413, "RequestBodyTooLarge"),
    ]:
        answer = await blob.put("/box/b", body, **headers)
        assert (answer.status, answer.code) == (status, code)
    assert (await blob.send("HEAD", "/box/b")).status == 404
    await blob.blobs.collector.collect()
    assert blob.files() == set()
    assert await blob.store.rows("SELECT id FROM storage_part") == []
    answer = await blob.put(
        "/box/b", chunked(data, length=None), Content_MD5=md5(data), x_ms_blob_content_md5=md5(data)
    )
    assert answer.status == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ms-meta-bad-name": "v"},
        {"x-ms-meta-1st": "v"},
        {"x-ms-meta-": "v"},
        {"x-ms-meta-a": "ü"},
        {"x-ms-meta-a": "v" * 9000},
        {"x-ms-blob-content-type": "a/b\x7f"},
        {"x-ms-blob-type": ""},
        {"x-ms-blob-type": "CubeBlob"},
        {"x-ms-version": "latest"},
    ],
)
async def test_headers_that_make_no_sense_change_nothing(blob: BlobClient, headers: dict[str, str]) -> None:
    await blob.container()
    answer = await blob.put("/box/b", b"x", **headers)
    assert answer.status == 400
    assert answer.code
    assert (await blob.send("HEAD", "/box/b")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "query", "headers"),
    [
        ("PUT", "/box/b", "comp=incrementalcopy", {"x-ms-copy-source": "https://x"}),
        ("GET", "/box/b", "", {"x-ms-structured-body": "XSM/2.0"}),
        ("PUT", "/box/b", "", {"x-ms-blob-type": "BlockBlob", "x-ms-structured-body": "XSM/1.0; properties=md5"}),
        ("GET", "/box", "restype=container&comp=list&showonly=deleted", {}),
        ("GET", "/box", "restype=container&comp=list&include=deletedwithversions", {}),
        ("DELETE", "/box/b", "snapshot=2026-01-01T00:00:00.0000000Z&deletetype=permanent", {}),
    ],
)
async def test_what_is_not_there_yet_says_so(
    blob: BlobClient, method: str, path: str, query: str, headers: dict[str, str]
) -> None:
    await blob.container()
    await blob.put("/box/b", b"kept")
    answer = await blob.send(method, path, query, headers=headers)
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert (await blob.send("GET", "/box/b")).body == b"kept"


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("PATCH", "/box/b", "", (405, "UnsupportedHttpVerb")),
        ("GET", "/box/b", "comp=frobnicate", (400, "InvalidQueryParameterValue")),
        ("GET", "/%ff/b", "", (400, "InvalidUri")),
    ],
)
async def test_nonsense(blob: BlobClient, method: str, path: str, query: str, expected: tuple[int, str]) -> None:
    answer = await blob.send(method, path, query)
    assert (answer.status, answer.code) == expected

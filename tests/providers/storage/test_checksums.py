"""CRC64: its value, structured bodies both ways, and what comes of a wrong one."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.http.message import Body
from keyless.model.errors import KeylessError
from keyless.providers.storage.crc64 import load_crc64, write_crc64
from keyless.providers.storage.structured_body import StructuredReader, StructuredWriter
from tests.providers.storage.harness import BlobClient, chunked
from tests.providers.storage.test_client import Client

pytest.importorskip("awscrt")

crc64 = load_crc64()
MIB = 1024 * 1024
STRUCTURED = "XSM/1.0; properties=crc64"
BLOCK_BLOB = {"x-ms-blob-type": "BlockBlob"}
#: azure-storage-blob 12.31.1 with azure-storage-extensions 0.1.0: `StructuredMessageEncodeStream` of b"hello world"
#: in segments of 4 bytes.
RECORDED = bytes.fromhex(
    "015600000000000000010003000100040000000000000068656c6c53063d2980bcddf2020004000000000000006f20776fae8e5b98434aa0b903000300000000000000726c64abb6c3b13b832934be8eeaf6c3d5298d"
)


def slow_crc64(data: bytes) -> int:
    """As the specification has it, bit by bit."""
    value = 0xFFFFFFFFFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x9A6C9329AC4BC9B5 if value & 1 else 0)
    return value ^ 0xFFFFFFFFFFFFFFFF


def message(data: bytes, segment: int = 4 * MIB) -> bytes:
    writer = StructuredWriter(crc64, len(data), segment)
    written = writer.begin() + writer.write(data)
    assert len(written) == writer.length
    return written


def read(written: bytes, length: int, step: int = 1 << 30) -> bytes:
    reader = StructuredReader(crc64, length)
    content = b"".join(b"".join(reader.feed(written[at : at + step])) for at in range(0, len(written), step))
    reader.finish()
    return content


# the codec


@given(st.binary(max_size=300), st.integers(0, 300))
def test_the_value(data: bytes, at: int) -> None:
    assert crc64(data[at:], crc64(data[:at], 0)) == slow_crc64(data)


def test_the_published_check_value() -> None:
    assert crc64(b"123456789", 0) == 0xAE8B14860A799888


@given(st.binary(max_size=200), st.integers(1, 50), st.integers(1, 60), st.integers(1, 60))
def test_what_is_written_is_read(data: bytes, segment: int, step: int, piece: int) -> None:
    writer = StructuredWriter(crc64, len(data), segment)
    written = writer.begin() + b"".join(writer.write(data[at : at + piece]) for at in range(0, len(data), piece))
    assert written == message(data, segment)
    assert read(written, len(data), step) == data


def test_what_the_official_client_writes() -> None:
    assert message(b"hello world", 4) == RECORDED
    assert read(RECORDED, 11, 1) == b"hello world"


def test_every_bit_counts() -> None:
    data = os.urandom(30)
    written = message(data, 12)
    for bit in range(len(written) * 8):
        changed = bytearray(written)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(KeylessError):
            read(bytes(changed), len(data))
    for size in range(len(written)):
        with pytest.raises(KeylessError):
            read(written[:size], len(data))
    for wrong, length in [(written + b"\0", 30), (written, 29), (written, 31), (message(data, 12), 0)]:
        with pytest.raises(KeylessError):
            read(wrong, length)


@given(st.binary(max_size=80), st.integers(0, 40))
def test_anything_is_read_or_refused(noise: bytes, length: int) -> None:
    try:
        read(noise, length, 7)
    except KeylessError as error:
        told = error.code
    else:
        told = "read"
    assert told in {"InvalidInput", "Crc64Mismatch"}


# uploads


def pieces(data: bytes) -> Body:
    return chunked(data, 50_000)


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 9 * MIB])
async def test_uploads(blob: BlobClient, size: int) -> None:
    await blob.container()
    data = os.urandom(size)
    value = write_crc64(crc64(data, 0))
    plain = await blob.send("PUT", "/box/a", "", pieces(data), headers=BLOCK_BLOB | {"x-ms-content-crc64": value})
    assert (plain.status, plain.headers["x-ms-content-crc64"]) == (201, value)
    headers = {"x-ms-structured-body": STRUCTURED, "x-ms-structured-content-length": str(size)}
    wrapped = await blob.send("PUT", "/box/b", "", pieces(message(data)), headers=BLOCK_BLOB | headers)
    assert (wrapped.status, wrapped.headers["x-ms-structured-body"]) == (201, STRUCTURED), wrapped.body
    for path in ("/box/a", "/box/b"):
        assert (await blob.send("GET", path)).body == data
    if size:
        staged = await blob.send("PUT", "/box/c", "comp=block&blockid=YQ==", pieces(message(data)), headers=headers)
        assert staged.status == 201
        listed = b"<BlockList><Latest>YQ==</Latest></BlockList>"
        checked = {"x-ms-content-crc64": write_crc64(crc64(listed, 0))}
        assert (await blob.send("PUT", "/box/c", "comp=blocklist", listed, headers=checked)).status == 201
        assert (await blob.send("GET", "/box/c")).body == data


@pytest.mark.parametrize("size", [1, 64 * 1024 + 1, 5 * MIB])
async def test_a_wrong_body_stores_nothing(blob: BlobClient, size: int) -> None:
    await blob.container()
    await blob.put("/box/b", b"old")
    data = os.urandom(size)
    wrong = write_crc64(crc64(data, 0) ^ 1)
    spoilt = bytearray(message(data))
    spoilt[size // 2 + 23] ^= 1
    structured = {"x-ms-structured-body": STRUCTURED, "x-ms-structured-content-length": str(size)}
    other_length = structured | {"x-ms-structured-content-length": str(size + 1)}
    listed = b"<BlockList><Latest>YQ==</Latest></BlockList>"
    cases: list[tuple[str, bytes, dict[str, str], str]] = [
        ("", data, {"x-ms-content-crc64": wrong}, "Crc64Mismatch"),
        ("", data, {"x-ms-content-crc64": "AAAA"}, "InvalidHeaderValue"),
        ("", bytes(spoilt), structured, "Crc64Mismatch"),
        ("", message(data)[:-1], structured, "InvalidInput"),
        ("", message(data), other_length, "InvalidInput"),
        ("", message(data), {"x-ms-structured-body": STRUCTURED}, "MissingRequiredHeader"),
        ("comp=block&blockid=YQ==", data, {"x-ms-content-crc64": wrong}, "Crc64Mismatch"),
        ("comp=blocklist", listed, {"x-ms-content-crc64": wrong}, "Crc64Mismatch"),
    ]
    for query, body, headers, code in cases:
        answer = await blob.send("PUT", "/box/b", query, pieces(body), headers=BLOCK_BLOB | headers)
        assert (answer.status, answer.code) == (400, code), (query, headers)
    assert (await blob.send("GET", "/box/b")).body == b"old"
    assert (await blob.send("GET", "/box/b", "comp=blocklist&blocklisttype=uncommitted")).xml().find("*/Block") is None
    await blob.blobs.collector.collect()
    assert not blob.files()


@pytest.mark.parametrize(("query", "kind"), [("", BLOCK_BLOB), ("comp=block&blockid=YQ==", {})])
async def test_sources(blob: BlobClient, query: str, kind: dict[str, str]) -> None:
    await blob.container()
    await blob.put("/box/a", b"data")
    headers = kind | {"x-ms-copy-source": "https://shop.blob.keyless.localhost/box/a"}
    wrong = headers | {"x-ms-source-content-crc64": write_crc64(1)}
    answer = await blob.send("PUT", "/box/b", query, headers=wrong)
    assert (answer.status, answer.code) == (400, "Crc64Mismatch")
    right = headers | {"x-ms-source-content-crc64": write_crc64(crc64(b"data", 0))}
    assert (await blob.send("PUT", "/box/b", query, headers=right)).status == 201


# downloads


@pytest.mark.parametrize("size", [0, 1, 64 * 1024 + 1, 9 * MIB + 5])
async def test_downloads(blob: BlobClient, size: int) -> None:
    await blob.container()
    data = os.urandom(size)
    await blob.put("/box/b", chunked(data))
    got = await blob.send("GET", "/box/b", headers={"x-ms-structured-body": STRUCTURED})
    assert (got.status, got.headers["x-ms-structured-body"]) == (200, STRUCTURED)
    assert got.headers["x-ms-structured-content-length"] == str(size)
    assert read(got.body, size) == data
    if size:
        asked = {"x-ms-structured-body": STRUCTURED, "x-ms-range": f"bytes={size // 3}-{size - 1}"}
        got = await blob.send("GET", "/box/b", headers=asked)
        assert (got.status, got.headers["Content-Range"]) == (206, f"bytes {size // 3}-{size - 1}/{size}")
        assert read(got.body, size - size // 3) == data[size // 3 :]


async def test_the_checksum_of_a_range(blob: BlobClient) -> None:
    await blob.container()
    data = os.urandom(5 * MIB)
    await blob.put("/box/b", chunked(data))
    ask = {"x-ms-range-get-content-crc64": "true"}
    got = await blob.send("GET", "/box/b", headers=ask | {"x-ms-range": "bytes=7-4194310"})
    assert (got.status, got.body) == (206, data[7:4194311])
    assert got.headers["x-ms-content-crc64"] == write_crc64(crc64(got.body, 0))
    for headers in (ask, ask | {"x-ms-range": "bytes=7-4194311"}):
        refused = await blob.send("GET", "/box/b", headers=headers)
        assert (refused.status, refused.code) == (400, "InvalidHeaderValue")
    missing = await blob.send("GET", "/box/none", headers=ask | {"x-ms-range": "bytes=0-1"})
    assert (missing.status, missing.code) == (404, "BlobNotFound")


async def test_a_reader_who_goes_lets_go_of_the_blob(blob: BlobClient) -> None:
    await blob.container()
    await blob.put("/box/b", chunked(os.urandom(3 * MIB)))
    request = blob.request("GET", "/box/b", headers={"x-ms-structured-body": STRUCTURED})
    response = await blob.kernel.dispatch(request)
    body = response.body
    assert isinstance(body, AsyncIterator)
    await anext(body)
    await anext(body)
    await body.aclose()  # type: ignore[attr-defined]
    await blob.send("DELETE", "/box/b")
    del response, body, request
    await blob.blobs.collector.collect()
    assert not blob.files()


async def test_without_the_library(blob: BlobClient, monkeypatch: pytest.MonkeyPatch) -> None:
    await blob.container()
    await blob.put("/box/b", b"old")
    monkeypatch.setitem(sys.modules, "awscrt.checksums", None)
    load_crc64.cache_clear()
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = [
        ("PUT", BLOCK_BLOB | {"x-ms-content-crc64": write_crc64(1)}, {"body": b"new"}),
        ("GET", {"x-ms-structured-body": STRUCTURED}, {}),
    ]
    for method, headers, more in requests:
        answer = await blob.send(method, "/box/b", headers=headers, **more)
        assert (answer.status, answer.code) == (501, "NotImplemented")
        assert b"keyless[crc64]" in answer.body
    assert (await blob.send("GET", "/box/b")).body == b"old"
    load_crc64.cache_clear()


async def test_the_official_client(blob: BlobClient) -> None:
    pytest.importorskip("azure.storage.extensions.checksums")
    client = Client(blob)
    await client.run(lambda s: s.create_container("box"))
    # in one request, in blocks, and from a stream
    for size in (0, 70_000, 3 * MIB + 5):
        data = os.urandom(size)
        for content in (data, io.BytesIO(data)):
            one = await client.run(lambda s: s.get_blob_client("box", "b"))
            await asyncio.to_thread(one.upload_blob, content, overwrite=True, validate_content="crc64")
            got = await asyncio.to_thread(lambda b=one: b.download_blob(validate_content="crc64").readall())  # type: ignore[misc]
            assert got == data

"""Upload and download of blobs: what is sent, in how much memory, and that nothing half done stays."""

from __future__ import annotations

import base64
import gc
import hashlib
import io
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import httpx
import pytest

from keyless.cli.blob_download import download, target
from keyless.cli.blob_protocol import MAX_BLOCKS, Address
from keyless.cli.blob_upload import BLOCK, IN_FLIGHT, MIB, SINGLE_MAX, Upload, block_size
from keyless.cli.errors import Refused
from keyless.cli.owner import OwnerKey
from keyless.cli.session import Session
from keyless.providers.storage.xml import parse_block_list
from tests.cli.fakes import INSTANCE, PRIVATE_JWK, FakeServer

WHERE = Address("shopdata", "in", "a.bin")


class BlobServer:
    """A container of blobs, as far as an upload and a download need one."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.blocks: dict[str, bytes] = {}
        self.md5 = ""
        self.under_way = 0
        self.most_under_way = 0
        self.fail_block = -1
        self._lock = threading.Lock()
        self.http = FakeServer(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        name, query = request.url.path, request.url.params
        if request.method == "HEAD":
            return httpx.Response(200 if name in self.blobs else 404)
        if request.method == "GET":
            return httpx.Response(200, content=self.blobs[name], headers={"Content-MD5": self.md5})
        if query.get("comp") == "block":
            return self._block(query["blockid"], request.content)
        if name in self.blobs and request.headers.get("If-None-Match") == "*":
            error = "<Error><Code>BlobAlreadyExists</Code><Message>It is there.</Message></Error>"
            return httpx.Response(409, text=error)
        if query.get("comp") == "blocklist":
            self.blobs[name] = b"".join(self.blocks[entry.block_id] for entry in parse_block_list(request.content))
            self.md5 = request.headers["x-ms-blob-content-md5"]
        else:
            self.blobs[name] = request.content
        return httpx.Response(201)

    def _block(self, block: str, data: bytes) -> httpx.Response:
        with self._lock:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
        time.sleep(0.002)
        with self._lock:
            self.under_way -= 1
            if len(self.blocks) == self.fail_block:
                return httpx.Response(503, text="<Error><Code>ServerBusy</Code><Message>Full.</Message></Error>")
            self.blocks[block] = data
        return httpx.Response(201)

    def upload(self, source: BinaryIO, size: int | None, *, overwrite: bool = False) -> int:
        """Upload; returns what the progress bar was told in all."""
        counted: list[int] = []
        Upload(self.http.session(), WHERE, "text/plain", overwrite, counted.append).send(source, size)
        return sum(counted)


class Pipe(io.RawIOBase):
    """Gives a little at a time, and notes how far it was read."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.size = size

    def readable(self) -> bool:
        return True

    def read(self, length: int = -1) -> bytes:
        part = min(length, self.left, 3 * MIB)
        self.left -= part
        return bytes(part)


@pytest.fixture
def server() -> BlobServer:
    return BlobServer()


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyless.cli.blob_upload.BLOCK", 10)
    monkeypatch.setattr("keyless.cli.blob_upload.MIB", 1)
    monkeypatch.setattr("keyless.cli.blob_upload.SINGLE_MAX", 20)


@pytest.mark.parametrize("data", [b"", b"hello"])
def test_a_small_file_goes_in_one_request(server: BlobServer, data: bytes) -> None:
    assert server.upload(io.BytesIO(data), len(data)) == len(data)
    (request,) = server.http.requests
    assert server.blobs == {"/in/a.bin": data}
    assert request.headers["Content-Length"] == str(len(data))
    assert request.headers["x-ms-blob-type"] == "BlockBlob"
    assert request.headers["x-ms-blob-content-type"] == "text/plain"
    assert "Transfer-Encoding" not in request.headers


@pytest.mark.parametrize("data", [b"", b"hello"])
def test_a_short_pipe_goes_in_one_request(server: BlobServer, data: bytes) -> None:
    assert server.upload(io.BytesIO(data), None) == len(data)
    assert server.blobs == {"/in/a.bin": data}
    assert len(server.http.requests) == 1


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("length", [10, 11, 20, 95])
def test_a_long_pipe_goes_in_blocks(server: BlobServer, length: int) -> None:
    data = bytes(range(length))
    assert server.upload(io.BytesIO(data), None) == length
    assert server.blobs == {"/in/a.bin": data}
    assert {len(block) for block in server.blocks.values()} <= {10, length % 10}
    assert server.md5 == base64.b64encode(hashlib.md5(data).digest()).decode()


@pytest.mark.usefixtures("small_blocks")
def test_a_long_file_goes_in_blocks_of_which_some_are_under_way_at_once(server: BlobServer) -> None:
    data = bytes(range(200))
    assert server.upload(io.BytesIO(data), 200) == 200
    assert server.blobs == {"/in/a.bin": data}
    assert 1 < server.most_under_way <= IN_FLIGHT


def test_memory_holds_the_blocks_under_way_and_no_more(server: BlobServer) -> None:
    """The source is never read further ahead than the blocks that may be under way, and one."""
    size = 10 * BLOCK
    pipe = Pipe(size)
    ahead: list[int] = []

    def done(count: int) -> None:
        ahead.append(size - pipe.left - sum(ahead_done))
        ahead_done.append(count)

    ahead_done: list[int] = []
    Upload(server.http.session(), WHERE, "x/y", True, done).send(pipe, None)  # type: ignore[arg-type]
    assert max(ahead) <= (IN_FLIGHT + 1) * BLOCK


class Sink(httpx.BaseTransport):
    """Takes what is sent and keeps nothing of it."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        for _ in request.stream:
            pass
        if request.headers["Host"].startswith("login."):
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600})
        return httpx.Response(404 if request.method == "HEAD" else 201, content=iter([b""]))


def test_memory_stays_flat_even_if_nothing_is_collected() -> None:
    session = Session(INSTANCE, lambda: OwnerKey(PRIVATE_JWK), transport=Sink())
    gc.disable()
    tracemalloc.start()
    try:
        Upload(session, WHERE, "x/y", False, lambda _count: None).send(Pipe(30 * BLOCK), None)  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < (IN_FLIGHT + 4) * BLOCK
    finally:
        tracemalloc.stop()
        gc.enable()


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("length", "size"), [(5, 5), (50, 50), (50, None)])
def test_a_blob_that_is_there_stays(server: BlobServer, length: int, size: int | None) -> None:
    server.blobs["/in/a.bin"] = b"old"
    with pytest.raises(Refused, match="say --overwrite"):
        server.upload(io.BytesIO(bytes(length)), size)
    assert server.blobs == {"/in/a.bin": b"old"}
    assert not server.blocks
    server.upload(io.BytesIO(bytes(length)), size, overwrite=True)
    assert server.blobs == {"/in/a.bin": bytes(length)}


@pytest.mark.usefixtures("small_blocks")
def test_a_blob_that_appears_meanwhile_stays(server: BlobServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.blobs["/in/a.bin"] = b"old"
    monkeypatch.setattr(Upload, "_refuse_early", lambda _self: None)
    with pytest.raises(Refused, match="say --overwrite"):
        server.upload(io.BytesIO(bytes(50)), 50)
    assert server.blobs == {"/in/a.bin": b"old"}


@pytest.mark.usefixtures("small_blocks")
def test_a_block_that_fails_ends_the_upload(server: BlobServer) -> None:
    server.fail_block = 3
    with pytest.raises(Refused, match=r"^Full\.$"):
        server.upload(io.BytesIO(bytes(1000)), 1000)
    assert server.blobs == {}
    assert len(server.blocks) < 20


def test_blocks_grow_with_the_file() -> None:
    assert block_size(None) == block_size(SINGLE_MAX + 1) == block_size(MAX_BLOCKS * BLOCK) == BLOCK
    for size in (MAX_BLOCKS * BLOCK + 1, 10**12, 5 * 10**13):
        length = block_size(size)
        assert length % MIB == 0
        assert length * MAX_BLOCKS >= size
        assert (length - MIB) * MAX_BLOCKS < size


def test_a_pipe_beyond_the_most_blocks_is_refused(server: BlobServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyless.cli.blob_upload.BLOCK", 1)
    monkeypatch.setattr("keyless.cli.blob_upload.MAX_BLOCKS", 3)
    with pytest.raises(Refused, match="longer than 3 blocks"):
        server.upload(io.BytesIO(b"1234"), None)
    assert server.blobs == {}


def test_downloads_to_a_file_that_takes_its_place_at_the_end(server: BlobServer, tmp_path: Path) -> None:
    server.blobs["/in/a.bin"] = b"hello"
    server.md5 = base64.b64encode(hashlib.md5(b"hello").digest()).decode()
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    told: list[int] = []

    def started(size: int) -> Callable[[int], None]:
        told.append(size)
        return told.append

    with target(path) as sink:
        download(server.http.session(), WHERE, sink, started)
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"hello"
    assert told == [5, 5]
    assert [one.name for one in tmp_path.iterdir()] == ["a.bin"]


def test_a_download_that_fails_leaves_what_was_there(server: BlobServer, tmp_path: Path) -> None:
    server.blobs["/in/a.bin"] = b"hellO"
    server.md5 = base64.b64encode(hashlib.md5(b"hello").digest()).decode()
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(Refused, match="MD5"), target(path) as sink:
        download(server.http.session(), WHERE, sink, lambda _size: lambda _count: None)
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.bin"]

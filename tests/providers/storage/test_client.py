"""azure-storage-blob as it comes, against the kernel: its upload, download and list helpers, and its errors."""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import urllib3
from azure.core import MatchConditions
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobBlock, BlobPrefix, BlobServiceClient, ContentSettings

from keyless.http.message import Body, Headers, Request, Target, parse_query
from tests.providers.storage.harness import BlobClient

MIB = 1024 * 1024


class KernelAdapter(requests.adapters.BaseAdapter):  # type: ignore[misc]
    """Hands the client's requests to the kernel, which runs on another thread's loop."""

    def __init__(self, blob: BlobClient, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._blob = blob
        self._loop = loop
        self.seen: list[tuple[str, str]] = []

    def send(self, sent: Any, **_: object) -> Any:
        self.seen.append((sent.method, sent.url))
        status, headers, body = asyncio.run_coroutine_threadsafe(self._answer(sent), self._loop).result(30)
        response = requests.Response()
        response.request, response.url, response.status_code = sent, sent.url, status
        response.headers.update(headers)
        response.raw = urllib3.HTTPResponse(
            io.BytesIO(body), headers, status, preload_content=False, request_method=sent.method
        )
        return response

    async def _answer(self, sent: Any) -> tuple[int, dict[str, str], bytes]:
        url = urlsplit(sent.url)
        name, _dot, suffix = (url.hostname or "").partition(".")
        data = sent.body.read() if hasattr(sent.body, "read") else sent.body or b""
        request = Request(
            method=sent.method,
            host=url.hostname or "",
            port=url.port,
            target=Target("storage", name, suffix),
            path=url.path,
            query=parse_query(url.query),
            headers=Headers(sent.headers.items()),
            body=Body.of(data.encode() if isinstance(data, str) else data),
            request_id="r-1",
            raw_query=url.query,
        )
        answer = await self._blob.kernel.dispatch(request)
        body = answer.body if isinstance(answer.body, bytes) else b"".join([piece async for piece in answer.body])
        length = len(body) if answer.length is None else answer.length
        return answer.status, answer.headers | {"Content-Length": str(length)}, body if sent.method != "HEAD" else b""

    def close(self) -> None:
        pass


class WordCredential:
    """Gives the owner's token."""

    def __init__(self, token: str = "owner") -> None:
        self.token = token
        self.asked: list[str] = []

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.asked += scopes
        return AccessToken(self.token, int(time.time()) + 3600)


class Client:
    """The official client, used from a thread as it blocks."""

    def __init__(self, blob: BlobClient, token: str = "owner", account: str = "shop") -> None:
        session = requests.Session()
        self.adapter = KernelAdapter(blob, asyncio.get_running_loop())
        session.mount("https://", self.adapter)
        self.credential = WordCredential(token)
        self._service = BlobServiceClient(
            f"https://{account}.blob.keyless.localhost:8443",
            credential=self.credential,
            transport=RequestsTransport(session=session, session_owner=False),
            retry_total=0,
            max_single_put_size=MIB,
            max_block_size=MIB // 2,
            max_single_get_size=MIB,
            max_chunk_get_size=MIB // 2,
        )

    async def run(self, use: Callable[[Any], Any]) -> Any:
        return await asyncio.to_thread(use, self._service)


@pytest.fixture
async def client(blob: BlobClient) -> Client:
    client = Client(blob)
    await client.run(lambda s: s.create_container("box", metadata={"k": "v"}))
    return client


def _blob(service: Any, name: str = "b") -> Any:
    return service.get_blob_client("box", name)


@pytest.mark.parametrize("size", [0, 1, 70_000, MIB, 3 * MIB + 5])
async def test_upload_and_download(client: Client, size: int) -> None:
    data = os.urandom(size)
    await client.run(lambda s: _blob(s).upload_blob(data, metadata={"a": "1"}, content_settings=ContentSettings("x/y")))
    got = await client.run(lambda s: _blob(s).download_blob().readall())
    assert got == data
    part = await client.run(lambda s: _blob(s).download_blob(offset=size // 2, length=9).readall()) if size else b""
    assert part == data[size // 2 :][:9]
    properties = await client.run(lambda s: _blob(s).get_blob_properties())
    assert (properties.size, properties.metadata, properties.content_settings.content_type) == (size, {"a": "1"}, "x/y")
    assert (properties.blob_type, properties.blob_tier, properties.lease.state) == ("BlockBlob", "Hot", "available")
    assert client.credential.asked[0] == "https://storage.azure.com/.default"


async def test_content_validation(client: Client) -> None:
    data = os.urandom(2 * MIB)
    await client.run(lambda s: _blob(s).upload_blob(data, validate_content="md5"))
    assert await client.run(lambda s: _blob(s).download_blob(validate_content="md5").readall()) == data


async def test_exists_and_errors(client: Client) -> None:
    assert await client.run(lambda s: _blob(s).exists()) is False
    assert await client.run(lambda s: s.get_container_client("none").exists()) is False
    assert await client.run(lambda s: s.get_container_client("box").exists()) is True
    with pytest.raises(ResourceNotFoundError) as missing:
        await client.run(lambda s: _blob(s).download_blob())
    assert missing.value.error_code == "BlobNotFound"
    await client.run(lambda s: _blob(s).upload_blob(b"1"))
    assert await client.run(lambda s: _blob(s).exists()) is True
    with pytest.raises(ResourceExistsError) as there:
        await client.run(lambda s: _blob(s).upload_blob(b"2"))
    assert there.value.error_code == "BlobAlreadyExists"
    await client.run(lambda s: _blob(s).upload_blob(b"2", overwrite=True))
    unmodified = MatchConditions.IfNotModified
    with pytest.raises(ResourceModifiedError):
        await client.run(lambda s: _blob(s).get_blob_properties(etag='"0x0"', match_condition=unmodified))
    with pytest.raises(ResourceExistsError):
        await client.run(lambda s: s.create_container("box"))


async def test_what_is_not_there_yet_is_final_for_the_client(client: Client) -> None:
    await client.run(lambda s: _blob(s).upload_blob(b"1"))
    for use in (
        lambda s: _blob(s).upload_blob(b"2", overwrite=True, encryption_scope="scope"),
        lambda s: _blob(s).start_copy_from_url(f"{_blob(s, 'd').url}?snapshot=x", incremental_copy=True),
    ):
        with pytest.raises(HttpResponseError) as refused:
            await client.run(use)
        assert (refused.value.status_code, refused.value.error_code) == (501, "NotImplemented")
        assert "keyless does not support" in str(refused.value)


async def test_lists(client: Client) -> None:
    names = ["a/1", "a/2", "b", "c/d/e", "odd \uffff", "ü&<>"]
    await client.run(lambda s: [_blob(s, name).upload_blob(b"x", metadata={"n": "1"}) for name in names])
    found = await client.run(
        lambda s: list(s.get_container_client("box").list_blobs(include=["metadata", "tags"], results_per_page=2))
    )
    assert [entry.name for entry in found] == sorted(names, key=str.encode)
    assert all((e.size, e.metadata, e.blob_tier) == (1, {"n": "1"}, "Hot") and e.last_modified for e in found)
    top = await client.run(lambda s: list(s.get_container_client("box").walk_blobs(delimiter="/")))
    assert [(entry.name, isinstance(entry, BlobPrefix)) for entry in top] == [
        ("a/", True), ("c/", True), ("b", False), ("odd \uffff", False), ("ü&<>", False)
    ]  # fmt: skip
    below = await client.run(lambda s: list(s.get_container_client("box").list_blobs(name_starts_with="a/")))
    assert [entry.name for entry in below] == ["a/1", "a/2"]
    containers = await client.run(lambda s: list(s.list_containers(include_metadata=True)))
    assert [(c.name, c.metadata, c.lease.state) for c in containers] == [("box", {"k": "v"}, "available")]


async def test_blocks(client: Client) -> None:
    def use(service: Any) -> None:
        blob = _blob(service)
        for number in range(3):
            blob.stage_block(f"id+/{number}", b"%d" % number)
        blob.commit_block_list([BlobBlock(f"id+/{n}") for n in (2, 0)])
        blob.stage_block("id+/7", b"later")
        committed, uncommitted = blob.get_block_list("all")
        assert [(b.id, b.size) for b in committed] == [("id+/2", 1), ("id+/0", 1)]
        assert [(b.id, b.size) for b in uncommitted] == [("id+/7", 5)]
        assert blob.download_blob().readall() == b"20"

    await client.run(use)


async def test_delete(client: Client) -> None:
    await client.run(lambda s: _blob(s).upload_blob(b"1"))
    await client.run(lambda s: _blob(s).delete_blob(delete_snapshots="include"))
    assert await client.run(lambda s: _blob(s).exists()) is False
    await client.run(lambda s: s.delete_container("box"))
    assert await client.run(lambda s: s.get_container_client("box").exists()) is False


async def test_who_may_not_is_told_what_would_allow_it(blob: BlobClient, client: Client) -> None:
    stranger = Client(blob, "stranger")
    with pytest.raises(HttpResponseError) as refused:
        await stranger.run(lambda s: _blob(s).download_blob())
    assert (refused.value.status_code, refused.value.error_code) == (403, "AuthorizationPermissionMismatch")
    assert "Assign 'Storage Blob Data Reader' at that scope." in str(refused.value)

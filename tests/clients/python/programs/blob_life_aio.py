"""Containers and blobs with azure-storage-blob, aio."""

import asyncio
import io
import os
from collections.abc import AsyncIterator

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob import BlobBlock
from azure.storage.blob.aio import BlobServiceClient

DATA = os.urandom(300_000)


async def pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(DATA), 7000):
        yield DATA[start : start + 7000]


async def main() -> None:
    sizes = {"max_single_put_size": 65_536, "max_block_size": 65_536, "max_single_get_size": 50_000}
    async with (
        DefaultAzureCredential() as credential,
        BlobServiceClient(os.environ["ACCOUNT_URL"], credential) as service,
        BlobServiceClient(os.environ["ACCOUNT_URL"], credential, max_chunk_get_size=40_000, **sizes) as in_blocks,
    ):
        box = await service.create_container("aio")
        assert await box.exists()
        assert [c.name async for c in service.list_containers()] == ["aio"]
        blob = await box.upload_blob("folder/a b.bin", DATA)
        assert await (await blob.download_blob()).readall() == DATA
        assert await (await blob.download_blob(offset=10, length=20)).readall() == DATA[10:30]
        with pytest.raises(ResourceExistsError, match="BlobAlreadyExists"):
            await blob.upload_blob(b"")
        small = in_blocks.get_blob_client("aio", "small")
        await small.upload_blob(io.BytesIO(DATA), max_concurrency=3)
        assert len((await small.get_block_list())[0]) == 5
        target = io.BytesIO()
        assert await (await small.download_blob(max_concurrency=3)).readinto(target) == len(DATA)
        assert target.getvalue() == DATA
        chunks = [chunk async for chunk in (await small.download_blob()).chunks()]
        assert b"".join(chunks) == DATA
        await small.upload_blob(pieces(), overwrite=True)
        assert await (await small.download_blob()).readall() == DATA
        await asyncio.gather(*(box.upload_blob(f"many/{n:02}", str(n).encode()) for n in range(30)))
        names = [f"many/{n:02}" for n in range(30)]
        assert [b.name async for b in box.list_blobs(name_starts_with="many/", results_per_page=7)] == names
        assert [item.name async for item in box.walk_blobs(delimiter="/")] == ["folder/", "many/", "small"]
        by_hand = box.get_blob_client("by-hand")
        await asyncio.gather(by_hand.stage_block("b", b"2"), by_hand.stage_block("a", b"1"))
        await by_hand.commit_block_list([BlobBlock("a"), BlobBlock("b")], metadata={"by": "hand"})
        assert (await by_hand.get_blob_properties()).metadata == {"by": "hand"}
        assert await (await by_hand.download_blob()).readall() == b"12"
        empty = await box.upload_blob("empty", b"")
        assert await (await empty.download_blob()).readall() == b""
        await by_hand.delete_blob()
        assert not await by_hand.exists()
        with pytest.raises(ResourceNotFoundError, match="BlobNotFound"):
            await by_hand.download_blob()
        await service.delete_container("aio")
        assert [c.name async for c in service.list_containers()] == []


asyncio.run(main())
print("ok")

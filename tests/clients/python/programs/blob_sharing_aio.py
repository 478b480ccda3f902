"""Shared access signatures, and copies in every way, with azure-storage-blob, aio."""

import asyncio
import os
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob import BlobBlock, generate_blob_sas, generate_container_sas
from azure.storage.blob.aio import BlobClient, BlobServiceClient, ContainerClient

DATA = os.urandom(2_000_000)
ACCOUNT = os.environ["ACCOUNT_URL"].removeprefix("https://").partition(".")[0]


async def body(blob: BlobClient) -> bytes:
    return bytes(await (await blob.download_blob()).readall())


async def signatures(service: BlobServiceClient, box: ContainerClient, source: BlobClient) -> None:
    now = datetime.now(UTC)
    key = await service.get_user_delegation_key(now - timedelta(minutes=5), now + timedelta(hours=1))
    given = {"user_delegation_key": key, "expiry": now + timedelta(minutes=30)}
    sas = generate_blob_sas(ACCOUNT, "box", source.blob_name, permission="r", **given)
    async with BlobClient.from_blob_url(f"{source.url}?{sas}") as shared:
        assert await body(shared) == DATA
        with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
            await shared.delete_blob()
    async with BlobClient.from_blob_url(f"{box.get_blob_client('other').url}?{sas}") as other:
        with pytest.raises(HttpResponseError, match="AuthenticationFailed"):
            await other.download_blob()
    sas = generate_container_sas(ACCOUNT, "box", permission="rl", **given)
    async with ContainerClient.from_container_url(f"{box.url}?{sas}") as shared_box:
        assert [blob.name async for blob in shared_box.list_blobs()] == [source.blob_name]


async def copies(box: ContainerClient, source: BlobClient, bearer: str) -> None:
    copy, half = box.get_blob_client("copy"), len(DATA) // 2
    assert (await copy.start_copy_from_url(source.url))["copy_status"] == "success"
    assert (await copy.get_blob_properties()).metadata == {"team": "a"}
    with pytest.raises(HttpResponseError, match="NoPendingCopyOperation"):
        await copy.abort_copy("any")
    await copy.upload_blob_from_url(source.url, overwrite=True)
    assert await body(copy) == DATA
    blocks = box.get_blob_client("blocks")
    await blocks.stage_block_from_url("1", source.url, source_offset=half, source_length=half)
    await blocks.commit_block_list([BlobBlock("1")])
    assert await body(blocks) == DATA[half:]
    log = box.get_blob_client("log")
    await log.create_append_blob()
    await log.append_block_from_url(source.url, source_offset=half, source_length=half)
    assert await body(log) == DATA[half:]
    disk = box.get_blob_client("disk")
    await disk.create_page_blob(2048)
    await disk.upload_pages_from_url(source.url, offset=512, length=1024, source_offset=10)
    assert await body(disk) == bytes(512) + DATA[10:1034] + bytes(512)
    elsewhere = os.environ["OTHER_BLOB"]
    with pytest.raises(HttpResponseError, match="CannotVerifyCopySource"):
        await copy.start_copy_from_url(elsewhere, requires_sync=True)
    await copy.start_copy_from_url(elsewhere, requires_sync=True, source_authorization=bearer)
    assert await body(copy) == b"from elsewhere"


async def main() -> None:
    async with (
        DefaultAzureCredential() as credential,
        BlobServiceClient(os.environ["ACCOUNT_URL"], credential) as service,
    ):
        box = await service.create_container("box")
        source = await box.upload_blob("folder/ä b?.bin", DATA, metadata={"team": "a"})
        await signatures(service, box, source)
        token = await credential.get_token("https://storage.azure.com/.default")
        await copies(box, source, f"Bearer {token.token}")


asyncio.run(main())
print("ok")

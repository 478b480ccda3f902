"""Append blobs and page blobs with azure-storage-blob, aio."""

import asyncio
import os

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob import BlobType, SequenceNumberAction
from azure.storage.blob.aio import BlobClient, BlobServiceClient, ContainerClient

PAGE = 512


async def body(blob: BlobClient) -> bytes:
    return bytes(await (await blob.download_blob()).readall())


async def appends(box: ContainerClient) -> None:
    log = box.get_blob_client("log")
    await log.create_append_blob(metadata={"of": "app"})
    added = await asyncio.gather(*(log.append_block(f"line {number}\n") for number in range(10)))
    assert sorted(int(answer["blob_append_offset"]) for answer in added) == list(range(0, 70, 7))
    with pytest.raises(HttpResponseError, match="AppendPositionConditionNotMet"):
        await log.append_block(b"no", appendpos_condition=0)
    await log.seal_append_blob()
    with pytest.raises(ResourceExistsError, match="BlobIsSealed"):
        await log.append_block(b"no")
    seen = await log.get_blob_properties()
    assert (seen.blob_type, seen.append_blob_committed_block_count, seen.size) == (BlobType.APPENDBLOB, 10, 70)


async def pages(box: ContainerClient) -> None:
    disk = box.get_blob_client("disk")
    await disk.create_page_blob(8 * PAGE, sequence_number=3)
    await disk.upload_page(b"a" * 3 * PAGE, PAGE, 3 * PAGE)
    await disk.clear_page(2 * PAGE, PAGE)
    assert await body(disk) == bytes(PAGE) + b"a" * PAGE + bytes(PAGE) + b"a" * PAGE + bytes(4 * PAGE)
    covered = [(r.start // PAGE, r.end // PAGE) async for r in disk.list_page_ranges(results_per_page=1)]
    assert covered == [(1, 1), (3, 3)]
    before = await disk.create_snapshot()
    await disk.clear_page(PAGE, PAGE)
    changes = [(r.start, r.cleared) async for r in disk.list_page_ranges(previous_snapshot=before)]
    assert changes == [(PAGE, True)]
    with pytest.raises(HttpResponseError, match="keyless does not support"):
        await disk.get_page_range_diff_for_managed_disk(f"{disk.url}?snapshot={before['snapshot']}")
    with pytest.raises(HttpResponseError, match="InvalidHeaderValue"):
        await disk.set_premium_page_blob_tier("P10")
    await disk.set_sequence_number(SequenceNumberAction.Max, 9)
    with pytest.raises(HttpResponseError, match="SequenceNumberConditionNotMet"):
        await disk.upload_page(b"?" * PAGE, 0, PAGE, if_sequence_number_lt=9)
    await disk.resize_blob(4 * PAGE)
    seen = await disk.get_blob_properties()
    assert (seen.blob_type, seen.size, seen.page_blob_sequence_number) == (BlobType.PAGEBLOB, 4 * PAGE, 9)


async def main() -> None:
    async with (
        DefaultAzureCredential() as credential,
        BlobServiceClient(os.environ["ACCOUNT_URL"], credential) as service,
    ):
        box = await service.create_container("box")
        await appends(box)
        await pages(box)


asyncio.run(main())
print("ok")

"""What blobs are besides their bodies, with azure-storage-blob, aio.

The account keeps versions, and what is deleted.
"""

import asyncio
import os
from datetime import UTC, datetime, timedelta

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob import ContentSettings, ImmutabilityPolicy
from azure.storage.blob.aio import BlobClient, BlobLeaseClient, BlobServiceClient, ContainerClient


async def body(blob: BlobClient, **options: object) -> bytes:
    return bytes(await (await blob.download_blob(**options)).readall())


async def properties(blob: BlobClient) -> None:
    await blob.set_blob_metadata({"b": "2"})
    await blob.set_http_headers(ContentSettings(content_type="text/plain"))
    seen = await blob.get_blob_properties()
    assert (seen.metadata, seen.content_settings.content_type, seen.tag_count) == ({"b": "2"}, "text/plain", 1)
    assert await blob.get_blob_tags() == {"state": "open"}
    await blob.set_blob_tags({"state": "shut"})
    for refused, conditions in (
        (412, {"etag": '"0x1"', "match_condition": MatchConditions.IfNotModified}),
        (412, {"if_tags_match_condition": "state = 'open'"}),
        (304, {"etag": seen.etag, "match_condition": MatchConditions.IfModified}),
    ):
        with pytest.raises(HttpResponseError, match="ConditionNotMet") as error:
            await blob.get_blob_properties(**conditions)
        assert error.value.status_code == refused
        with pytest.raises(ResourceModifiedError, match="ConditionNotMet"):
            await blob.set_blob_metadata({}, **conditions)
    await blob.set_standard_blob_tier("Archive")
    with pytest.raises(HttpResponseError, match="BlobArchived"):
        await blob.download_blob()
    await blob.set_standard_blob_tier("Hot")


async def leases(blob: BlobClient) -> None:
    held = BlobLeaseClient(blob)
    await held.acquire(-1)
    with pytest.raises(ResourceExistsError, match="LeaseAlreadyPresent"):
        await blob.acquire_lease(15)
    with pytest.raises(HttpResponseError, match="LeaseIdMissing"):
        await blob.delete_blob()
    await held.change("0fd6c6c7-22a5-4a65-a1f2-54a1c2a8a6d4")
    await blob.upload_blob(b"second", overwrite=True, lease=held)
    await held.renew()
    assert (await blob.get_blob_properties()).lease.duration == "infinite"
    assert await held.break_lease(0) == 0
    await held.release()


async def past(box: ContainerClient, blob: BlobClient) -> None:
    versions = [v async for v in box.list_blobs(include=["versions"])]
    assert await body(blob, version_id=versions[0].version_id) == b"first"
    snapshot = box.get_blob_client("doc", snapshot=await blob.create_snapshot())
    with pytest.raises(HttpResponseError, match="SnapshotsPresent"):
        await blob.delete_blob()
    await blob.delete_blob(delete_snapshots="include")
    with pytest.raises(ResourceNotFoundError, match="BlobNotFound"):
        await snapshot.download_blob()
    await blob.undelete_blob()
    assert await body(snapshot) == b"second"


async def not_there(blob: BlobClient) -> None:
    until = ImmutabilityPolicy(expiry_time=datetime.now(UTC) + timedelta(hours=1), policy_mode="Unlocked")
    for call in (
        lambda: blob.set_legal_hold(True),
        lambda: blob.set_immutability_policy(until),
        blob.delete_immutability_policy,
        lambda: blob.query_blob("SELECT * FROM BlobStorage"),
    ):
        with pytest.raises(HttpResponseError, match="keyless does not support") as refused:
            await call()
        assert refused.value.status_code == 501


async def main() -> None:
    async with (
        DefaultAzureCredential() as credential,
        BlobServiceClient(os.environ["ACCOUNT_URL"], credential) as service,
    ):
        box = await service.create_container("box")
        blob = await box.upload_blob("doc", b"first", tags={"state": "open"}, metadata={"a": "1"})
        await properties(blob)
        await leases(blob)
        await past(box, blob)
        await not_there(blob)


asyncio.run(main())
print("ok")

"""What concerns an account and its containers as a whole, with azure-storage-blob, aio."""

import asyncio
import os

import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob import AccessPolicy, CorsRule, RetentionPolicy
from azure.storage.blob.aio import BlobServiceClient, ContainerClient


async def of_the_service(service: BlobServiceClient) -> None:
    for policy in (RetentionPolicy(enabled=False), RetentionPolicy(enabled=True, days=7)):
        await service.set_service_properties(delete_retention_policy=policy)
        found = (await service.get_service_properties())["delete_retention_policy"]
        assert (found.enabled, found.days) == (policy.enabled, policy.days)
    with pytest.raises(HttpResponseError, match="CORS rules"):
        await service.set_service_properties(cors=[CorsRule(["*"], ["GET"])])
    # the library asks in a second region, for which it makes no address of an own name
    with pytest.raises(AzureError):
        await service.get_service_stats(retry_total=0)


async def of_the_container(box: ContainerClient) -> None:
    assert (await box.get_container_properties()).metadata == {"team": "b"}
    assert await box.get_container_access_policy() == {"public_access": None, "signed_identifiers": []}
    await box.set_container_access_policy({})
    with pytest.raises(HttpResponseError, match="stored access policies"):
        await box.set_container_access_policy({"one": AccessPolicy(permission="r")})
    held = await box.acquire_lease(15)
    with pytest.raises(ResourceExistsError, match="LeaseAlreadyPresent"):
        await box.acquire_lease(15)
    with pytest.raises(HttpResponseError, match="LeaseIdMissing"):
        await box.delete_container()
    await held.change("6c3f5b0a-9a06-4b6e-8d5d-1f7d3c1a0b11")
    await held.renew()
    assert (await box.get_container_properties()).lease.state == "leased"
    assert await held.break_lease(0) == 0
    await held.release()


async def blobs(service: BlobServiceClient, box: ContainerClient) -> None:
    names = ["a/1", "a/2", "b"]
    for name in names:
        await box.upload_blob(name, name.encode(), tags={"kind": name[0]})
    assert [name async for name in box.list_blob_names()] == names
    found = service.find_blobs_by_tags("\"kind\"='a'", results_per_page=1)
    assert [(blob.container_name, blob.name) async for blob in found] == [("box", "a/1"), ("box", "a/2")]
    assert [blob.name async for blob in box.find_blobs_by_tags("\"kind\"='b'")] == ["b"]
    went = await box.set_standard_blob_tier_blobs("Cool", "b", "absent", raise_on_any_failure=False)
    assert [answer.status_code async for answer in went] == [200, 404]
    gone = await box.delete_blobs("a/1", "a/2")
    assert [answer.status_code async for answer in gone] == [202, 202]
    (left,) = [blob async for blob in box.list_blobs(include=["tags"])]
    assert (left.name, left.tags, left.blob_tier) == ("b", {"kind": "b"}, "Cool")


async def main() -> None:
    async with (
        DefaultAzureCredential() as credential,
        BlobServiceClient(os.environ["ACCOUNT_URL"], credential) as service,
    ):
        await of_the_service(service)
        box = service.get_container_client("box")
        await box.create_container()
        await box.set_container_metadata({"team": "b"})
        for client in (service, box, box.get_blob_client("absent")):
            assert (await client.get_account_information())["account_kind"] == "StorageV2"
        await of_the_container(box)
        await blobs(service, box)
        await box.delete_container()
        with pytest.raises(ResourceNotFoundError, match="ContainerNotFound"):
            await box.get_container_properties()
        (lost,) = [c async for c in service.list_containers(include_deleted=True) if c.deleted]
        restored = await service.undelete_container("box", lost.version)
        assert await (await restored.download_blob("b")).readall() == b"b"


asyncio.run(main())
print("ok")

"""azure-storage-blob as it comes, over what blobs are besides their bodies: leases, tags, versions and so on."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import (
    BlobLeaseClient,
    ContainerClient,
    ContentSettings,
    CorsRule,
    RehydratePriority,
    RetentionPolicy,
    StandardBlobTier,
)

from keyless.providers.storage.tables.services import Policy
from tests.providers.storage.harness import ACCOUNT, BlobClient
from tests.providers.storage.test_client import Client


@pytest.fixture
async def client(blob: BlobClient) -> Client:
    client = Client(blob)
    await client.run(lambda s: s.create_container("box", metadata={"k": "v"}))
    return client


def _blob(service: Any, name: str = "b", **more: str) -> Any:
    return service.get_blob_client("box", name, **more)


def _box(service: Any) -> ContainerClient:
    return service.get_container_client("box")


async def test_metadata_and_properties(client: Client) -> None:
    def use(service: Any) -> None:
        blob, box = _blob(service), _box(service)
        blob.upload_blob(b"text", metadata={"a": "1"})
        before = blob.get_blob_properties()
        changed = blob.set_blob_metadata(
            {"Name": "x y"}, etag=before.etag, match_condition=MatchConditions.IfNotModified
        )
        assert changed["etag"] != before.etag
        with pytest.raises(ResourceModifiedError):
            blob.set_blob_metadata({}, etag=before.etag, match_condition=MatchConditions.IfNotModified)
        blob.set_http_headers(ContentSettings(content_type="text/plain", content_language="de"))
        seen = blob.get_blob_properties()
        assert (seen.metadata, seen.content_settings.content_language) == ({"Name": "x y"}, "de")
        assert seen.creation_time == before.creation_time
        box.set_container_metadata({"n": "1"})
        properties = box.get_container_properties()
        assert (properties.metadata, properties.lease.status) == ({"n": "1"}, "unlocked")
        assert box.get_container_access_policy() == {"public_access": None, "signed_identifiers": []}
        box.set_container_access_policy({})
        assert service.get_account_information()["account_kind"] == "StorageV2"
        assert box.get_account_information()["sku_name"] == "Standard_LRS"
        assert blob.get_account_information()["is_hns_enabled"] is False

    await client.run(use)


async def test_the_service(client: Client) -> None:
    def use(service: Any) -> None:
        assert service.get_service_properties()["delete_retention_policy"].enabled is False
        service.set_service_properties(delete_retention_policy=RetentionPolicy(enabled=True, days=4))
        seen = service.get_service_properties()
        assert (seen["delete_retention_policy"].days, seen["cors"], seen["static_website"].enabled) == (4, [], False)
        service.set_service_properties(**{name: value for name, value in seen.items() if name != "target_version"})
        with pytest.raises(HttpResponseError, match="CORS"):
            service.set_service_properties(cors=[CorsRule(["https://x"], ["GET"])])

    await client.run(use)


async def test_leases(blob: BlobClient, client: Client) -> None:
    def use(service: Any) -> None:
        one = _blob(service)
        one.upload_blob(b"1")
        lease = one.acquire_lease(15)
        other = BlobLeaseClient(one)
        with pytest.raises(HttpResponseError) as taken:
            other.acquire(15)
        assert taken.value.error_code == "LeaseAlreadyPresent"
        with pytest.raises(HttpResponseError) as locked:
            one.upload_blob(b"2", overwrite=True)
        assert (locked.value.status_code, locked.value.error_code) == (412, "LeaseIdMissing")
        one.upload_blob(b"2", overwrite=True, lease=lease)
        one.upload_blob(b"x" * 3 * 1024 * 1024, overwrite=True, lease=lease)  # in blocks
        properties = one.get_blob_properties(lease=lease)
        assert (properties.lease.status, properties.lease.state, properties.lease.duration) == (
            "locked",
            "leased",
            "fixed",
        )
        lease.renew()
        lease.change("0e1a2b3c-0000-4000-8000-00000000cafe")
        assert lease.id == "0e1a2b3c-0000-4000-8000-00000000cafe"
        (entry,) = _box(service).list_blobs()
        assert (entry.lease.state, entry.lease.duration) == ("leased", "fixed")
        assert BlobLeaseClient(one).break_lease(5) == 5
        assert one.get_blob_properties().lease.state == "breaking"
        lease.release()
        with pytest.raises(HttpResponseError) as lost:
            one.delete_blob(lease="0e1a2b3c-0000-4000-8000-00000000cafe")
        assert lost.value.error_code == "LeaseNotPresentWithBlobOperation"
        held = _box(service).acquire_lease()
        with pytest.raises(HttpResponseError) as kept:
            _box(service).delete_container()
        assert kept.value.error_code == "LeaseIdMissing"
        (entry,) = service.list_containers()
        assert entry.lease.duration == "infinite"
        _box(service).delete_container(lease=held)

    await client.run(use)


async def test_tags(client: Client) -> None:
    def use(service: Any) -> None:
        for number in range(5):
            _blob(service, str(number)).upload_blob(b"1", tags={"n": str(number), "a b": "x/y"})
        one = _blob(service, "3")
        assert one.get_blob_tags() == {"n": "3", "a b": "x/y"}
        assert one.get_blob_properties().tag_count == 2
        one.set_blob_tags({"n": "9"})
        assert one.get_blob_tags() == {"n": "9"}
        found = list(service.find_blobs_by_tags("\"n\" > '1' AND \"n\" < '5'", results_per_page=1))
        assert [(f.name, f.container_name, f.tags["n"]) for f in found] == [("2", "box", "2"), ("4", "box", "4")]
        assert [f.name for f in _box(service).find_blobs_by_tags("n='9'")] == ["3"]
        assert one.download_blob(if_tags_match_condition="\"n\"='9'").readall() == b"1"
        with pytest.raises(ResourceModifiedError):
            one.delete_blob(if_tags_match_condition="\"n\"='3'")
        listed = {b.name: b.tags for b in _box(service).list_blobs(include=["tags"])}
        assert listed["4"] == {"n": "4", "a b": "x/y"}

    await client.run(use)


async def test_tiers(client: Client) -> None:
    def use(service: Any) -> None:
        blob = _blob(service)
        blob.upload_blob(b"text", standard_blob_tier=StandardBlobTier.COOL)
        assert blob.get_blob_properties().blob_tier == "Cool"
        blob.set_standard_blob_tier(StandardBlobTier.ARCHIVE)
        with pytest.raises(HttpResponseError) as archived:
            blob.download_blob()
        assert archived.value.error_code == "BlobArchived"
        blob.set_standard_blob_tier("Hot", rehydrate_priority=RehydratePriority.high)
        properties = blob.get_blob_properties()
        assert (properties.archive_status, properties.blob_tier_inferred, bool(properties.blob_tier_change_time)) == (
            None,
            None,
            True,
        )
        assert blob.download_blob().readall() == b"text"

    await client.run(use)


async def test_snapshots(client: Client) -> None:
    def use(service: Any) -> None:
        blob = _blob(service)
        blob.upload_blob(b"old")
        made = blob.create_snapshot(metadata={"m": "1"})
        blob.upload_blob(b"new", overwrite=True)
        snapshot = _blob(service, snapshot=made["snapshot"])
        assert snapshot.download_blob().readall() == b"old"
        assert (snapshot.get_blob_properties().snapshot, snapshot.exists()) == (made["snapshot"], True)
        entries = list(_box(service).list_blobs(include=["snapshots", "metadata"]))
        assert [(e.snapshot, e.metadata or {}) for e in entries] == [(made["snapshot"], {"m": "1"}), (None, {})]
        with pytest.raises(HttpResponseError) as present:
            blob.delete_blob()
        assert present.value.error_code == "SnapshotsPresent"
        blob.delete_blob(delete_snapshots="only")
        assert not snapshot.exists()
        blob.create_snapshot()
        blob.delete_blob(delete_snapshots="include")
        assert not blob.exists()

    await client.run(use)


async def test_soft_delete(blob: BlobClient, client: Client) -> None:
    await blob.blobs.services.change(ACCOUNT.key, lambda _: Policy(delete_days=7, container_days=7))

    def use(service: Any) -> None:
        one = _blob(service)
        one.upload_blob(b"text")
        one.delete_blob()
        (entry,) = _box(service).list_blobs(include=["deleted"])
        assert (entry.deleted, entry.remaining_retention_days) == (True, 7)
        assert entry.deleted_time
        one.undelete_blob()
        assert one.download_blob().readall() == b"text"
        _box(service).delete_container()
        (gone,) = service.list_containers(include_deleted=True)
        assert (gone.deleted, gone.name) == (True, "box")
        back = service.undelete_container(gone.name, gone.version)
        assert [b.name for b in back.list_blobs()] == ["b"]

    await client.run(use)


async def test_versions(blob: BlobClient, client: Client) -> None:
    await blob.blobs.services.change(ACCOUNT.key, lambda _: Policy(versioning=True))

    def use(service: Any) -> None:
        one = _blob(service)
        first = one.upload_blob(b"1")["version_id"]
        second = one.upload_blob(b"2", overwrite=True)["version_id"]
        entries = list(_box(service).list_blobs(include=["versions"]))
        assert [(e.version_id, e.is_current_version) for e in entries] == [(first, None), (second, True)]
        old = _blob(service, version_id=first)
        assert old.download_blob().readall() == b"1"
        assert one.download_blob(version_id=first).readall() == b"1"
        assert old.get_blob_properties().version_id == first
        assert one.get_blob_properties().is_current_version is True
        one.delete_blob()
        assert not one.exists()
        _blob(service, version_id=second).delete_blob()
        with pytest.raises(ResourceNotFoundError):
            _blob(service, version_id=second).get_blob_properties()
        assert old.exists()

    await client.run(use)

"""What blobs are besides their bodies, with azure-storage-blob: leases, tags, tiers, snapshots, versions and more."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError, ResourceModifiedError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import (
    BlobLeaseClient,
    BlobServiceClient,
    ContentSettings,
    ImmutabilityPolicy,
    StandardBlobTier,
)

service = BlobServiceClient(os.environ["ACCOUNT_URL"], DefaultAzureCredential())
box = service.create_container("box")
box.set_container_metadata({"team": "a"})
assert box.get_container_properties().metadata == {"team": "a"}
assert box.get_container_access_policy() == {"public_access": None, "signed_identifiers": []}

# metadata and properties
blob = box.upload_blob(
    "doc", b"first", metadata={"a": "1"}, tags={"state": "open"}, standard_blob_tier=StandardBlobTier.COOL
)
blob.set_blob_metadata({"b": "2"})
blob.set_http_headers(ContentSettings(content_type="text/plain"))
seen = blob.get_blob_properties()
assert (seen.metadata, seen.content_settings.content_type, seen.blob_tier) == ({"b": "2"}, "text/plain", "Cool")
assert seen.tag_count == 1

# leases
lease = blob.acquire_lease(30)
with pytest.raises(HttpResponseError, match="LeaseAlreadyPresent"):
    blob.acquire_lease(30)
for change in (blob.delete_blob, lambda: blob.upload_blob(b"x", overwrite=True), lambda: blob.set_blob_metadata({})):
    with pytest.raises(HttpResponseError, match="LeaseIdMissing"):
        change()
lease.change("0fd6c6c7-22a5-4a65-a1f2-54a1c2a8a6d4")
blob.upload_blob(b"second", overwrite=True, lease=lease, tags={"state": "open"})
lease.renew()
assert blob.get_blob_properties().lease.duration == "fixed"
assert BlobLeaseClient(blob).break_lease(0) == 0
assert blob.get_blob_properties().lease.state == "broken"
lease.release()
guard = box.acquire_lease()
with pytest.raises(HttpResponseError, match="LeaseIdMissing"):
    box.delete_container()
guard.release()

# tags
box.upload_blob("other", b"", tags={"state": "closed", "year": "2026"})
assert [b.name for b in service.find_blobs_by_tags("\"state\" = 'open'")] == ["doc"]
assert [b.name for b in box.find_blobs_by_tags("state = 'closed' AND \"year\" > '2025'")] == ["other"]
assert blob.get_blob_tags() == {"state": "open"}
blob.set_blob_tags({"state": "closed"})
assert sorted(b.name for b in service.find_blobs_by_tags("state = 'closed'", results_per_page=1)) == ["doc", "other"]
with pytest.raises(ResourceModifiedError, match="ConditionNotMet"):
    blob.delete_blob(if_tags_match_condition="state = 'open'")

# tiers
blob.set_standard_blob_tier("Archive")
with pytest.raises(HttpResponseError, match="BlobArchived"):
    blob.download_blob()
blob.set_standard_blob_tier("Hot")

# versions: the account keeps them
versions = list(box.list_blobs(name_starts_with="doc", include=["versions"]))
assert [v.is_current_version for v in versions] == [None] * (len(versions) - 1) + [True]
bodies = [blob.download_blob(version_id=v.version_id).readall() for v in versions]
assert (bodies[0], bodies[-1]) == (b"first", b"second")

# snapshots, and what was deleted softly
snapshot = service.get_blob_client("box", "doc", snapshot=blob.create_snapshot()["snapshot"])
with pytest.raises(HttpResponseError, match="SnapshotsPresent"):
    blob.delete_blob()
blob.delete_blob(delete_snapshots="include")
assert not snapshot.exists()
assert not blob.exists()
blob.undelete_blob()
assert snapshot.download_blob().readall() == b"second"
old = service.get_blob_client("box", "doc", version_id=versions[0].version_id)
old.delete_blob()
assert not old.exists()
gone = [b for b in box.list_blobs(include=["deleted", "versions"]) if b.deleted]
assert [(b.version_id, b.remaining_retention_days) for b in gone] == [(versions[0].version_id, 7)]
blob.undelete_blob()
assert old.download_blob().readall() == b"first"
box.delete_container()
(lost,) = [c for c in service.list_containers(include_deleted=True) if c.deleted]
assert service.undelete_container("box", lost.version).get_container_properties().metadata == {"team": "a"}
assert old.exists()

# what keyless does not have: it says so, and changes nothing
until = ImmutabilityPolicy(expiry_time=datetime.now(UTC) + timedelta(hours=1), policy_mode="Unlocked")
for call in (
    lambda: blob.set_legal_hold(True),
    lambda: blob.set_immutability_policy(until),
    blob.delete_immutability_policy,
    lambda: blob.query_blob("SELECT * FROM BlobStorage"),
):
    with pytest.raises(HttpResponseError, match="keyless does not support") as refused:
        call()
    assert refused.value.status_code == 501
print("ok")

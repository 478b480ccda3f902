"""What concerns an account and its containers as a whole, with azure-storage-blob.

The account keeps versions, and what is deleted.
"""

import os
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.identity import DefaultAzureCredential
from azure.storage.blob import (
    AccessPolicy,
    BlobLeaseClient,
    BlobPrefix,
    BlobProperties,
    BlobServiceClient,
    CorsRule,
    PublicAccess,
    RetentionPolicy,
)

service = BlobServiceClient(os.environ["ACCOUNT_URL"], DefaultAzureCredential())
HOUR = timedelta(hours=1)

# properties of the service
for policy in (RetentionPolicy(enabled=False), RetentionPolicy(enabled=True, days=7)):
    service.set_service_properties(delete_retention_policy=policy)
    found = service.get_service_properties()["delete_retention_policy"]
    assert (found.enabled, found.days) == (policy.enabled, policy.days)
with pytest.raises(HttpResponseError, match="CORS rules") as refused:
    service.set_service_properties(cors=[CorsRule(["*"], ["GET"])])
assert refused.value.status_code == 501
# the library asks in a second region, for which it makes no address of an own name
with pytest.raises(AzureError):
    service.get_service_stats(retry_total=0)

# what kind of account it is
box = service.create_container("box", metadata={"team": "a"})
for client in (service, box, box.get_blob_client("absent")):
    told = client.get_account_information()
    assert (told["sku_name"], told["account_kind"], told["is_hns_enabled"]) == ("Standard_LRS", "StorageV2", False)

# metadata and access
with pytest.raises(ResourceModifiedError, match="ConditionNotMet"):
    box.set_container_metadata({}, if_modified_since=datetime.now(UTC) + HOUR)
with pytest.raises(ResourceModifiedError, match="ConditionNotMet"):
    box.delete_container(if_unmodified_since=datetime.now(UTC) - HOUR)
assert box.get_container_access_policy() == {"public_access": None, "signed_identifiers": []}
box.set_container_access_policy({})
with pytest.raises(ResourceExistsError, match="PublicAccessNotPermitted"):
    box.set_container_access_policy({}, public_access=PublicAccess.BLOB)
with pytest.raises(HttpResponseError, match="stored access policies"):
    box.set_container_access_policy({"one": AccessPolicy(permission="r")})

# leases
ANOTHER = "6c3f5b0a-9a06-4b6e-8d5d-1f7d3c1a0b11"
held = BlobLeaseClient(box)
held.acquire(15)
with pytest.raises(ResourceExistsError, match="LeaseAlreadyPresent"):
    BlobLeaseClient(box).acquire(15)
with pytest.raises(HttpResponseError, match="LeaseIdMissing"):
    box.delete_container()
held.change(ANOTHER)
assert held.id == ANOTHER
held.renew()
assert (box.get_container_properties().lease.state, box.get_container_properties().lease.duration) == (
    "leased",
    "fixed",
)
assert held.break_lease(0) == 0
with pytest.raises(HttpResponseError, match="LeaseIsBrokenAndCannotBeRenewed"):
    held.renew()
held.release()
assert box.get_container_properties().lease.state == "available"

# what a list tells besides names
one = box.upload_blob("in/one", b"1")
one.set_blob_metadata({"of": "one"})
one.set_blob_tags({"state": "open"})
snapshot = one.create_snapshot()["snapshot"]
box.get_blob_client("in/staged").stage_block("1", b"x")
two = box.get_blob_client("in/two")
two.start_copy_from_url(one.url, requires_sync=True)
two.delete_blob()


def listed(*include: str) -> list[BlobProperties]:
    return list(box.list_blobs(name_starts_with="in/", include=list(include)))


assert [blob.name for blob in listed()] == ["in/one"]
(told,) = listed("metadata", "tags", "copy")
assert (told.metadata, told.tags, told.tag_count) == ({"of": "one"}, {"state": "open"}, 1)
assert [blob.snapshot for blob in listed("snapshots")] == [snapshot, None]
assert [blob.name for blob in listed("uncommittedblobs")] == ["in/one", "in/staged"]
versions = listed("versions")
assert [(blob.name, blob.is_current_version) for blob in versions] == [
    ("in/one", None),
    ("in/one", True),
    ("in/two", None),
]
two.delete_blob(version_id=versions[2].version_id)
kept = listed("versions", "deleted")[2]
assert (kept.name, kept.deleted, kept.remaining_retention_days) == ("in/two", True, 7)

# hierarchies
for name in ("h/a/1", "h/a/2", "h/b", "h/c/1"):
    box.upload_blob(name, name.encode())
walked = list(box.walk_blobs(name_starts_with="h/", delimiter="/", results_per_page=1))
assert [item.name for item in walked] == ["h/a/", "h/b", "h/c/"]
assert [isinstance(item, BlobPrefix) for item in walked] == [True, False, True]

# searches
box.upload_blob("t/open", b"", tags={"kind": "t", "state": "open"})
box.upload_blob("t/shut", b"", tags={"kind": "t", "state": "shut", "year": "2026"})
pages = service.find_blobs_by_tags("\"kind\"='t' AND @container='box'", results_per_page=1).by_page()
assert [[(blob.container_name, blob.name) for blob in page] for page in pages] == [
    [("box", "t/open")],
    [("box", "t/shut")],
]
assert [blob.name for blob in box.find_blobs_by_tags("kind='t' AND \"year\">'2025'")] == ["t/shut"]
with pytest.raises(HttpResponseError, match="InvalidQueryParameterValue"):
    list(box.find_blobs_by_tags("nonsense"))

# batches
with pytest.raises(HttpResponseError):
    box.set_standard_blob_tier_blobs("Cool", "h/b", "h/absent")
went = box.set_standard_blob_tier_blobs("Cold", "h/b", "h/absent", raise_on_any_failure=False)
assert [answer.status_code for answer in went] == [200, 404]
assert box.get_blob_client("h/b").get_blob_properties().blob_tier == "Cold"
assert [answer.status_code for answer in box.delete_blobs("h/a/1", "h/a/2", "h/c/1")] == [202] * 3
assert [blob.name for blob in box.list_blobs(name_starts_with="h/")] == ["h/b"]

# what was deleted comes back
service.delete_container("box")
with pytest.raises(ResourceNotFoundError, match="ContainerNotFound"):
    box.get_container_properties()
(lost,) = (c for c in service.list_containers(include_deleted=True, include_metadata=True) if c.deleted)
assert lost.metadata == {"team": "a"}
restored = service.undelete_container("box", lost.version)
assert restored.download_blob("h/b").readall() == b"h/b"
with pytest.raises(ResourceNotFoundError, match="ContainerNotFound"):
    service.undelete_container("box2", "01D60F8BB59A4652")
service.close()
print("ok")

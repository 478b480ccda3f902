"""Shared access signatures, copies and batches with azure-storage-blob; a second account needs a right of its own."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import (
    BlobBlock,
    BlobClient,
    BlobServiceClient,
    ContainerClient,
    StandardBlobTier,
    generate_blob_sas,
    generate_container_sas,
)

credential = DefaultAzureCredential()
service = BlobServiceClient(os.environ["ACCOUNT_URL"], credential)
account, _, site = os.environ["ACCOUNT_URL"].removeprefix("https://").partition(".")
data = os.urandom(6_000_000)
box = service.create_container("box")
source = box.upload_blob("folder/ä b?.bin", data, metadata={"team": "a"})

# whoever holds a signature needs no credential
now = datetime.now(UTC)
key = service.get_user_delegation_key(now - timedelta(minutes=5), now + timedelta(hours=1))
given = {"user_delegation_key": key, "expiry": now + timedelta(minutes=30)}
sas = generate_blob_sas(account, "box", source.blob_name, permission="r", content_type="a/b", **given)
shared = BlobClient.from_blob_url(f"{source.url}?{sas}")
assert shared.download_blob().readall() == data
assert shared.get_blob_properties().content_settings.content_type == "a/b"
for refused in (shared.delete_blob, lambda: shared.upload_blob(b"x", overwrite=True), shared.create_snapshot):
    with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
        refused()
other = BlobClient.from_blob_url(f"{box.get_blob_client('other').url}?{sas}")
with pytest.raises(HttpResponseError, match="AuthenticationFailed"):
    other.download_blob()
sas = generate_container_sas(account, "box", permission="rcwdl", **given)
shared_box = ContainerClient.from_container_url(f"{box.url}?{sas}")
shared_box.upload_blob("by signature", data[:1_000_000])
assert [blob.name for blob in shared_box.list_blobs()] == ["by signature", source.blob_name]
shared_box.delete_blobs("by signature")
assert [blob.name for blob in box.list_blobs()] == [source.blob_name]
late = generate_blob_sas(
    account, "box", source.blob_name, permission="r", user_delegation_key=key, expiry=now - timedelta(seconds=1)
)
with pytest.raises(HttpResponseError, match="AuthenticationFailed"):
    BlobClient.from_blob_url(f"{source.url}?{late}").download_blob()

# copies, within the account and from another one
for options in ({}, {"requires_sync": True}):
    copy = box.get_blob_client("copy")
    assert copy.start_copy_from_url(source.url, **options)["copy_status"] == "success"
    assert copy.download_blob().readall() == data
    properties = copy.get_blob_properties()
    assert (properties.copy.source, properties.metadata) == (source.url, {"team": "a"})
put = box.get_blob_client("put")
put.upload_blob_from_url(source.url)
assert put.download_blob().readall() == data
blocks = box.get_blob_client("blocks")
half = len(data) // 2
for number in range(2):
    blocks.stage_block_from_url(str(number), source.url, source_offset=number * half, source_length=half)
blocks.commit_block_list([BlobBlock("0"), BlobBlock("1")])
assert blocks.download_blob().readall() == data
with pytest.raises(HttpResponseError, match="NoPendingCopyOperation"):
    blocks.abort_copy("any")
with pytest.raises(HttpResponseError, match="SourceConditionNotMet"):
    blocks.start_copy_from_url(
        source.url, source_etag='"0x1"', source_match_condition=MatchConditions.IfNotModified, requires_sync=True
    )

# ranges of a blob that become parts of another one
log = box.get_blob_client("log")
log.create_append_blob()
for start in (0, half):
    log.append_block_from_url(source.url, source_offset=start, source_length=half)
assert log.download_blob().readall() == data
disk = box.get_blob_client("disk")
disk.create_page_blob(2048)
disk.upload_pages_from_url(source.url, offset=512, length=1024, source_offset=10)
assert disk.download_blob().readall() == bytes(512) + data[10:1034] + bytes(512)
box.delete_blobs("log", "disk")

# from another account, where the token has to be shown
elsewhere = os.environ["OTHER_BLOB"]
copy = box.get_blob_client("elsewhere")
with pytest.raises(HttpResponseError, match="CannotVerifyCopySource"):
    copy.start_copy_from_url(elsewhere)
token = credential.get_token("https://storage.azure.com/.default").token
copy.start_copy_from_url(elsewhere, requires_sync=True, source_authorization=f"Bearer {token}")
assert copy.download_blob().readall() == b"from elsewhere"
with pytest.raises(HttpResponseError, match="keyless copies from its own accounts only"):
    copy.start_copy_from_url("https://example.com/box/blob")

# batches
names = ["copy", "put", "blocks"]
box.set_standard_blob_tier_blobs(StandardBlobTier.COOL, *names)
assert {blob.blob_tier for blob in box.list_blobs() if blob.name in names} == {"Cool"}
assert [answer.status_code for answer in box.delete_blobs(*names, "elsewhere")] == [202] * 4
assert [blob.name for blob in box.list_blobs()] == [source.blob_name]
print("ok")

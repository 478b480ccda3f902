"""Page blobs with azure-storage-blob, sync: a disk that is written here and there."""

import os
import random

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient, BlobType, SequenceNumberAction

PAGE = 512
MIB = 1024 * 1024
service = BlobServiceClient(os.environ["ACCOUNT_URL"], DefaultAzureCredential())
box = service.create_container("disks")
disk = box.get_blob_client("disk")
disk.create_page_blob(16 * MIB, metadata={"of": "vm"})
chance, wanted = random.Random(7), bytearray(16 * MIB)
for _ in range(60):
    size = chance.choice([PAGE, 8 * PAGE, 300 * PAGE, 4 * MIB])
    start = chance.randrange(0, (16 * MIB - size) // PAGE + 1) * PAGE
    if chance.random() < 0.2:
        disk.clear_page(start, size)
        wanted[start : start + size] = bytes(size)
    else:
        wanted[start : start + size] = chance.randbytes(size)
        disk.upload_page(bytes(wanted[start : start + size]), start, size, validate_content=True)
assert disk.download_blob().readall() == wanted
ranges = [(r.start, r.end + 1) for r in disk.list_page_ranges(results_per_page=5)]
covered = bytearray(16 * MIB)
for start, end in ranges:
    covered[start:end] = wanted[start:end]
assert covered == wanted

before = disk.create_snapshot()
disk.upload_page(b"!" * PAGE, 5 * PAGE, PAGE)
disk.clear_page(0, PAGE)
changes = {(r.start, r.end + 1, r.cleared) for r in disk.list_page_ranges(previous_snapshot=before)}
assert (5 * PAGE, 6 * PAGE, False) in changes
assert box.get_blob_client("disk", snapshot=before).download_blob().readall() == wanted
with pytest.raises(HttpResponseError, match="keyless does not support"):
    disk.get_page_range_diff_for_managed_disk(f"{disk.url}?snapshot={before['snapshot']}")
with pytest.raises(HttpResponseError, match="InvalidHeaderValue"):
    disk.set_premium_page_blob_tier("P10")
disk.set_sequence_number(SequenceNumberAction.Update, 9)
with pytest.raises(HttpResponseError, match="SequenceNumberConditionNotMet"):
    disk.upload_page(b"?" * PAGE, 0, PAGE, if_sequence_number_lte=8)
with pytest.raises(HttpResponseError, match="InvalidPageRange"):
    disk.upload_page(b"?" * PAGE, 16 * MIB, PAGE)
disk.resize_blob(6 * PAGE)
seen = disk.get_blob_properties()
assert (seen.blob_type, seen.size, seen.page_blob_sequence_number) == (BlobType.PAGEBLOB, 6 * PAGE, 9)
assert disk.download_blob().readall() == bytes(PAGE) + wanted[PAGE : 5 * PAGE] + b"!" * PAGE
with pytest.raises(ResourceExistsError, match="InvalidBlobType"):
    disk.upload_blob(b"a block blob", overwrite=True)
data = os.urandom(5 * MIB) + bytes(5 * MIB)
assert box.upload_blob("image", data, blob_type=BlobType.PAGEBLOB).download_blob().readall() == data
print("ok")

"""Append blobs with azure-storage-blob, sync: a log that several write to."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient, BlobType

service = BlobServiceClient(os.environ["ACCOUNT_URL"], DefaultAzureCredential())
box = service.create_container("log")
log = box.get_blob_client("app.log")
log.create_append_blob(metadata={"of": "app"})
lines = [f"line {number}\n".encode() * (2 if number % 5 else 9000) for number in range(40)]
with ThreadPoolExecutor(4) as pool:
    added = list(pool.map(log.append_block, lines))
text = log.download_blob().readall()
for line, answer in zip(lines, added, strict=True):
    at = int(answer["blob_append_offset"])
    assert text[at : at + len(line)] == line
assert len(text) == sum(map(len, lines))
seen = log.get_blob_properties()
assert (seen.blob_type, seen.append_blob_committed_block_count, seen.size) == (BlobType.APPENDBLOB, 40, len(text))

with pytest.raises(HttpResponseError, match="AppendPositionConditionNotMet"):
    log.append_block(b"no", appendpos_condition=0)
with pytest.raises(HttpResponseError, match="MaxBlobSizeConditionNotMet"):
    log.append_block(b"no", maxsize_condition=len(text))
before = log.create_snapshot()
log.append_block(b"end\n", appendpos_condition=len(text), validate_content=True)
old = box.get_blob_client("app.log", snapshot=before)
assert (old.download_blob().readall(), log.download_blob().readall()) == (text, text + b"end\n")
log.seal_append_blob()
with pytest.raises(ResourceExistsError, match="BlobIsSealed"):
    log.append_block(b"no")
with pytest.raises(ResourceExistsError, match="InvalidBlobType"):
    log.upload_blob(b"a block blob", overwrite=True)
stream = box.upload_blob("large.log", os.urandom(9 * 1024 * 1024), blob_type=BlobType.APPENDBLOB)
assert stream.get_blob_properties().append_blob_committed_block_count == 3
print("ok")

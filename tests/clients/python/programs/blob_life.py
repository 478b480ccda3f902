"""Containers and blobs with azure-storage-blob, sync."""

import hashlib
import io
import os
from datetime import UTC, datetime, timedelta

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobBlock, BlobServiceClient, BlobType, ContentSettings

credential = DefaultAzureCredential()
service = BlobServiceClient(os.environ["ACCOUNT_URL"], credential)

# containers
box = service.create_container("box", metadata={"team": "a"})
assert box.exists()
assert box.get_container_properties().metadata == {"team": "a"}
with pytest.raises(ResourceExistsError, match="ContainerAlreadyExists"):
    box.create_container()
for name in ("c-one", "c-two", "c-three"):
    service.create_container(name)
assert [c.name for c in service.list_containers()] == ["box", "c-one", "c-three", "c-two"]
assert [c.name for c in service.list_containers(name_starts_with="c-")] == ["c-one", "c-three", "c-two"]
assert [[c.name for c in page] for page in service.list_containers(results_per_page=3).by_page()] == [
    ["box", "c-one", "c-three"],
    ["c-two"],
]
assert [c.metadata for c in service.list_containers(name_starts_with="box", include_metadata=True)] == [{"team": "a"}]
service.delete_container("c-one")
assert not service.get_container_client("c-one").exists()
with pytest.raises(ResourceNotFoundError, match="ContainerNotFound"):
    service.get_container_client("c-one").upload_blob("x", b"")

# upload, overwrite, download
data = os.urandom(300_000)
blob = box.upload_blob("folder/data.bin", data)
assert blob.exists()
assert not box.get_blob_client("absent").exists()
with pytest.raises(ResourceExistsError, match="BlobAlreadyExists"):
    blob.upload_blob(b"other")
assert blob.download_blob().readall() == data
blob.upload_blob(b"other", overwrite=True)
assert blob.download_blob().readall() == b"other"
assert blob.upload_blob("text äö", overwrite=True)["etag"]
assert blob.download_blob(encoding="utf-8").readall() == "text äö"
blob.upload_blob(data, overwrite=True)
assert blob.download_blob(offset=100, length=1000).readall() == data[100:1100]
assert blob.download_blob(offset=299_990).readall() == data[299_990:]
assert blob.download_blob(offset=299_990, length=1000).readall() == data[299_990:]
stream = blob.download_blob()
assert stream.size == 300_000
assert stream.read(10) + stream.read(5) + stream.read() == data
target = io.BytesIO()
assert blob.download_blob().readinto(target) == 300_000
assert target.getvalue() == data
small = BlobServiceClient(
    os.environ["ACCOUNT_URL"],
    credential,
    max_single_put_size=64 * 1024,
    max_block_size=64 * 1024,
    max_single_get_size=50_000,
    max_chunk_get_size=40_000,
).get_blob_client("box", "blocks.bin")
small.upload_blob(io.BytesIO(data), max_concurrency=3)
assert [block.size for block in small.get_block_list()[0]] == [65_536] * 4 + [300_000 - 4 * 65_536]
chunks = list(small.download_blob().chunks())
assert (b"".join(chunks), max(map(len, chunks))) == (data, 40_000)
assert small.download_blob(max_concurrency=3).readall() == data
small.upload_blob((data[i : i + 7000] for i in range(0, 300_000, 7000)), overwrite=True)
assert small.download_blob().readall() == data
with pytest.raises(ResourceExistsError, match="BlobAlreadyExists"):
    small.upload_blob(io.BytesIO(data))

# an empty blob
empty = box.upload_blob("empty", b"")
assert (empty.download_blob().readall(), empty.get_blob_properties().size) == (b"", 0)
assert list(empty.download_blob().chunks()) == []
with pytest.raises(HttpResponseError, match="InvalidRange"):
    blob.download_blob(offset=300_000)

# properties, metadata, content settings, digests
settings = ContentSettings(
    content_type="text/css",
    content_encoding="identity",
    content_language="de",
    content_disposition='attachment; filename="a b.css"',
    cache_control="max-age=60",
)
css = box.get_blob_client("style.css")
before = datetime.now(UTC) - timedelta(seconds=2)
css.upload_blob(b"body {}", content_settings=settings, metadata={"Origin": "draft 1"}, validate_content=True)
properties = css.get_blob_properties()
assert bytes(properties.content_settings.content_md5) == hashlib.md5(b"body {}").digest()
assert {**properties.content_settings, "content_md5": None} == dict(settings)
assert properties.metadata == {"Origin": "draft 1"}
assert (properties.size, properties.blob_type, properties.blob_tier) == (7, BlobType.BLOCKBLOB, "Hot")
assert before < properties.creation_time <= properties.last_modified < datetime.now(UTC) + timedelta(seconds=2)
assert properties.lease.status == "unlocked"
assert css.download_blob(validate_content=True).readall() == b"body {}"
assert css.download_blob().properties.etag == properties.etag
listed = {b.name: b for b in box.list_blobs(include=["metadata"])}["style.css"]
assert (listed.size, listed.etag, listed.metadata) == (7, properties.etag.strip('"'), properties.metadata)
assert listed.last_modified == properties.last_modified
assert listed.content_settings.content_type == "text/css"
assert bytes(listed.content_settings.content_md5) == bytes(properties.content_settings.content_md5)

# conditions
old = properties.etag
css.upload_blob(b"new", overwrite=True)
for conditions, expected in (
    ({"etag": old, "match_condition": MatchConditions.IfNotModified}, 412),
    ({"if_modified_since": datetime.now(UTC) + timedelta(hours=1)}, 304),
    ({"if_unmodified_since": before - timedelta(hours=1)}, 412),
    ({"etag": css.get_blob_properties().etag, "match_condition": MatchConditions.IfModified}, 304),
):
    for read in (css.download_blob, css.get_blob_properties):
        with pytest.raises(HttpResponseError, match="ConditionNotMet") as refused:
            read(**conditions)
        assert refused.value.status_code == expected, conditions
assert css.download_blob(if_modified_since=before).readall() == b"new"
assert css.download_blob(etag=old, match_condition=MatchConditions.IfModified).readall() == b"new"
for change in (lambda **c: css.upload_blob(b"x", overwrite=True, **c), css.delete_blob):
    with pytest.raises(ResourceModifiedError, match="ConditionNotMet"):
        change(etag=old, match_condition=MatchConditions.IfNotModified)
assert css.download_blob().readall() == b"new"
css.upload_blob(
    b"exact", overwrite=True, etag=css.get_blob_properties().etag, match_condition=MatchConditions.IfNotModified
)
assert css.download_blob().readall() == b"exact"

# blocks by hand
blocks = box.get_blob_client("by-hand")
blocks.stage_block("aaa", b"first ")
blocks.stage_block("bbb", b"second ")
committed, uncommitted = blocks.get_block_list("all")
assert ([b.id for b in committed], [(b.id, b.size) for b in uncommitted]) == ([], [("aaa", 6), ("bbb", 7)])
assert not blocks.exists()
blocks.commit_block_list([BlobBlock("bbb"), BlobBlock("aaa")], metadata={"by": "hand"})
assert blocks.download_blob().readall() == b"second first "
assert blocks.get_blob_properties().metadata == {"by": "hand"}
blocks.stage_block("ccc", b"third ")
blocks.commit_block_list([BlobBlock("aaa"), BlobBlock("ccc"), BlobBlock("aaa")])
assert blocks.download_blob().readall() == b"first third first "
assert [b.id for b in blocks.get_block_list("committed")[0]] == ["aaa", "ccc", "aaa"]
with pytest.raises(HttpResponseError, match="InvalidBlockList"):
    blocks.commit_block_list([BlobBlock("zzz")])
assert blocks.download_blob().readall() == b"first third first "

# delete
blocks.delete_blob()
assert not blocks.exists()
for gone in (blocks.delete_blob, blocks.download_blob, blocks.get_blob_properties):
    with pytest.raises(ResourceNotFoundError, match="BlobNotFound"):
        gone()
service.delete_container("box")
assert not blob.exists()
print("ok")

"""Lists of blobs: prefix, delimiter, pages, and names of every kind, with azure-storage-blob."""

import os

from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobPrefix, BlobServiceClient

service = BlobServiceClient(os.environ["ACCOUNT_URL"], DefaultAzureCredential())
box = service.create_container("lists")
names = ["a.txt", "dir/one", "dir/sub/three", "dir/sub/two", "dir/two", "dir2/x", "z"]
for name in reversed(names):
    box.upload_blob(name, name.encode())
assert [b.name for b in box.list_blobs()] == names
assert list(box.list_blob_names()) == names
assert [b.name for b in box.list_blobs(name_starts_with="dir/")] == names[1:5]
assert [b.name for b in box.list_blobs(name_starts_with="nothing")] == []
pages = [[b.name for b in page] for page in box.list_blobs(results_per_page=3).by_page()]
assert pages == [names[:3], names[3:6], names[6:]]
first = box.list_blobs(results_per_page=2).by_page()
next(first)
assert [b.name for page in box.list_blobs().by_page(first.continuation_token) for b in page] == names[2:]


def walk(prefix: str) -> list[str]:
    found = []
    for item in box.walk_blobs(name_starts_with=prefix, delimiter="/"):
        found.append(item.name)
        if isinstance(item, BlobPrefix):
            found.extend(child.name for child in item if not isinstance(child, BlobPrefix))
    return found


# of each page the client puts the prefixes first
assert walk("") == ["dir/", "dir/one", "dir/two", "dir2/", "dir2/x", "a.txt", "z"]
assert walk("dir/") == ["dir/sub/", "dir/sub/three", "dir/sub/two", "dir/one", "dir/two"]
walked = box.walk_blobs(delimiter="/", results_per_page=2).by_page()
assert [[item.name for item in page] for page in walked] == [["dir/", "a.txt"], ["dir2/", "z"]]

odd = service.create_container("odd-names")
names = sorted(
    {
        "with space", " leading", "trailing ", "100%", "%2F", "%41", "a+b", "a b+c%20d", "hash#tag", "what?now=1",
        "amp&and;semi", "quote'\"<tag>", "Grüße/東京/🔑", "dots.", "dots..", "dir./file.", "a//b", "trailing/slash/",
        "tilde~", "equals=1,2", "colon:at@", "[brackets]{braces}", "pipe|caret^", "back`tick", "$dollar!", "(x)*",
        "CaSe", "case", "é", "e\u0301", "tab\there", "x" * 200, "comp=list&restype=container",
    }
)  # fmt: skip
for name in names:
    odd.upload_blob(name, name.encode())
for name in names:
    blob = odd.get_blob_client(name)
    assert blob.download_blob().readall() == name.encode(), name
    assert blob.get_blob_properties().name == name
    assert next(b.name for b in odd.list_blobs(name_starts_with=name)) == name, name
assert [b.name for b in odd.list_blobs()] == names
assert [b.name for page in odd.list_blobs(results_per_page=1).by_page() for b in page] == names
for name in names:
    odd.delete_blob(name)
assert list(odd.list_blobs()) == []
print("ok")

"""The Blob service in the resource manager: what an account keeps is set there, and counts in the data plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.harness import STORAGE, Owner
from tests.manager import Manager


@pytest.fixture
def account(owner: Owner) -> str:
    """An account of this test's own; its resource ID."""
    return owner.account(f"s{uuid4().hex[:12]}")


def put(owner: Owner, account: str, properties: Mapping[str, Any]) -> httpx.Response:
    return Manager(owner)("PUT", f"{account}/blobServices/default", {"properties": properties})


def test_what_is_named_is_set_and_the_rest_stays(owner: Owner, account: str) -> None:
    manager = Manager(owner)
    fresh = manager("GET", f"{account}/blobServices/default").json()
    assert (fresh["id"], fresh["name"]) == (f"{account}/blobServices/default", "default")
    assert fresh["properties"]["isVersioningEnabled"] is False
    assert fresh["properties"]["deleteRetentionPolicy"] == {"enabled": False}
    set_ = put(owner, account, {"deleteRetentionPolicy": {"enabled": True, "days": 9}})
    assert set_.status_code == 200
    assert put(owner, account, {"isVersioningEnabled": True, "cors": None}).status_code == 200
    kept = {"enabled": True, "days": 3}
    seen = put(owner, account, {"containerDeleteRetentionPolicy": kept}).json()["properties"]
    assert seen["isVersioningEnabled"] is True
    assert [seen[n]["days"] for n in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy")] == [9, 3]
    # what was read can be written back
    again = put(owner, account, manager("GET", f"{account}/blobServices/default").json()["properties"])
    assert again.json()["properties"] == seen
    (listed,) = manager("GET", f"{account}/blobServices").json()["value"]
    assert listed["properties"] == seen
    off = put(owner, account, {"deleteRetentionPolicy": {"enabled": False}}).json()["properties"]
    assert (off["deleteRetentionPolicy"], off["isVersioningEnabled"]) == ({"enabled": False}, True)


def test_it_counts_in_the_data_plane(owner: Owner, account: str) -> None:
    name = account.rsplit("/", 1)[1]
    put(owner, account, {"isVersioningEnabled": True, "deleteRetentionPolicy": {"enabled": True, "days": 5}})
    owner.container(name, "box")
    headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2024-11-04"}
    token = owner.token(STORAGE)
    versions = [
        owner.send("PUT", f"{name}.blob", "/box/b", token, content=body, headers=headers).headers["x-ms-version-id"]
        for body in (b"1", b"2")
    ]
    old = owner.send("GET", f"{name}.blob", f"/box/b?versionid={versions[0]}", token)
    assert (old.status_code, old.content) == (200, b"1")
    service = owner.send("GET", f"{name}.blob", "/?restype=service&comp=properties", token)
    assert "<Days>5</Days>" in service.text


@pytest.mark.parametrize(
    ("properties", "status"),
    [
        ({"deleteRetentionPolicy": {"enabled": True}}, 400),
        ({"deleteRetentionPolicy": {"enabled": True, "days": 0}}, 400),
        ({"deleteRetentionPolicy": {"enabled": True, "days": 366}}, 400),
        ({"containerDeleteRetentionPolicy": {"enabled": True, "days": True}}, 400),
        ({"deleteRetentionPolicy": "on"}, 400),
        ({"isVersioningEnabled": "yes"}, 400),
        ({"isVersioningEnabled": True, "changeFeed": {"enabled": True}}, 501),
        ({"isVersioningEnabled": True, "cors": {"corsRules": [{}]}}, 501),
        ({"deleteRetentionPolicy": {"enabled": True, "days": 7, "allowPermanentDelete": True}}, 501),
        ({"defaultServiceVersion": "2020-02-10"}, 501),
    ],
)
def test_what_cannot_be_set(owner: Owner, account: str, properties: Mapping[str, Any], status: int) -> None:
    answer = put(owner, account, properties)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    seen = Manager(owner)("GET", f"{account}/blobServices/default").json()["properties"]
    assert seen["isVersioningEnabled"] is False

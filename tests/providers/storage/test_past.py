"""Snapshots, versions and soft delete: what is kept, what comes back, and that a body stays as long as it is named."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyless.providers.storage.moments import moment_text, read_moment
from keyless.providers.storage.tables.services import Policy
from tests.providers.storage.harness import ACCOUNT, Answer, BlobClient, blob_client

DAY = 24 * 3600
LONG = 70_000
BOX = "restype=container"


async def keep(blob: BlobClient, *, days: int = 0, container_days: int = 0, versioning: bool = False) -> None:
    """Say what the account keeps."""
    await blob.blobs.services.change(ACCOUNT.key, lambda _: Policy(days, container_days, versioning))


async def snapshot(blob: BlobClient, path: str = "/box/b", **headers: str) -> str:
    """A snapshot's name."""
    answer = await blob.send("PUT", path, "comp=snapshot", headers=headers)
    assert answer.status == 201, answer.body
    return answer.headers["x-ms-snapshot"]


async def listed(blob: BlobClient, include: str, size: int = 5000) -> list[Any]:
    """All entries of the container's list, page by page."""
    found: list[Any] = []
    marker = ""
    while True:
        query = f"{BOX}&comp=list&include={include}&maxresults={size}&marker={marker}"
        page = (await blob.send("GET", "/box", query)).xml()
        entries = page.findall("Blobs/Blob")
        assert len(entries) <= size
        found += entries
        marker = page.findtext("NextMarker") or ""
        if not marker:
            return found


async def collected(blob: BlobClient) -> int:
    """Collect, and the number of part files; each of them belongs to something."""
    await blob.blobs.collector.collect()
    assert blob.files() == await blob.live_files()
    return len(blob.files())


@given(st.integers(0, 253_402_300_799 * 10_000_000))
def test_a_moment_comes_back_and_sorts_as_its_text(moment: int) -> None:
    assert read_moment(moment_text(moment), "snapshot") == moment
    assert moment_text(moment) < moment_text(moment + 1) or len(moment_text(moment)) < len(moment_text(moment + 1))


# snapshots


@pytest.mark.parametrize("size", [0, 10, LONG])
async def test_a_snapshot_stays_as_it_was(blob: BlobClient, size: int) -> None:
    await blob.container()
    first, second = b"1" * size, b"2" * size
    put = await blob.put("/box/b", first, **{"x-ms-meta-k": "v", "x-ms-tags": "a=1", "x-ms-access-tier": "Cool"})
    name = await snapshot(blob)
    other = await snapshot(blob, **{"x-ms-meta-k": "other"})
    assert name != other
    await blob.put("/box/b", second)
    assert await collected(blob) == (2 if size == LONG else 0)
    seen = await blob.send("GET", "/box/b", f"snapshot={name}")
    assert (seen.status, seen.body) == (200, first)
    names = ("ETag", "x-ms-meta-k", "x-ms-snapshot", "x-ms-tag-count", "x-ms-access-tier")
    assert [seen.headers[n] for n in names] == [put.headers["ETag"], "v", name, "1", "Cool"]
    assert "x-ms-lease-state" not in seen.headers
    assert (await blob.send("HEAD", "/box/b", f"snapshot={other}")).headers["x-ms-meta-k"] == "other"
    assert (await blob.send("GET", "/box/b", f"comp=metadata&snapshot={name}")).headers["x-ms-meta-k"] == "v"
    assert (await blob.send("GET", "/box/b", f"comp=tags&snapshot={name}")).xml().findtext("TagSet/Tag/Value") == "1"
    assert (await blob.send("GET", "/box/b", f"comp=blocklist&snapshot={name}")).status == 200
    assert (await blob.send("GET", "/box/b")).body == second
    gone = await blob.send("DELETE", "/box/b", f"snapshot={name}")
    assert (gone.status, gone.headers["x-ms-delete-type-permanent"]) == (202, "true")
    assert (await blob.send("GET", "/box/b", f"snapshot={name}")).code == "BlobNotFound"
    assert (await blob.send("DELETE", "/box/b", f"snapshot={name}")).code == "BlobNotFound"
    await blob.send("DELETE", "/box/b", f"snapshot={other}")
    assert await collected(blob) == (1 if size == LONG else 0)


async def test_deleting_a_blob_that_has_snapshots(blob: BlobClient) -> None:
    await blob.container()
    await blob.put("/box/b", bytes(LONG))
    names = [await snapshot(blob) for _ in range(3)]
    refused = await blob.send("DELETE", "/box/b")
    assert (refused.status, refused.code) == (409, "SnapshotsPresent")
    only = await blob.send("DELETE", "/box/b", headers={"x-ms-delete-snapshots": "only"})
    assert (only.status, len(await listed(blob, "snapshots"))) == (202, 1)
    assert (await blob.send("GET", "/box/b")).body == bytes(LONG)
    names = [await snapshot(blob) for _ in range(3)]
    assert (await blob.send("DELETE", "/box/b", headers={"x-ms-delete-snapshots": "include"})).status == 202
    for name in names:
        assert (await blob.send("HEAD", "/box/b", f"snapshot={name}")).status == 404
    assert await collected(blob) == 0
    assert await blob.store.row("SELECT count(*) FROM storage_past") == (0,)


@pytest.mark.parametrize(
    ("method", "query", "headers", "code"),
    [
        ("GET", "snapshot=yesterday", {}, "InvalidQueryParameterValue"),
        ("GET", "snapshot=2026-13-01T00:00:00.0000000Z", {}, "InvalidQueryParameterValue"),
        ("GET", "versionid=2026-01-01", {}, "InvalidQueryParameterValue"),
        (
            "GET", "snapshot=2026-01-01T00:00:00.0000000Z&versionid=2026-01-01T00:00:00.0000000Z", {},
            "MutuallyExclusiveQueryParameters",
        ),
        ("PUT", "snapshot=2026-01-01T00:00:00.0000000Z", {"x-ms-blob-type": "BlockBlob"}, "InvalidQueryParameterValue"),
        ("PUT", "comp=metadata&snapshot=2026-01-01T00:00:00.0000000Z", {}, "InvalidQueryParameterValue"),
        ("PUT", "comp=tags&snapshot=2026-01-01T00:00:00.0000000Z", {}, "InvalidQueryParameterValue"),
        ("DELETE", "snapshot=2026-01-01T00:00:00.0000000Z", {"x-ms-delete-snapshots": "only"}, "InvalidHeaderValue"),
        ("DELETE", "", {"x-ms-delete-snapshots": "all"}, "InvalidHeaderValue"),
    ],
)  # fmt: skip
async def test_requests_that_make_no_sense(
    blob: BlobClient, method: str, query: str, headers: dict[str, str], code: str
) -> None:
    await blob.container()
    await blob.put("/box/b", b"kept")
    answer = await blob.send(method, "/box/b", query, headers=headers)
    assert (answer.status, answer.code) == (400, code)
    assert (await blob.send("GET", "/box/b")).body == b"kept"


async def test_blocks_of_a_snapshot_can_be_committed_again(blob: BlobClient) -> None:
    await blob.container()
    for block in ("AAAA", "BBBB"):
        await blob.send("PUT", "/box/b", f"comp=block&blockid={block}", block.encode() * 20_000)
    both = b"<BlockList><Latest>AAAA</Latest><Latest>BBBB</Latest></BlockList>"
    assert (await blob.send("PUT", "/box/b", "comp=blocklist", both)).status == 201
    name = await snapshot(blob)
    one = b"<BlockList><Committed>BBBB</Committed></BlockList>"
    assert (await blob.send("PUT", "/box/b", "comp=blocklist", one)).status == 201
    assert await collected(blob) == 2
    assert (await blob.send("GET", "/box/b", f"snapshot={name}")).body == b"AAAA" * 20_000 + b"BBBB" * 20_000
    await blob.send("DELETE", "/box/b", f"snapshot={name}")
    assert await collected(blob) == 1
    assert (await blob.send("GET", "/box/b")).body == b"BBBB" * 20_000


async def test_a_long_list_of_one_name(blob: BlobClient) -> None:
    await blob.container()
    await blob.put("/box/b")
    answers = await asyncio.gather(*(blob.send("PUT", "/box/b", "comp=snapshot") for _ in range(530)))
    names = sorted(answer.headers["x-ms-snapshot"] for answer in answers)
    for size in (5000, 260, 530):
        assert [e.findtext("Snapshot") for e in await listed(blob, "snapshots", size)] == [*names, None]


# soft delete


async def test_a_deleted_blob_comes_back(blob: BlobClient) -> None:
    await blob.container()
    await keep(blob, days=7)
    await blob.put("/box/b", b"1" * LONG, **{"x-ms-meta-k": "v"})
    name = await snapshot(blob)
    gone = await blob.send("DELETE", "/box/b", headers={"x-ms-delete-snapshots": "include"})
    assert (gone.status, gone.headers["x-ms-delete-type-permanent"]) == (202, "false")
    for query in ("", f"snapshot={name}"):
        assert (await blob.send("GET", "/box/b", query)).code == "BlobNotFound"
    assert await listed(blob, "metadata") == await listed(blob, "snapshots") == []
    blob.clock.now += 2 * DAY + 5
    assert await collected(blob) == 1
    (entry,) = await listed(blob, "deleted,metadata")
    assert (entry.findtext("Deleted"), entry.findtext("Metadata/k"), entry.find("Snapshot")) == ("true", "v", None)
    assert entry.findtext("Properties/RemainingRetentionDays") == "5"
    assert entry.findtext("Properties/DeletedTime")
    assert [e.findtext("Snapshot") for e in await listed(blob, "deleted,snapshots")] == [name, None]
    assert (await blob.send("PUT", "/box/b", "comp=undelete")).status == 200
    assert (await blob.send("GET", "/box/b")).body == b"1" * LONG
    assert (await blob.send("GET", "/box/b", f"snapshot={name}")).body == b"1" * LONG
    assert [e.find("Deleted") for e in await listed(blob, "deleted,snapshots")] == [None, None]
    # nothing is left to come back, which is no error; where nothing ever was, it is one
    assert (await blob.send("PUT", "/box/b", "comp=undelete")).status == 200
    assert (await blob.send("PUT", "/box/none", "comp=undelete")).code == "BlobNotFound"


async def test_an_overwritten_blob_is_kept_as_a_deleted_snapshot(blob: BlobClient) -> None:
    await blob.container()
    await keep(blob, days=7)
    for body in (b"1", b"2", b"3" * LONG):
        await blob.put("/box/b", body)
    await blob.send("PUT", "/box/b", "comp=metadata", headers={"x-ms-meta-k": "v"})  # overwrites no data
    assert [e.findtext("Deleted") for e in await listed(blob, "deleted,snapshots")] == ["true", "true", None]
    assert (await blob.send("DELETE", "/box/b")).status == 202  # deleted snapshots stand in no one's way
    await blob.put("/box/b", b"new")
    entries = await listed(blob, "deleted,snapshots")
    assert [e.findtext("Deleted") for e in entries] == ["true", "true", "true", None]
    assert (await blob.send("PUT", "/box/b", "comp=undelete")).status == 200
    names = [e.findtext("Snapshot") for e in await listed(blob, "snapshots")]
    bodies = [(await blob.send("GET", "/box/b", f"snapshot={n}" if n else "")).body for n in names]
    assert bodies == [b"1", b"2", b"3" * LONG, b"new"]


async def test_what_was_deleted_is_gone_when_its_time_is_over(blob: BlobClient) -> None:
    await blob.container()
    await keep(blob, days=2)
    for name in ("a", "b"):
        await blob.put(f"/box/{name}", bytes(LONG))
        await blob.send("DELETE", f"/box/{name}")
    await keep(blob, days=30)  # counts for what is deleted from now on
    await blob.put("/box/c", bytes(LONG))
    await blob.send("DELETE", "/box/c")
    blob.clock.now += 2 * DAY + 1
    # before the collector comes along, too
    assert [e.findtext("Name") for e in await listed(blob, "deleted")] == ["c"]
    assert (await blob.send("PUT", "/box/a", "comp=undelete")).code == "BlobNotFound"
    assert len(blob.files()) == 3
    assert await collected(blob) == 1
    assert await blob.store.row("SELECT count(*) FROM storage_past") == (1,)
    assert (await blob.send("PUT", "/box/c", "comp=undelete")).status == 200


async def test_a_deleted_blob_has_lost_its_lease(blob: BlobClient) -> None:
    await blob.container()
    await keep(blob, days=1)
    await blob.put("/box/b")
    acquire = {"x-ms-lease-action": "acquire", "x-ms-lease-duration": "-1"}
    lease = {
        "x-ms-lease-id": (await blob.send("PUT", "/box/b", "comp=lease", headers=acquire)).headers["x-ms-lease-id"]
    }
    assert (await blob.send("DELETE", "/box/b", headers=lease)).status == 202
    await blob.send("PUT", "/box/b", "comp=undelete")
    assert (await blob.send("HEAD", "/box/b")).headers["x-ms-lease-state"] == "available"


async def test_a_deleted_container_comes_back(blob: BlobClient) -> None:
    await keep(blob, container_days=3)
    await blob.container()
    await blob.container("other")
    await blob.put("/box/b", bytes(LONG))
    assert (await blob.send("DELETE", "/box", BOX)).status == 202
    assert (await blob.send("GET", "/box/b")).code == "ContainerNotFound"
    names = [e.text for e in (await blob.send("GET", "/", "comp=list")).xml().findall("Containers/Container/Name")]
    assert names == ["other"]
    blob.clock.now += DAY
    found = (await blob.send("GET", "/", "comp=list&include=deleted&maxresults=1")).xml()
    (entry,) = found.findall("Containers/Container")
    assert (entry.findtext("Deleted"), entry.findtext("Properties/RemainingRetentionDays")) == ("true", "2")
    following = await blob.send("GET", "/", f"comp=list&include=deleted&marker={found.findtext('NextMarker')}")
    assert [e.text for e in following.xml().findall("Containers/Container/Name")] == ["other"]
    version = {"x-ms-deleted-container-name": "box", "x-ms-deleted-container-version": entry.findtext("Version") or ""}
    assert await collected(blob) == 1
    await blob.container()  # the name is taken by now
    taken = await blob.send("PUT", "/box", f"{BOX}&comp=undelete", headers=version)
    assert (taken.status, taken.code) == (409, "ContainerAlreadyExists")
    await keep(blob)
    await blob.send("DELETE", "/box", BOX)
    assert (await blob.send("PUT", "/box", f"{BOX}&comp=undelete", headers=version)).status == 201
    assert (await blob.send("GET", "/box/b")).body == bytes(LONG)
    again = await blob.send("PUT", "/box", f"{BOX}&comp=undelete", headers=version)
    assert (again.status, again.code) == (409, "ContainerAlreadyExists")


async def test_a_deleted_container_is_gone_when_its_time_is_over(blob: BlobClient) -> None:
    await keep(blob, container_days=1, days=30)
    await blob.container()
    await blob.put("/box/b", bytes(LONG))
    await snapshot(blob)
    await blob.send("DELETE", "/box", BOX)
    blob.clock.now += DAY + 1
    assert (await blob.send("GET", "/", "comp=list&include=deleted")).xml().findall("Containers/Container") == []
    assert await collected(blob) == 0
    for table in ("container", "blob", "past", "manifest", "block", "part"):
        assert await blob.store.row(f"SELECT count(*) FROM storage_{table}") == (0,), table


@pytest.mark.parametrize("version", ["", "x", "FFFFFFFFFFFFFFFF", "0000000000000000"])
async def test_containers_that_cannot_come_back(blob: BlobClient, version: str) -> None:
    headers = {"x-ms-deleted-container-version": version}
    answer = await blob.send("PUT", "/box", f"{BOX}&comp=undelete", headers=headers)
    assert answer.code == ("ContainerNotFound" if version.startswith("0") else "InvalidHeaderValue")


# versions


def told(answer: Answer) -> str:
    assert answer.status < 300, answer.body
    return answer.headers["x-ms-version-id"]


async def test_every_state_of_a_blob_is_a_version(blob: BlobClient) -> None:
    await blob.container()
    await blob.put("/box/b", b"old", **{"x-ms-tags": "n=0"})
    await keep(blob, versioning=True)
    first = told(await blob.put("/box/b", b"1" * LONG))
    second = told(await blob.send("PUT", "/box/b", "comp=metadata", headers={"x-ms-meta-k": "v"}))
    same = await blob.send("PUT", "/box/b", "comp=properties", headers={"x-ms-blob-content-type": "a/b"})
    assert told(same) == second
    await blob.send("PUT", "/box/b", "comp=block&blockid=AAAA", b"3")
    third = told(await blob.send("PUT", "/box/b", "comp=blocklist", b"<BlockList><Latest>AAAA</Latest></BlockList>"))
    assert first < second < third
    entries = await listed(blob, "versions,metadata,tags")
    ids = [e.findtext("VersionId") for e in entries]
    assert ids[1:] == [first, second, third]
    assert [e.findtext("IsCurrentVersion") for e in entries] == [None, None, None, "true"]
    bodies = [(await blob.send("GET", "/box/b", f"versionid={i}")).body for i in ids]
    assert bodies == [b"old", b"1" * LONG, b"1" * LONG, b"3"]
    seen = await blob.send("HEAD", "/box/b", f"versionid={second}")
    assert (seen.headers["x-ms-meta-k"], seen.headers["x-ms-version-id"]) == ("v", second)
    assert "x-ms-is-current-version" not in seen.headers
    for query in ("", f"versionid={third}"):
        current = await blob.send("HEAD", "/box/b", query)
        assert (current.headers["x-ms-is-current-version"], told(current)) == ("true", third)
    # tags and tier of a version are its own
    tags = b"<Tags><TagSet><Tag><Key>n</Key><Value>9</Value></Tag></TagSet></Tags>"
    assert (await blob.send("PUT", "/box/b", f"comp=tags&versionid={first}", tags)).status == 204
    cold = {"x-ms-access-tier": "Archive"}
    assert (await blob.send("PUT", "/box/b", f"comp=tier&versionid={first}", headers=cold)).status == 200
    assert (await blob.send("GET", "/box/b", f"versionid={first}")).code == "BlobArchived"
    assert "x-ms-tag-count" not in (await blob.send("HEAD", "/box/b")).headers


async def test_deleting_versions(blob: BlobClient) -> None:
    await blob.container()
    await keep(blob, versioning=True)
    first, second = [told(await blob.put("/box/b", n * LONG)) for n in (b"1", b"2")]
    refused = await blob.send("DELETE", "/box/b", f"versionid={second}")
    assert (refused.status, refused.code) == (403, "OperationNotAllowedOnRootBlob")
    gone = await blob.send("DELETE", "/box/b")
    assert (gone.status, gone.headers["x-ms-delete-type-permanent"]) == (202, "false")
    assert (await blob.send("GET", "/box/b")).code == "BlobNotFound"
    assert (await blob.send("GET", "/box/b", f"versionid={second}")).body == b"2" * LONG
    assert await listed(blob, "deleted") == []
    assert [e.findtext("VersionId") for e in await listed(blob, "versions")] == [first, second]
    gone = await blob.send("DELETE", "/box/b", f"versionid={first}")
    assert (gone.status, gone.headers["x-ms-delete-type-permanent"]) == (202, "true")
    assert await collected(blob) == 1
    # softly
    await keep(blob, versioning=True, days=5)
    await blob.send("DELETE", "/box/b", f"versionid={second}")
    assert (await blob.send("GET", "/box/b", f"versionid={second}")).code == "BlobNotFound"
    assert await listed(blob, "versions") == []
    (entry,) = await listed(blob, "versions,deleted")
    assert (entry.findtext("VersionId"), entry.findtext("Deleted")) == (second, "true")
    assert (await blob.send("PUT", "/box/b", "comp=undelete")).status == 200
    assert (await blob.send("GET", "/box/b")).code == "BlobNotFound"
    assert (await blob.send("GET", "/box/b", f"versionid={second}")).body == b"2" * LONG


async def test_versioning_that_was_switched_off(blob: BlobClient) -> None:
    await blob.container()
    await keep(blob, versioning=True)
    first = told(await blob.put("/box/b", b"1"))
    await keep(blob)
    second = await blob.put("/box/b", b"2")
    assert "x-ms-version-id" not in second.headers
    assert (await blob.send("GET", "/box/b", f"versionid={first}")).body == b"1"
    await blob.put("/box/b", b"3")
    assert len(await listed(blob, "versions")) == 2


async def test_who_may_delete_a_version(blob: BlobClient) -> None:
    await blob.container()
    await keep(blob, versioning=True)
    first, _second = [told(await blob.put("/box/b", n)) for n in (b"1", b"2")]
    blob.access.grant("app", "contributor", str(ACCOUNT))
    refused = await blob.send("DELETE", "/box/b", f"versionid={first}", token="app")
    assert (refused.status, refused.code) == (403, "AuthorizationPermissionMismatch")
    assert blob.audit.events[-1].action.endswith("blobs/deleteBlobVersion/action")
    assert (await blob.send("DELETE", "/box/b", token="app")).status == 202


async def test_names_with_uncommitted_blocks_only(blob: BlobClient) -> None:
    await blob.container()
    await blob.put("/box/b")
    for name in ("a", "b", "c"):
        await blob.send("PUT", f"/box/{name}", "comp=block&blockid=AAAA", b"x")
    found = await listed(blob, "uncommittedblobs", 2)
    assert [(e.findtext("Name"), e.findtext("Properties/Content-Length")) for e in found] == [
        ("a", "0"), ("b", "1"), ("c", "0"),
    ]  # fmt: skip
    assert [e.findtext("Name") for e in await listed(blob, "")] == ["b"]


# all of it together


@dataclass
class Model:
    """What a blob's name is to hold, told without tables: each state is its body."""

    days: int = 0
    versioning: bool = False
    current: tuple[str, bytes] | None = None  # with the version's name, which may be empty
    deleted: tuple[bytes, float] | None = None  # with when it expires
    snapshots: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, bytes] = field(default_factory=dict)
    lost: list[tuple[str, str, bytes, float]] = field(default_factory=list)  # kind, name, body, when it expires

    def expire(self, now: float) -> None:
        self.lost = [entry for entry in self.lost if entry[3] > now]
        if self.deleted and self.deleted[1] <= now:
            self.deleted = None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["put", "put", "put", "commit", "snapshot", "snapshot", "delete", "only", "undelete", "metadata",
             "drop-snapshot", "drop-version", "days", "versioning", "wait", "collect"]
        ),
        st.integers(0, 9),
    ),
    max_size=16,
)  # fmt: skip


def test_any_history_agrees_with_the_model(tmp_path_factory: pytest.TempPathFactory) -> None:
    async def run(folder: Path, steps: list[tuple[str, int]]) -> None:
        async with blob_client(folder) as blob:
            await blob.container()
            model = Model()
            for number, (step, choice) in enumerate(steps):
                await apply(blob, model, step, choice, number)
                await check(blob, model, choice + 1)
            await collected(blob)
            await check(blob, model, 3)
            rows = await blob.store.rows("SELECT 1 FROM storage_manifest WHERE garbage = 1")
            assert rows == []

    @settings(max_examples=40, deadline=None)
    @given(STEPS)
    def check_all(steps: list[tuple[str, int]]) -> None:
        asyncio.run(run(tmp_path_factory.mktemp("past"), steps))

    check_all()


async def apply(blob: BlobClient, model: Model, step: str, choice: int, number: int) -> None:
    now = blob.clock.now
    expires = int(now) + model.days * DAY
    body = b"%d" % number * (LONG if choice % 3 else 1)
    if step == "days":
        model.days = choice % 3 * 2
        await keep(blob, days=model.days, versioning=model.versioning)
    elif step == "versioning":
        model.versioning = choice % 2 == 0
        await keep(blob, days=model.days, versioning=model.versioning)
    elif step == "wait":
        blob.clock.now += choice * DAY / 2 + 1
        model.expire(blob.clock.now)
    elif step == "collect":
        await collected(blob)
    elif step in {"put", "commit"}:
        if step == "put":
            answer = await blob.put("/box/b", body)
        else:
            await blob.send("PUT", "/box/b", "comp=block&blockid=AAAA", body)
            commit = b"<BlockList><Latest>AAAA</Latest></BlockList>"
            answer = await blob.send("PUT", "/box/b", "comp=blocklist", commit)
        assert answer.status == 201
        if model.current is None:
            if model.deleted:
                model.lost.append(("snapshot", "", *model.deleted))
                model.deleted = None
        elif not keep_version(model) and model.days:
            model.lost.append(("snapshot", "", model.current[1], expires))
        model.current = (answer.headers.get("x-ms-version-id", ""), body)
        assert bool(model.current[0]) == model.versioning
    elif step == "undelete":
        answer = await blob.send("PUT", "/box/b", "comp=undelete")
        there = bool(model.current or model.deleted or model.lost)
        assert answer.status == (200 if there else 404)
        await restored(blob, model)
    elif model.current is None:
        answer = await blob.send("PUT", "/box/b", "comp=snapshot")
        assert answer.status == 404
    elif step == "snapshot":
        model.snapshots[await snapshot(blob)] = model.current[1]
    elif step == "metadata":
        answer = await blob.send("PUT", "/box/b", "comp=metadata")
        assert answer.status == 200
        keep_version(model)
        model.current = (answer.headers.get("x-ms-version-id", ""), model.current[1])
    elif step in {"delete", "only"}:
        plain = await blob.send("DELETE", "/box/b") if model.snapshots else None
        assert plain is None or plain.code == "SnapshotsPresent"
        how = {"x-ms-delete-snapshots": "include" if step == "delete" else "only"}
        assert (await blob.send("DELETE", "/box/b", headers=how)).status == 202
        for name in list(model.snapshots):
            lose(model, "snapshot", name, expires)
        if step == "delete":
            if not keep_version(model) and model.days:
                model.deleted = (model.current[1], expires)
            model.current = None
    elif step == "drop-snapshot" and model.snapshots:
        name = sorted(model.snapshots)[choice % len(model.snapshots)]
        assert (await blob.send("DELETE", "/box/b", f"snapshot={name}")).status == 202
        lose(model, "snapshot", name, expires)
    elif step == "drop-version" and model.versions:
        name = sorted(model.versions)[choice % len(model.versions)]
        assert (await blob.send("DELETE", "/box/b", f"versionid={name}")).status == 202
        lose(model, "version", name, expires)


def keep_version(model: Model) -> bool:
    """The current state becomes a version, if it is to; one without a name gets one that the list will tell."""
    assert model.current is not None
    name, body = model.current
    if not name and not model.versioning:
        return False
    model.versions[name or f"?{len(model.versions)}"] = body
    return True


def lose(model: Model, kind: str, name: str, expires: float) -> None:
    body = (model.snapshots if kind == "snapshot" else model.versions).pop(name)
    if model.days:
        model.lost.append((kind, name, body, expires))


async def restored(blob: BlobClient, model: Model) -> None:
    for kind, name, body, _ in model.lost:
        if kind == "version":
            model.versions[name] = body
        else:
            model.snapshots[name or f"?{len(model.snapshots)}"] = body
    model.lost = []
    if model.current is None and model.deleted:
        version = (await blob.send("HEAD", "/box/b")).headers.get("x-ms-version-id", "")
        model.current = (version, model.deleted[0])
        model.deleted = None


async def check(blob: BlobClient, model: Model, size: int) -> None:
    """The list shows what the model has, and every body can be read."""
    alive: dict[str, dict[str, bytes]] = {"Snapshot": {}, "VersionId": {}}
    current = None
    gone: list[str] = []
    for entry in await listed(blob, "snapshots,versions,deleted", size):
        tag = next((t for t in ("Snapshot", "VersionId") if entry.findtext(t)), "")
        if entry.findtext("Deleted"):
            gone.append(tag)
        elif not tag or entry.findtext("IsCurrentVersion"):
            current = (await blob.send("GET", "/box/b")).body
        else:
            name = entry.findtext(tag)
            parameter = {"Snapshot": "snapshot", "VersionId": "versionid"}[tag]
            alive[tag][name] = (await blob.send("GET", "/box/b", f"{parameter}={name}")).body
    assert current == (model.current[1] if model.current else None)
    for tag, wanted in (("Snapshot", model.snapshots), ("VersionId", model.versions)):
        assert sorted(alive[tag].values()) == sorted(wanted.values())
        assert {name for name in wanted if not name.startswith("?")} <= set(alive[tag])
        # what the model could not name it now can
        for name in [n for n in wanted if n.startswith("?")]:
            body = wanted.pop(name)
            wanted[next(n for n, b in alive[tag].items() if b == body and n not in wanted)] = body
    kinds = [{"snapshot": "Snapshot", "version": "VersionId"}[kind] for kind, *_ in model.lost]
    assert sorted(gone) == sorted(kinds + ([""] if model.deleted else []))

"""Leases: the tables of the specification, a model of their whole life, and what they keep from happening."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.storage.harness import Answer, BlobClient, blob_client

A, B = "11111111-1111-1111-1111-11111111111a", "22222222-2222-2222-2222-22222222222b"
BLOB, BOX = ("/box/b", ""), ("/box", "restype=container&")
MISMATCH, NONE = "LeaseIdMismatchWithLeaseOperation", "LeaseNotPresentWithLeaseOperation"
STATES = ("available", "leased", "expired", "breaking", "broken")


More = dict[str, str | int]


async def lease(blob: BlobClient, action: str, at: tuple[str, str] = BLOB, /, **more: str | int) -> Answer:
    """`id`, `proposed`, `duration` and `period` of a lease action."""
    names = {
        "id": "x-ms-lease-id",
        "proposed": "x-ms-proposed-lease-id",
        "duration": "x-ms-lease-duration",
        "period": "x-ms-lease-break-period",
    }
    headers = {"x-ms-lease-action": action} | {names[name]: str(value) for name, value in more.items()}
    return await blob.send("PUT", at[0], f"{at[1]}comp=lease", headers=headers)


async def bring_to(blob: BlobClient, state: str, at: tuple[str, str]) -> None:
    """A blob or container whose lease, A's if there is one, is in this state."""
    await blob.container()
    await blob.put("/box/b")
    if state == "available":
        return
    assert (await lease(blob, "acquire", at, proposed=A, duration=30)).status == 201
    if state == "expired":
        blob.clock.now += 31
    if state in {"breaking", "broken"}:
        assert (await lease(blob, "break", at, period=20)).status == 202
    if state == "broken":
        blob.clock.now += 21


async def told(blob: BlobClient, at: tuple[str, str]) -> str:
    seen = await blob.send("HEAD", at[0], at[1])
    state = seen.headers["x-ms-lease-state"]
    assert seen.headers["x-ms-lease-status"] == ("locked" if state in {"leased", "breaking"} else "unlocked")
    assert ("x-ms-lease-duration" in seen.headers) == (state == "leased")
    return state


#: Lease Blob, "Outcomes of lease operations on blobs by lease state"; a status, or the code of a conflict.
OUTCOMES = {
    ("acquire", A): (201, 201, 201, "LeaseIsBreakingAndCannotBeAcquired", 201),
    ("acquire", B): (201, "LeaseAlreadyPresent", 201, "LeaseAlreadyPresent", 201),
    ("renew", A): (MISMATCH, 200, 200, "LeaseIsBrokenAndCannotBeRenewed", "LeaseIsBrokenAndCannotBeRenewed"),
    ("renew", B): (MISMATCH, MISMATCH, MISMATCH, MISMATCH, MISMATCH),
    ("change", A): (NONE, 200, NONE, "LeaseIsBreakingAndCannotBeChanged", NONE),
    ("change", B): (NONE, MISMATCH, NONE, MISMATCH, NONE),
    ("release", A): (MISMATCH, 200, 200, 200, 200),
    ("release", B): (MISMATCH, MISMATCH, MISMATCH, MISMATCH, MISMATCH),
    ("break", ""): (NONE, 202, 202, 202, 202),
}
AFTER = {"acquire": "leased", "renew": "leased", "change": "leased", "release": "available"}


@pytest.mark.parametrize("at", [BLOB, BOX])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("action", "who"), OUTCOMES)
async def test_every_action_in_every_state(
    blob: BlobClient, at: tuple[str, str], state: str, action: str, who: str
) -> None:
    await bring_to(blob, state, at)
    before = await blob.send("HEAD", *at)
    assert await told(blob, at) == state
    more: More = {} if not who else {"proposed" if action == "acquire" else "id": who}
    if action == "acquire":
        more["duration"] = -1
    if action == "change":
        more["proposed"] = "33333333-3333-3333-3333-333333333333"
    answer = await lease(blob, action, at, **more)
    expected = OUTCOMES[action, who][STATES.index(state)]
    if isinstance(expected, str):
        assert (answer.status, answer.code) == (409, expected)
        assert await told(blob, at) == state
        return
    assert answer.status == expected, answer.body
    after = "breaking" if action == "break" and state in {"leased", "breaking"} else AFTER.get(action, "broken")
    assert await told(blob, at) == after
    # a lease changes neither the ETag nor the time of the last change
    for name in ("ETag", "Last-Modified"):
        assert answer.headers[name] == before.headers[name]
    if action in {"acquire", "renew", "change"}:
        assert answer.headers["x-ms-lease-id"] == (more["proposed"] if action == "change" else who)


#: "Outcomes of use attempts on blobs by lease state": the code of the refusal, or nothing.
LOST, GONE, OTHER = "LeaseLost", "LeaseNotPresentWithBlobOperation", "LeaseIdMismatchWithBlobOperation"
USES = {
    ("write", A): (GONE, "", LOST, "", LOST),
    ("write", B): (GONE, OTHER, GONE, OTHER, GONE),
    ("write", ""): ("", "LeaseIdMissing", "", "LeaseIdMissing", ""),
    ("read", A): (GONE, "", LOST, "", LOST),
    ("read", B): (GONE, OTHER, GONE, OTHER, GONE),
    ("read", ""): ("", "", "", "", ""),
}
LIST = b"<BlockList></BlockList>"
TAGS = b"<Tags><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tags>"
WRITES = [
    ("PUT", "", b"new", {"x-ms-blob-type": "BlockBlob"}),
    ("PUT", "comp=block&blockid=AAAA", b"new", {}),
    ("PUT", "comp=blocklist", LIST, {}),
    ("PUT", "comp=metadata", b"", {}),
    ("PUT", "comp=properties", b"", {}),
    ("PUT", "comp=tags", TAGS, {}),
    ("PUT", "comp=tier", b"", {"x-ms-access-tier": "Cool"}),
    ("DELETE", "", b"", {}),
]
READS: list[tuple[str, str, bytes, dict[str, str]]] = [
    ("GET", "", b"", {}),
    ("HEAD", "", b"", {}),
    ("GET", "comp=metadata", b"", {}),
    ("GET", "comp=tags", b"", {}),
    ("GET", "comp=blocklist", b"", {}),
    ("PUT", "comp=snapshot", b"", {}),
]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("use", "who"), USES)
async def test_every_use_in_every_state(blob: BlobClient, state: str, use: str, who: str) -> None:
    expected = USES[use, who][STATES.index(state)]
    for number, (method, query, body, headers) in enumerate(WRITES if use == "write" else READS):
        box = f"box{number}"
        at = (f"/{box}/b", "")
        await blob.container(box)
        await blob.put(at[0])
        if state != "available":
            await lease(blob, "acquire", at, proposed=A, duration=30)
        if state in {"breaking", "broken"}:
            await lease(blob, "break", at, period=20)
        elapsed = {"expired": 31, "broken": 21}.get(state, 0)
        blob.clock.now += elapsed
        fields = headers | ({"x-ms-lease-id": who} if who else {})
        answer = await blob.send(method, at[0], query, body, headers=fields)
        blob.clock.now -= elapsed
        assert answer.code == expected, (method, query)
        assert answer.status == 412 if expected else answer.status < 300, (method, query)


async def test_a_write_voids_a_lease_that_has_ended(blob: BlobClient) -> None:
    await bring_to(blob, "available", BLOB)
    for change in ("comp=metadata", "comp=properties", ""):
        await lease(blob, "acquire", proposed=A, duration=15)
        blob.clock.now += 16
        assert (await lease(blob, "renew", id=A)).status == 200
        blob.clock.now += 16
        assert (await blob.send("PUT", "/box/b", change, headers={"x-ms-blob-type": "BlockBlob"})).status < 300
        assert (await lease(blob, "renew", id=A)).code == MISMATCH
        assert await told(blob, BLOB) == "available"


async def test_an_overwritten_blob_keeps_its_lease(blob: BlobClient) -> None:
    await bring_to(blob, "leased", BLOB)
    assert (await blob.put("/box/b", b"2", **{"x-ms-lease-id": A})).status == 201
    assert await told(blob, BLOB) == "leased"
    assert (await blob.put("/box/b", b"3")).code == "LeaseIdMissing"
    assert (await blob.send("DELETE", "/box/b", headers={"x-ms-lease-id": A})).status == 202
    assert (await blob.put("/box/b", b"4")).status == 201
    assert await told(blob, BLOB) == "available"


async def test_a_leased_container(blob: BlobClient) -> None:
    await bring_to(blob, "leased", BOX)
    # only its deletion needs the ID; what is in it is free
    for query in ("", "&comp=metadata", "&comp=acl"):
        for who, code in [("", ""), (A, ""), (B, "LeaseIdMismatchWithContainerOperation")]:
            headers = {"x-ms-lease-id": who} if who else {}
            assert (await blob.send("GET", "/box", f"restype=container{query}", headers=headers)).code == code
    assert (await blob.send("PUT", "/box", "restype=container&comp=metadata")).status == 200
    assert (await blob.send("DELETE", "/box/b")).status == 202
    listed = (await blob.send("GET", "/", "comp=list")).xml().find("Containers/Container/Properties")
    assert listed is not None
    assert [listed.findtext(n) for n in ("LeaseStatus", "LeaseState", "LeaseDuration")] == ["locked", "leased", "fixed"]
    assert (await blob.send("DELETE", "/box", "restype=container")).code == "LeaseIdMissing"
    other = await blob.send("DELETE", "/box", "restype=container", headers={"x-ms-lease-id": B})
    assert other.code == "LeaseIdMismatchWithContainerOperation"
    assert (await blob.send("DELETE", "/box", "restype=container", headers={"x-ms-lease-id": A})).status == 202


async def test_how_long_a_break_takes(blob: BlobClient) -> None:
    await bring_to(blob, "leased", BLOB)  # 30 seconds
    blob.clock.now += 5
    for period, left in [
        ({}, 25),
        ({"period": 60}, 25),
        ({"period": 10}, 10),
        ({"period": 40}, 10),
        ({"period": 0}, 0),
    ]:
        answer = await lease(blob, "break", **period)
        assert (answer.status, answer.headers["x-ms-lease-time"]) == (202, str(left))
    assert await told(blob, BLOB) == "broken"
    await lease(blob, "acquire", proposed=B, duration=-1)
    answer = await lease(blob, "break", period=60)
    assert (answer.headers["x-ms-lease-time"], await told(blob, BLOB)) == ("60", "breaking")
    blob.clock.now += 60
    await lease(blob, "acquire", proposed=B, duration=-1)
    answer = await lease(blob, "break")
    assert (answer.headers["x-ms-lease-time"], await told(blob, BLOB)) == ("0", "broken")


@pytest.mark.parametrize(
    ("action", "more", "code"),
    [
        ("", {}, "InvalidHeaderValue"),
        ("steal", {}, "InvalidHeaderValue"),
        ("acquire", {}, "MissingRequiredHeader"),
        ("acquire", {"duration": 14}, "InvalidHeaderValue"),
        ("acquire", {"duration": 61}, "InvalidHeaderValue"),
        ("acquire", {"duration": "-"}, "InvalidHeaderValue"),
        ("acquire", {"duration": 15, "proposed": "me"}, "InvalidHeaderValue"),
        ("renew", {}, "MissingRequiredHeader"),
        ("change", {"id": A}, "MissingRequiredHeader"),
        ("break", {"period": 61}, "InvalidHeaderValue"),
        ("break", {"period": -1}, "InvalidHeaderValue"),
    ],
)
async def test_actions_that_make_no_sense(blob: BlobClient, action: str, more: More, code: str) -> None:
    await bring_to(blob, "available", BLOB)
    answer = await lease(blob, action, **more)
    assert (answer.status, answer.code) == (400, code)


async def test_a_lease_without_a_proposal_gets_an_id_of_its_own(blob: BlobClient) -> None:
    await bring_to(blob, "available", BLOB)
    one = await lease(blob, "acquire", duration=15)
    two = await lease(blob, "acquire", BOX, duration=-1)
    assert len(one.headers["x-ms-lease-id"]) == len(two.headers["x-ms-lease-id"]) == 36
    assert one.headers["x-ms-lease-id"] != two.headers["x-ms-lease-id"]
    upper = await lease(blob, "renew", id=one.headers["x-ms-lease-id"].upper())
    assert upper.status == 200
    assert (await lease(blob, "acquire", ("/box/none", ""), duration=15)).code == "BlobNotFound"
    assert (await lease(blob, "acquire", ("/none", "restype=container&"), duration=15)).code == "ContainerNotFound"


STEP = st.tuples(
    st.sampled_from(["acquire", "acquire", "renew", "change", "release", "break", "write"]),
    st.sampled_from([A, B]),
    st.sampled_from([0, 1, 10, 20, 40, 70]),
    st.sampled_from([-1, 15, 60]),
    st.none() | st.sampled_from([0, 5, 60]),
)


def test_no_two_hold_it_at_a_time(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whoever was told that the lease is theirs for a time can write in that time, and nobody else can."""

    async def run(folder: Path, steps: list[tuple[str, str, int, int, int | None]]) -> None:
        async with blob_client(folder) as blob:
            await bring_to(blob, "available", BLOB)
            holder, until, seconds, breaking = "", 0.0, 0, False
            for action, who, wait, duration, period in steps:
                blob.clock.now += wait
                now = blob.clock.now
                held = holder if now < until else ""
                if action == "write":
                    mine = await blob.put("/box/b", b"1", **({"x-ms-lease-id": who}))
                    free = await blob.put("/box/b", b"2")
                    assert (mine.status == 201) == (held == who)
                    assert (free.status == 201) == (not held)
                    holder = held
                    continue
                more: More = {"id": who}
                if action == "acquire":
                    more = {"proposed": who, "duration": duration}
                elif action == "change":
                    more["proposed"] = A if who == B else B
                elif action == "break":
                    more = {} if period is None else {"period": period}
                answer = await lease(blob, action, **more)
                if answer.status >= 300:
                    continue
                if action in {"acquire", "renew"}:
                    assert held in {"", who}
                    assert not (held and breaking)
                    seconds = duration if action == "acquire" else seconds
                    holder, breaking = who, False
                    until = float("inf") if seconds == -1 else now + seconds
                elif action == "change":
                    assert held in {who, more["proposed"]}
                    holder = str(more["proposed"])
                elif action == "release":
                    assert holder == who
                    holder, until, breaking = "", 0.0, False
                else:
                    left = int(answer.headers["x-ms-lease-time"])
                    assert now + left <= until or not held
                    until, breaking = (now + left, True) if held else (until, True)

    @settings(max_examples=25, deadline=None)
    @given(st.lists(STEP, max_size=14))
    def check(steps: list[tuple[str, str, int, int, int | None]]) -> None:
        asyncio.run(run(tmp_path_factory.mktemp("lease"), steps))

    check()

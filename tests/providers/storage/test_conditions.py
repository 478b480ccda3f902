"""Conditional headers on every operation that takes them, and their refusal by those that do not."""

from __future__ import annotations

import pytest

from keyless.providers.storage.headers import http_date
from tests.providers.storage.harness import BlobClient

PUT = {"x-ms-blob-type": "BlockBlob"}
TAGS = b"<Tags><TagSet /></Tags>"
LEASE = {"x-ms-lease-action": "acquire", "x-ms-lease-duration": "15"}
CHANGES = [
    ("PUT", "", b"new", PUT),
    ("PUT", "comp=blocklist", b"<BlockList></BlockList>", {}),
    ("PUT", "comp=metadata", b"", {}),
    ("PUT", "comp=properties", b"", {}),
    ("PUT", "comp=snapshot", b"", {}),
    ("PUT", "comp=lease", b"", LEASE),
    ("DELETE", "", b"", {}),
]
READS: list[tuple[str, str, bytes, dict[str, str]]] = [
    ("GET", "", b"", {}),
    ("HEAD", "", b"", {}),
    ("GET", "comp=metadata", b"", {}),
]
TAGS_ONLY = [
    ("GET", "comp=tags", b"", {}),
    ("PUT", "comp=tags", TAGS, {}),
    ("PUT", "comp=tier", b"", {"x-ms-access-tier": "Cool"}),
    ("GET", "comp=blocklist", b"", {}),
]
BEFORE, AFTER = http_date(1_700_000_000), http_date(1_900_000_000)
FAILING = [
    {"If-Match": '"0x0"'},
    {"If-None-Match": "{etag}"},
    {"If-Modified-Since": AFTER},
    {"If-Unmodified-Since": BEFORE},
    {"x-ms-if-tags": "\"state\" = 'closed'"},
]
HOLDING = [
    {"If-Match": "{etag}"},
    {"If-None-Match": '"0x0"'},
    {"If-Modified-Since": BEFORE},
    {"If-Unmodified-Since": AFTER},
    {"x-ms-if-tags": "state = 'open' OR state > 'x'"},
]


async def _try(
    blob: BlobClient, number: int, operation: tuple[str, str, bytes, dict[str, str]], demand: dict[str, str]
) -> tuple[int, str]:
    method, query, body, headers = operation
    path = f"/box/{number}"
    put = await blob.put(path, b"text", **{"x-ms-tags": "state=open"})
    demanded = {name: value.replace("{etag}", put.headers["ETag"]) for name, value in demand.items()}
    answer = await blob.send(method, path, query, body, headers=headers | demanded)
    if answer.status == 412:
        seen = await blob.send("GET", path)
        assert (seen.body, seen.headers["ETag"], seen.headers["x-ms-lease-state"]) == (
            b"text",
            put.headers["ETag"],
            "available",
        )
    return answer.status, answer.code


async def test_what_does_not_hold_keeps_everything_from_happening(blob: BlobClient) -> None:
    await blob.container()
    operations = [*CHANGES, *READS]
    for number, (operation, demand) in enumerate((o, d) for o in operations for d in FAILING):
        quiet = operation in READS and bool({"If-None-Match", "If-Modified-Since"} & set(demand))
        status = 304 if quiet else 412
        assert await _try(blob, number, operation, demand) == (status, "ConditionNotMet"), (operation, demand)


async def test_what_holds_stands_in_no_ones_way(blob: BlobClient) -> None:
    await blob.container()
    for number, (operation, demand) in enumerate((o, d) for o in [*CHANGES, *READS] for d in HOLDING):
        status, _ = await _try(blob, number, operation, demand)
        assert status < 300, (operation, demand)


async def test_some_operations_take_a_condition_on_tags_only(blob: BlobClient) -> None:
    await blob.container()
    for number, operation in enumerate(TAGS_ONLY):
        assert (await _try(blob, number, operation, HOLDING[-1]))[0] < 300
        assert await _try(blob, number, operation, FAILING[-1]) == (412, "ConditionNotMet")
        assert await _try(blob, number, operation, HOLDING[0]) == (400, "ConditionHeadersNotSupported")


async def test_operations_on_tags_have_names_of_their_own_for_the_rest(blob: BlobClient) -> None:
    await blob.container()
    for number, operation in enumerate(o for o in TAGS_ONLY if o[1] == "comp=tags"):
        for demand in HOLDING[:4]:
            named = {f"x-ms-blob-{name}": value for name, value in demand.items()}
            assert (await _try(blob, number, operation, named))[0] < 300, (operation, demand)
        for demand in FAILING[:4]:
            named = {f"x-ms-blob-{name}": value for name, value in demand.items()}
            quiet = operation[0] == "GET" and bool({"If-None-Match", "If-Modified-Since"} & set(demand))
            assert await _try(blob, number, operation, named) == (304 if quiet else 412, "ConditionNotMet")


@pytest.mark.parametrize(
    ("method", "query", "taken"),
    [
        ("PUT", "restype=container", set()),
        ("GET", "restype=container", set()),
        ("GET", "restype=container&comp=metadata", set()),
        ("GET", "restype=container&comp=acl", set()),
        ("PUT", "restype=container&comp=metadata", {"If-Modified-Since"}),
        ("PUT", "restype=container&comp=acl", {"If-Modified-Since", "If-Unmodified-Since"}),
        ("PUT", "restype=container&comp=lease", {"If-Modified-Since", "If-Unmodified-Since"}),
        ("DELETE", "restype=container", {"If-Modified-Since", "If-Unmodified-Since"}),
    ],
)
async def test_containers_take_dates_at_most(blob: BlobClient, method: str, query: str, taken: set[str]) -> None:
    await blob.container()
    for demand in FAILING:
        answer = await blob.send(method, "/box", query, headers=LEASE | demand)
        if set(demand) <= taken:
            assert answer.code == "ConditionNotMet"
        else:
            assert answer.code == "ConditionHeadersNotSupported"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a = ",
        "a = b",
        "= 'b'",
        "a = 'b' AND",
        "a = 'b' XOR c = 'd'",
        "a == 'b'",
        "'a' = 'b'",
        "a = 'b' c = 'd'",
        "@container = 'box'",
        "a = 'b",
        "a = 'x' AND " * 40 + "b = 'c'",
        "a" * 9000,
    ],
)
async def test_expressions_that_cannot_be_read(blob: BlobClient, text: str) -> None:
    await blob.container()
    await blob.put("/box/b", b"text")
    answer = await blob.send("GET", "/box/b", headers={"x-ms-if-tags": text})
    assert (answer.status, answer.code) == (400, "InvalidHeaderValue")

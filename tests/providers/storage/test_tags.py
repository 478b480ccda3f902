"""Blob index tags: writing, reading and finding them, and who may."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyless.providers.storage.tables import tagged
from keyless.providers.storage.tags import read_tags_document, read_tags_header, tags_element
from tests.providers.storage.harness import ACCOUNT, Answer, BlobClient, blob_client

TEXT = st.text("abcXYZ019 +-./:=_", max_size=12)
TAGS = st.dictionaries(TEXT.filter(bool), TEXT, max_size=10)


@given(TAGS)
def test_both_spellings_come_back(tags: dict[str, str]) -> None:
    header = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in tags.items())
    assert read_tags_header(header) == tags
    assert read_tags_document(tags_element(tags).encode()) == tags


def document(*pairs: tuple[str, str]) -> bytes:
    inner = "".join(f"<Tag><Key>{escape(k)}</Key><Value>{escape(v)}</Value></Tag>" for k, v in pairs)
    return f"<Tags><TagSet>{inner}</TagSet></Tags>".encode()


def told(answer: Answer) -> dict[str | None, str | None]:
    return {tag.findtext("Key"): tag.findtext("Value") for tag in answer.xml().findall("TagSet/Tag")}


async def test_tags_are_set_read_and_replaced(blob: BlobClient) -> None:
    await blob.container()
    put = await blob.put("/box/b", b"text", **{"x-ms-tags": "a=1&b=x%20y"})
    assert told(await blob.send("GET", "/box/b", "comp=tags")) == {"a": "1", "b": "x y"}
    assert (await blob.send("HEAD", "/box/b")).headers["x-ms-tag-count"] == "2"
    blob.clock.now += 5
    assert (await blob.send("PUT", "/box/b", "comp=tags", document(("c", "")))).status == 204
    seen = await blob.send("HEAD", "/box/b")
    assert (seen.headers["x-ms-tag-count"], seen.headers["ETag"]) == ("1", put.headers["ETag"])
    assert seen.headers["Last-Modified"] == put.headers["Last-Modified"]
    assert told(await blob.send("GET", "/box/b", "comp=tags")) == {"c": ""}
    # changes of anything else leave them, a new body does not
    await blob.send("PUT", "/box/b", "comp=metadata")
    await blob.send("PUT", "/box/b", "comp=properties")
    assert told(await blob.send("GET", "/box/b", "comp=tags")) == {"c": ""}
    await blob.send("PUT", "/box/b", "comp=block&blockid=AAAA", b"x")
    commit = b"<BlockList><Latest>AAAA</Latest></BlockList>"
    await blob.send("PUT", "/box/b", "comp=blocklist", commit, headers={"x-ms-tags": "d=4"})
    assert told(await blob.send("GET", "/box/b", "comp=tags")) == {"d": "4"}
    await blob.put("/box/b", b"new")
    assert "x-ms-tag-count" not in (await blob.send("HEAD", "/box/b")).headers
    assert told(await blob.send("GET", "/box/b", "comp=tags")) == {}
    assert (await blob.send("GET", "/box/none", "comp=tags")).code == "BlobNotFound"
    assert (await blob.send("PUT", "/box/none", "comp=tags", document())).code == "BlobNotFound"


MANY = tuple((str(number), "") for number in range(11))


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ((("", "x"),), "EmptyTagName"),
        ((("a", "1"), ("a", "2")), "DuplicateTagNames"),
        (MANY, "TagsTooLarge"),
        ((("a" * 129, ""),), "TagsTooLarge"),
        ((("a", "b" * 257),), "TagsTooLarge"),
        ((("a", "ü"),), "InvalidTag"),
        ((("a;", ""),), "InvalidTag"),
    ],
)
async def test_tags_that_none_may_have(blob: BlobClient, pairs: tuple[tuple[str, str], ...], code: str) -> None:
    await blob.container()
    header = "&".join(f"{quote(key)}={quote(value)}" for key, value in pairs)
    put = await blob.put("/box/b", b"text", **{"x-ms-tags": header})
    assert (put.status, (await blob.send("HEAD", "/box/b")).status) == (400, 404)
    await blob.put("/box/b", b"text", **{"x-ms-tags": "kept=1"})
    answer = await blob.send("PUT", "/box/b", "comp=tags", document(*pairs))
    assert (answer.status, answer.code) == (400, code)
    assert told(await blob.send("GET", "/box/b", "comp=tags")) == {"kept": "1"}


@pytest.mark.parametrize("body", [b"", b"<Tags><Tag/></Tags>", b"<Tags><TagSet><X/></TagSet></Tags>", b"<TagSet/>"])
async def test_documents_that_are_none(blob: BlobClient, body: bytes) -> None:
    await blob.container()
    await blob.put("/box/b")
    answer = await blob.send("PUT", "/box/b", "comp=tags", body)
    assert (answer.status, answer.code) == (400, "InvalidXmlDocument")


async def test_a_digest_of_the_document_is_checked(blob: BlobClient) -> None:
    await blob.container()
    await blob.put("/box/b")
    wrong = {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    assert (await blob.send("PUT", "/box/b", "comp=tags", document(("a", "b")), headers=wrong)).code == "Md5Mismatch"


async def find(blob: BlobClient, where: str, path: str = "/", size: int = 0, token: str = "owner") -> list[str]:
    """All that is found, as `container/name`."""
    scope = "restype=container&" if path != "/" else ""
    found: list[str] = []
    marker = ""
    while True:
        query = f"{scope}comp=blobs&where={quote(where)}&marker={marker}" + (f"&maxresults={size}" if size else "")
        answer = await blob.send("GET", path, query, token=token)
        assert answer.status == 200, answer.body
        page = answer.xml()
        assert page.findtext("Where") == where
        entries = page.findall("Blobs/Blob")
        assert len(entries) <= (size or 5000)
        found += [f"{e.findtext('ContainerName')}/{e.findtext('Name')}" for e in entries]
        assert all(e.find("Tags/TagSet/Tag") is not None for e in entries)
        marker = page.findtext("NextMarker") or ""
        if not marker:
            return found


async def test_finding(blob: BlobClient) -> None:
    for box in ("box", "abc", "none"):
        await blob.container(box)
    for number in range(6):
        for box in ("box", "abc"):
            state = "open" if number % 2 else "closed"
            await blob.put(f"/{box}/{number}", b"x", **{"x-ms-tags": f"state={state}&at=2026-0{number}"})
    await blob.put("/box/untagged")
    await blob.put("/box/gone", b"x", **{"x-ms-tags": "state=open"})
    await blob.send("DELETE", "/box/gone")
    for size in (0, 1, 2, 5):
        assert await find(blob, "state = 'open'", size=size) == [f"{b}/{n}" for b in ("abc", "box") for n in (1, 3, 5)]
        assert await find(blob, "state = 'open'", "/box", size) == ["box/1", "box/3", "box/5"]
    assert await find(blob, "@container = 'abc' AND state='open'") == ["abc/1", "abc/3", "abc/5"]
    assert await find(blob, "@container = 'abc' AND state='open'", "/box") == []
    assert await find(blob, "\"state\" = 'open' and at > '2026-01' AND \"at\" < '2026-05'", "/box") == ["box/3"]
    assert await find(blob, "at >= '2026-04' AND at <= '2026-04'", "/box") == ["box/4"]
    assert await find(blob, "other = ''") == []
    missing = await blob.send("GET", "/missing", "restype=container&comp=blobs&where=a%3D%27b%27")
    assert missing.code == "ContainerNotFound"


async def test_a_page_looks_at_a_bounded_number(blob: BlobClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagged, "MAX_LOOKED_AT", 7)
    for box in ("abc", "box"):
        await blob.container(box)
        for number in range(20):
            await blob.put(f"/{box}/{number:02}", b"x", **{"x-ms-tags": f"n={number:02}"})
    first = await blob.send("GET", "/", "comp=blobs&where=n%3D%2719%27")
    assert (first.xml().findall("Blobs/Blob"), bool(first.xml().findtext("NextMarker"))) == ([], True)
    assert await find(blob, "n = '19'") == ["abc/19", "box/19"]


@pytest.mark.parametrize(
    "where", ["", "a", "a = 'b' OR c = 'd'", "a <> 'b'", "@container > 'b' AND a = 'b'", "@container = 'b'"]
)
async def test_questions_that_cannot_be_read(blob: BlobClient, where: str) -> None:
    answer = await blob.send("GET", "/", f"comp=blobs&where={quote(where)}")
    assert (answer.status, answer.code) == (400, "InvalidQueryParameterValue")


KEY, VALUE = st.sampled_from("kl"), st.sampled_from(["1", "2", "3"])
TERM = st.tuples(KEY, st.sampled_from(["=", "<", "<=", ">", ">="]), VALUE)
NAMED = st.dictionaries(
    st.tuples(st.sampled_from(["abc", "box"]), st.text("ab/", min_size=1, max_size=3)),
    st.dictionaries(KEY, VALUE, max_size=2),
    max_size=14,
)


def test_any_search_agrees_with_the_model(tmp_path_factory: pytest.TempPathFactory) -> None:
    async def run(
        folder: Path, blobs: dict[tuple[str, str], dict[str, str]], terms: list[tuple[str, str, str]], size: int
    ) -> None:
        async with blob_client(folder) as blob:
            for box in ("abc", "box"):
                await blob.container(box)
            for (box, name), tags in blobs.items():
                header = "&".join(f"{key}={value}" for key, value in tags.items())
                await blob.put(f"/{box}/{name}", b"", **({"x-ms-tags": header} if header else {}))
            compare = {
                "=": str.__eq__, "<": str.__lt__, "<=": str.__le__, ">": str.__gt__, ">=": str.__ge__,
            }  # fmt: skip
            wanted = sorted(
                f"{box}/{name}"
                for (box, name), tags in blobs.items()
                if all(key in tags and compare[operator](tags[key], value) for key, operator, value in terms)
            )
            where = " AND ".join(f"{key} {operator} '{value}'" for key, operator, value in terms)
            assert await find(blob, where, size=size) == wanted

    @settings(max_examples=25, deadline=None)
    @given(NAMED, st.lists(TERM, min_size=1, max_size=3), st.integers(1, 4))
    def check(blobs: dict[tuple[str, str], dict[str, str]], terms: list[tuple[str, str, str]], size: int) -> None:
        asyncio.run(run(tmp_path_factory.mktemp("tags"), blobs, terms, size))

    check()


async def test_who_may_do_what_with_tags(blob: BlobClient) -> None:
    await blob.container()
    await blob.put("/box/b", b"text", **{"x-ms-tags": "a=1"})
    blob.access.grant("app", "contributor", str(ACCOUNT))
    tagging = {"x-ms-blob-type": "BlockBlob", "x-ms-tags": "a=2"}
    asked = [
        ("GET", "/box/b", "comp=tags", b"", {}, "blobs/tags/read"),
        ("PUT", "/box/b", "comp=tags", document(), {}, "blobs/tags/write"),
        ("PUT", "/box/b", "", b"x", tagging, "blobs/tags/write"),
        ("PUT", "/box/b", "comp=blocklist", b"<BlockList/>", {"x-ms-tags": "a=2"}, "blobs/tags/write"),
        ("GET", "/box/b", "", b"", {"x-ms-if-tags": "a='1'"}, "blobs/tags/read"),
        ("GET", "/box", "restype=container&comp=list&include=tags", b"", {}, "blobs/tags/read"),
        ("GET", "/box", "restype=container&comp=blobs&where=a%3D%271%27", b"", {}, "blobs/filter/action"),
        ("GET", "/", "comp=blobs&where=a%3D%271%27", b"", {}, "blobs/filter/action"),
    ]
    for method, path, query, body, headers, action in asked:
        answer = await blob.send(method, path, query, body, headers=headers, token="app")
        assert (answer.status, answer.code) == (403, "AuthorizationPermissionMismatch")
        assert blob.audit.events[-1].action.endswith(action)
    assert told(await blob.send("GET", "/box/b", "comp=tags")) == {"a": "1"}
    listed = (await blob.send("GET", "/box", "restype=container&comp=list", token="app")).xml()
    assert (listed.findtext("Blobs/Blob/Properties/TagCount"), listed.find("Blobs/Blob/Tags")) == ("1", None)
    listed = (await blob.send("GET", "/box", "restype=container&comp=list&include=tags")).xml()
    assert listed.findtext("Blobs/Blob/Tags/TagSet/Tag/Value") == "1"

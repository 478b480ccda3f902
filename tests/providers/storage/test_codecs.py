"""Headers, conditions and XML by themselves."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.http.message import Headers
from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage import xml
from keyless.providers.storage.conditions import Conditions, read_conditions
from keyless.providers.storage.headers import ByteRange, http_date, parse_http_date, read_range
from keyless.providers.storage.names import read_block_id
from keyless.providers.storage.tables.records import Block, BlockRef, Container, Source


@given(st.integers(0, 253_402_300_799))
def test_a_date_comes_back_and_its_weekday_is_right(at: int) -> None:
    text = http_date(at)
    assert parse_http_date(text, "date") == at
    assert text[:3] == ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[datetime.fromtimestamp(at, UTC).weekday()]


@given(st.binary(max_size=40), st.none() | st.integers(0, 45), st.none() | st.integers(0, 45))
def test_a_range_is_a_slice(data: bytes, first: int | None, last: int | None) -> None:
    asked = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    sensible = (first, last) != (None, None) and not (first is not None and last is not None and last < first)
    if not sensible:
        with pytest.raises(KeylessError):
            read_range(Headers([("Range", asked)]))
        return
    found = read_range(Headers([("Range", asked)]))
    assert found is not None
    if first is None:
        wanted = data[-last:] if last else b""
    else:
        wanted = data[first:] if last is None else data[first : last + 1]
    if wanted:
        start, length = found.within(len(data))
        assert data[start : start + length] == wanted
        assert length == len(wanted)
    else:
        with pytest.raises(KeylessError) as error:
            found.within(len(data))
        assert error.value.kind is ErrorKind.RANGE


def test_the_largest_range_that_fits_a_header() -> None:
    assert ByteRange(0, 10**19 - 1).within(7) == (0, 7)
    with pytest.raises(KeylessError):
        read_range(Headers([("Range", f"bytes=0-{10**25}")]))


TAGS = st.none() | st.frozensets(st.sampled_from(["*", "a", "b"]), min_size=1)
TIMES = st.none() | st.integers(0, 4)


@given(TAGS, TAGS, TIMES, TIMES, st.sampled_from("abc"), st.integers(0, 4))
def test_conditions_follow_the_specification(
    match: frozenset[str] | None,
    none_match: frozenset[str] | None,
    modified: int | None,
    unmodified: int | None,
    etag: str,
    changed: int,
) -> None:
    # RFC 9110, 13.2.2, steps 1 to 4 in its own order
    conditions, there = Conditions(match, none_match, modified, unmodified), Container(1, "box", etag, changed, {})
    outcome = 200
    if match is not None:
        if not ({"*", etag} & match):
            outcome = 412
    elif unmodified is not None and changed > unmodified:
        outcome = 412
    if outcome == 200:
        if none_match is not None:
            if {"*", etag} & none_match:
                outcome = 304
        elif modified is not None and changed <= modified:
            outcome = 304
    kinds = {412: ErrorKind.PRECONDITION, 304: ErrorKind.NOT_MODIFIED}
    if outcome == 200:
        conditions.check_read(there, 0)
        conditions.check_change(there, 0)
        conditions.check_write(there, 0)
    else:
        with pytest.raises(KeylessError) as read:
            conditions.check_read(there, 0)
        assert read.value.kind is kinds[outcome]
        with pytest.raises(KeylessError) as change:
            conditions.check_change(there, 0)
        assert change.value.kind is ErrorKind.PRECONDITION
        with pytest.raises(KeylessError) as write:
            conditions.check_write(there, 0)
        creating = none_match is not None and "*" in none_match
        assert write.value.kind is (ErrorKind.CONFLICT if creating else ErrorKind.PRECONDITION)


@pytest.mark.parametrize(
    ("text", "tags"),
    [('"a"', {"a"}), ('"a", W/"b"', {"a", "b"}), ("*", {"*"}), ("0x8D", {"0x8D"}), ('W/"c"', {"c"}), ('""', {""})],
)
def test_etags_as_clients_send_them(text: str, tags: set[str]) -> None:
    assert read_conditions(Headers([("If-Match", text)])).match == frozenset(tags)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


REFS = st.lists(st.builds(BlockRef, st.sampled_from(Source), st.binary(min_size=1, max_size=64).map(_b64)), max_size=20)


@given(REFS, st.sampled_from(["", "\n  ", " "]))
def test_a_block_list_is_read_as_it_was_written(refs: list[BlockRef], space: str) -> None:
    root = ElementTree.Element("BlockList")
    for ref in refs:
        ElementTree.SubElement(root, ref.source.value).text = space + ref.block_id + space
    document = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    found = xml.parse_block_list(document)
    assert found == refs
    assert [read_block_id(ref.block_id) for ref in found] == [ref.block_id for ref in refs]


@given(st.binary(max_size=200) | st.text("<>/!&;[]BlockListLatest \"'", max_size=80).map(str.encode))
def test_no_document_breaks_the_reader(document: bytes) -> None:
    refused: tuple[object, str] | None = None
    try:
        found = xml.parse_block_list(document)
    except KeylessError as error:
        refused = error.kind, error.code
    assert refused == (ErrorKind.INVALID, "InvalidXmlDocument") if refused else all(r.source for r in found)


@given(st.text(max_size=30))
def test_any_error_message_makes_a_document(message: str) -> None:
    if message != message.encode(errors="ignore").decode():
        return
    root = ElementTree.fromstring(xml.error_document("Code", message, "r-1"))
    assert (root.findtext("Message") or "").endswith("RequestId:r-1")


def test_the_entries_of_a_block_list() -> None:
    text = f"<X>{xml.block_entries([Block('QUE=', b'', 0, 5), Block('QkI=', b'', 5, 7)])}</X>"
    root = ElementTree.fromstring(text)
    assert [(b.findtext("Name"), b.findtext("Size")) for b in root] == [("QUE=", "5"), ("QkI=", "7")]

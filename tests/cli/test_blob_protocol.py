"""Addresses, lists and block lists of the Blob protocol."""

from __future__ import annotations

from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.cli.blob_protocol import MAX_BLOCKS, Address, block_id, block_list, parse_address, parse_list
from keyless.model.errors import KeylessError
from keyless.providers.storage.xml import parse_block_list

PAGE = b"""<?xml version="1.0"?><EnumerationResults><Blobs>
<Blob><Name>a b</Name><Properties><Content-Length>3</Content-Length><Etag>0x1</Etag></Properties>
<Metadata><K>v</K></Metadata></Blob>
<BlobPrefix><Name>dir/</Name></BlobPrefix>
<Blob><Name Encoded="true">x%01y</Name><Properties/></Blob>
</Blobs><NextMarker>m1</NextMarker></EnumerationResults>"""


def test_reads_an_address() -> None:
    assert parse_address("shopdata") == Address("shopdata")
    assert parse_address("shopdata/in") == Address("shopdata", "in")
    assert parse_address("shopdata/in/a/b.txt") == Address("shopdata", "in", "a/b.txt")
    assert parse_address("shopdata/in//b") == Address("shopdata", "in", "/b")


@pytest.mark.parametrize("text", ["", "ab", "Shop/in", "a.b/in", "evil.example#/in", "a" * 25])
def test_an_account_cannot_be_another_host(text: str) -> None:
    with pytest.raises(KeylessError, match="not a storage account's name"):
        parse_address(text)


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_any_name_arrives_as_it_is(name: str) -> None:
    path = Address("shopdata", "in", name).path
    sent = httpx.Request("GET", f"https://127.0.0.1{path}").url.raw_path.decode()
    assert sent == path
    assert unquote(path, errors="strict") == f"/in/{name}"


def test_reads_a_page_of_a_list() -> None:
    page = parse_list(PAGE, "Blob")
    assert [item["name"] for item in page.items] == ["a b", "x\x01y"]
    assert page.items[0]["properties"] == {"Content-Length": "3", "Etag": "0x1"}
    assert page.items[0]["metadata"] == {"K": "v"}
    assert page.next_marker == "m1"


def test_block_ids_are_of_one_length_and_the_server_reads_the_list_of_them() -> None:
    ids = [block_id("0123456789abcdef", number) for number in (0, 1, MAX_BLOCKS - 1)]
    assert len({len(one) for one in ids}) == 1
    assert [entry.block_id for entry in parse_block_list(block_list(ids))] == ids

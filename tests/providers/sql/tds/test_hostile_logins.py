"""LOGIN7 with every offset and length that it has set to something else; and values of every type cut and repeated."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tds.bulk import BulkReader
from keyless.providers.sql.tds.decoding import read_type
from keyless.providers.sql.tds.login7 import MAX_TOKEN, read_login7
from keyless.providers.sql.tds.login7_request import read_request
from keyless.providers.sql.tds.reader import Malformed, Reader
from tests.providers.sql.wire import login7

LOGIN = login7(token="t" * 40, server="shop.database.windows.net", database="shop", user="sa")
#: Where LOGIN7 has an offset and a length of two bytes each.
PLACES = (36, 40, 44, 48, 52, 56, 60, 64, 68, 78, 82, 86)
NUMBERS = (0, 1, 35, 93, 94, 95, len(LOGIN) - 1, len(LOGIN), len(LOGIN) + 1, 0x7FFF, 0x8000, 0xFFFF)


@pytest.mark.parametrize("at", PLACES)
def test_any_offset_with_any_length(at: int) -> None:
    for offset in NUMBERS:
        for count in NUMBERS:
            body = bytearray(LOGIN)
            body[at : at + 4] = offset.to_bytes(2, "little") + count.to_bytes(2, "little")
            for read in (read_login7, read_request):
                with contextlib.suppress(Malformed):
                    read(bytes(body))


@given(
    st.integers(0, len(LOGIN) - 4), st.sampled_from([0, 1, 94, 0x7FFF_FFFF, 0xFFFF_FFFF]), st.integers(0, len(LOGIN))
)
def test_any_four_bytes_and_any_end(at: int, number: int, end: int) -> None:
    body = bytearray(LOGIN)
    body[at : at + 4] = number.to_bytes(4, "little")
    cut = len(body[:end]).to_bytes(4, "little") + bytes(body[4:end])
    for given_ in (bytes(body), cut):
        with contextlib.suppress(Malformed):
            found = read_login7(given_)
            assert found.token is None or len(found.token.reveal()) <= MAX_TOKEN
            assert "ttt" not in repr(found)


@pytest.mark.parametrize("token", range(256))
def test_any_bytes_after_the_token_of_any_type(token: int) -> None:
    @settings(max_examples=30)
    @given(st.binary(max_size=40))
    def check(data: bytes) -> None:
        reader = Reader(bytes((token,)) + data)
        with contextlib.suppress(Malformed, SqlError):
            read_type(reader).read(reader)

    check()


def test_a_row_that_comes_in_small_pieces_costs_no_more_for_it() -> None:
    """One value of 16 MiB, of which 4 KiB come at a time."""
    columns = b"\x81\x01\x00" + bytes(4) + b"\x09\x00" + b"\xa5\xff\xff" + b"\x01a\0"
    value = b"q" * (16 * 1024 * 1024)
    row = b"\xd1" + len(value).to_bytes(8, "little") + len(value).to_bytes(4, "little") + value + bytes(4)
    data = columns + row + b"\xfd" + bytes(12)
    reading, rows, began = BulkReader(), [], time.process_time()
    for at in range(0, len(data), 4096):
        rows += reading.feed(data[at : at + 4096])
    rows += reading.end()
    assert rows == [(value,)]
    assert time.process_time() - began < 5

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tds import encoding, packets
from keyless.providers.sql.tds.bulk import BulkReader
from keyless.providers.sql.tds.packets import PacketReader
from keyless.providers.sql.tds.reader import Malformed
from keyless.providers.sql.types import Column, Kind, Row, SqlType

COLUMNS = (
    Column("n", SqlType(Kind.INT)),
    Column("text", SqlType(Kind.NVARCHAR, 40)),
    Column("b", SqlType(Kind.VARBINARY)),
)
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**31), 2**31 - 1),
        st.none() | st.text(st.characters(codec="utf-16"), max_size=20),
        st.none() | st.binary(max_size=300),
    ),
    max_size=20,
)
DONE = b"\xfd" + bytes(12)


def body(rows: list[Row]) -> bytes:
    write = [encoding.writer(column.type) for column in COLUMNS]
    written = (b"".join([b"\xd1", *(one(value) for one, value in zip(write, row, strict=True))]) for row in rows)
    return b"".join([encoding.column_metadata(COLUMNS), *written, DONE])


@given(ROWS, st.lists(st.integers(0, 8000), max_size=8))
def test_rows_come_back_however_they_are_cut(rows: list[Row], cuts: list[int]) -> None:
    data, reading, found, at = body(rows), BulkReader(), list[Row](), 0
    for cut in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
        found += reading.feed(data[at:cut])
        at = cut
    found += reading.end()
    assert found == rows
    assert [column.name for column in reading.columns] == ["n", "text", "b"]


def test_a_row_with_a_list_of_its_nulls() -> None:
    reading = BulkReader()
    data = encoding.column_metadata(COLUMNS) + b"\xd2\x06" + encoding.writer(COLUMNS[0].type)(5) + DONE
    assert [*reading.feed(data), *reading.end()] == [(5, None, None)]


@given(st.binary(max_size=200), st.booleans())
def test_whatever_comes_is_rows_or_refused(data: bytes, after_columns: bool) -> None:
    reading = BulkReader()
    with contextlib.suppress(Malformed, SqlError):
        reading.feed((encoding.column_metadata(COLUMNS) if after_columns else b"") + data)
        reading.end()


def test_what_breaks_off_is_refused() -> None:
    reading = BulkReader()
    reading.feed(body([(1, "a", b"b")])[:-20])
    with pytest.raises(Malformed):
        reading.end()


def test_a_type_of_old_is_named() -> None:
    with pytest.raises(SqlError, match="type text cannot be loaded"):
        BulkReader().feed(b"\x81\x01\x00" + bytes(6) + b"\x23")


def test_a_message_that_loads_rows_comes_in_parts_and_has_no_limit() -> None:
    whole = bytes(range(256)) * 2000
    reading = PacketReader(limit=100_000)
    data, parts = packets.message(packets.BULK_LOAD, whole, 4096), []
    for at in range(0, len(data), 10_000):
        reading.feed(data[at : at + 10_000])
        while message := reading.next():
            parts.append(message)
    assert b"".join(part.body for part in parts) == whole
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    assert len(parts) > 3

"""Rows written by column are what the values written one by one are."""

from __future__ import annotations

import struct
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.providers.sql.tds.encoding import writer
from keyless.providers.sql.tds.rows import row_writer
from keyless.providers.sql.types import Column, Kind, SqlType, Value
from tests.providers.sql.tds.test_values import EXACT

COLUMNS = tuple(Column(f"c{number}", declared) for number, declared in enumerate(EXACT))


def by_value(types: list[SqlType], rows: list[tuple[Value, ...]]) -> bytes:
    return b"".join(
        b"\xd1" + b"".join(writer(declared)(value) for declared, value in zip(types, row, strict=True)) for row in rows
    )


@given(st.lists(st.tuples(*(st.none() | values for values in EXACT.values())), max_size=5))
def test_every_type_and_null(rows: list[tuple[Value, ...]]) -> None:
    assert row_writer(COLUMNS).rows(rows) == by_value(list(EXACT), rows)


@pytest.mark.parametrize("scale", range(8))
@given(moment=st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)))
def test_every_scale_of_a_moment(scale: int, moment: datetime) -> None:
    declared = SqlType(Kind.DATETIME2, scale=scale)
    assert row_writer((Column("a", declared),)).rows([(moment,)]) == by_value([declared], [(moment,)])


@given(st.decimals(-1000, 1000, places=4), st.integers(0, 6))
def test_a_number_of_another_scale_is_rounded_alike(number: Decimal, scale: int) -> None:
    declared = SqlType(Kind.DECIMAL, precision=10, scale=scale)
    assert row_writer((Column("a", declared),)).rows([(number,)]) == by_value([declared], [(number,)])


@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    declared = SqlType(Kind.NVARCHAR, 200)
    assert row_writer((Column("a", declared),)).rows([(text,)]) == by_value([declared], [(text,)])


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (SqlType(Kind.TINYINT), 256),
        (SqlType(Kind.INT), 2**31),
        (SqlType(Kind.DECIMAL, precision=5, scale=2), Decimal(1000)),
        (SqlType(Kind.NVARCHAR, 3), "four"),
    ],
    ids=str,
)
def test_a_value_outside_of_its_type_is_never_cut(declared: SqlType, value: Value) -> None:
    with pytest.raises((OverflowError, ValueError, struct.error)):
        row_writer((Column("a", declared),)).rows([(value,)])


def test_no_rows_are_nothing() -> None:
    assert row_writer(COLUMNS).rows([]) == b""

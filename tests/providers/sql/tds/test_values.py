from __future__ import annotations

import contextlib
import struct
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tds import collations, encoding, plp
from keyless.providers.sql.tds.decoding import read_type
from keyless.providers.sql.tds.reader import Malformed, Reader
from keyless.providers.sql.types import Kind, SqlType, Value


def there_and_back(declared: SqlType, value: Value) -> Value:
    reader = Reader(encoding.type_info(declared) + encoding.writer(declared)(value))
    read = read_type(reader)
    found = read.read(reader)
    assert reader.left == 0
    return found


TEXTS = st.text(st.characters(codec="utf-8"), max_size=200)
MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999))
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
EXACT = {
    SqlType(Kind.BIT): st.booleans(),
    SqlType(Kind.TINYINT): st.integers(0, 255),
    SqlType(Kind.SMALLINT): st.integers(-(2**15), 2**15 - 1),
    SqlType(Kind.INT): st.integers(-(2**31), 2**31 - 1),
    SqlType(Kind.BIGINT): st.integers(-(2**63), 2**63 - 1),
    SqlType(Kind.DECIMAL, precision=38, scale=10): st.decimals(-(10**27), 10**27, places=10),
    SqlType(Kind.NUMERIC, precision=9, scale=2): st.decimals(-9_999_999, 9_999_999, places=2),
    SqlType(Kind.MONEY): st.decimals(-922_337_203_685_477, 922_337_203_685_477, places=4),
    SqlType(Kind.SMALLMONEY): st.decimals(-214_748, 214_748, places=4),
    SqlType(Kind.REAL): st.floats(width=32, allow_nan=False, allow_infinity=False),
    SqlType(Kind.FLOAT): st.floats(allow_nan=False, allow_infinity=False),
    SqlType(Kind.NVARCHAR, 400): TEXTS,
    SqlType(Kind.NVARCHAR): TEXTS,
    SqlType(Kind.VARCHAR, 400): TEXTS,
    SqlType(Kind.XML): TEXTS,
    SqlType(Kind.VARBINARY, 100): st.binary(max_size=100),
    SqlType(Kind.VARBINARY): st.binary(max_size=300),
    SqlType(Kind.DATE): st.dates(),
    SqlType(Kind.TIME, scale=7): st.times(),
    SqlType(Kind.TIME, scale=6): st.times(),
    SqlType(Kind.DATETIME2, scale=7): MOMENTS,
    SqlType(Kind.DATETIME2, scale=0): MOMENTS.map(lambda moment: moment.replace(microsecond=0)),
    SqlType(Kind.SMALLDATETIME): st.datetimes(datetime(1900, 1, 1), datetime(2079, 6, 6)).map(
        lambda moment: moment.replace(second=0, microsecond=0)
    ),
    SqlType(Kind.DATETIMEOFFSET, scale=7): st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=OFFSETS),
    SqlType(Kind.UNIQUEIDENTIFIER): st.uuids(),
}


@pytest.mark.parametrize("declared", list(EXACT), ids=lambda declared: f"{declared.kind.value}-{declared.scale}")
def test_a_value_comes_back_as_it_was(declared: SqlType) -> None:
    @given(EXACT[declared])
    def check(value: Value) -> None:
        assert there_and_back(declared, value) == value

    check()
    assert there_and_back(declared, None) is None


@given(st.datetimes(datetime(1753, 1, 1), datetime(9999, 12, 31)))
def test_datetime_is_good_to_three_hundredths_of_a_second(value: datetime) -> None:
    found = there_and_back(SqlType(Kind.DATETIME), value)
    assert isinstance(found, datetime)
    assert abs(found - value) <= timedelta(milliseconds=4)


def test_datetime_as_the_documentation_has_it() -> None:
    for given_, shown in ((0, 0), (1000, 0), (2000, 3000), (5000, 7000), (999_000, 1_000_000), (998_000, 997_000)):
        found = there_and_back(SqlType(Kind.DATETIME), datetime(1998, 1, 1, 23, 59, 58, given_ % 1_000_000))
        assert found == datetime(1998, 1, 1, 23, 59, 58) + timedelta(microseconds=shown)


def test_datetimeoffset_keeps_its_offset() -> None:
    moment = datetime(2026, 11, 23, 1, 2, 3, 4, timezone(timedelta(hours=-3, minutes=-30)))
    found = there_and_back(SqlType(Kind.DATETIMEOFFSET, scale=7), moment)
    assert isinstance(found, datetime)
    assert found.utcoffset() == moment.utcoffset()


VARIANTS = (
    *(True, 1, 2**40, 1.5, Decimal("-12.345"), "Käse 茶", b"\x00\xff", date(2026, 1, 2), time(1, 2, 3, 4)),
    *(datetime(2026, 1, 2, 3, 4, 5), datetime(2026, 1, 2, tzinfo=UTC), UUID(int=7), None),
)


@pytest.mark.parametrize("value", VARIANTS, ids=lambda value: type(value).__name__)
def test_a_variant_has_the_type_of_its_value(value: Value) -> None:
    assert there_and_back(SqlType(Kind.SQL_VARIANT), value) == value


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (SqlType(Kind.TINYINT), 256),
        (SqlType(Kind.INT), 2**31),
        (SqlType(Kind.DECIMAL, precision=5, scale=2), Decimal(1000)),
        (SqlType(Kind.SMALLMONEY), Decimal(300_000)),
        (SqlType(Kind.NVARCHAR, 3), "four"),
        (SqlType(Kind.VARBINARY, 3), b"four"),
        (SqlType(Kind.SMALLDATETIME), datetime(1899, 1, 1)),
    ],
    ids=lambda case: str(case)[:30],
)
def test_a_value_outside_of_its_type_is_never_cut(declared: SqlType, value: Value) -> None:
    with pytest.raises((OverflowError, ValueError, struct.error)):
        encoding.writer(declared)(value)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_refused(data: bytes) -> None:
    reader = Reader(data)
    with contextlib.suppress(Malformed, SqlError):
        read_type(reader).read(reader)


def test_a_table_and_its_kin_are_refused_by_name() -> None:
    for token in (0xF0, 0xF3, 0xF4, 0xF5):
        with pytest.raises(SqlError, match="cannot be sent here"):
            read_type(Reader(bytes((token, 0, 0))))


def test_long_values_in_chunks() -> None:
    chunks = (0xFFFF_FFFF_FFFF_FFFE).to_bytes(8, "little") + b"\x02\0\0\0ab" + b"\x01\0\0\0c" + bytes(4)
    assert plp.read(Reader(chunks)) == b"abc"
    with pytest.raises(Malformed):
        plp.read(Reader((4).to_bytes(8, "little") + b"\x02\0\0\0ab" + bytes(4)))
    with pytest.raises(Malformed):
        plp.read(Reader((2).to_bytes(8, "little") + b"\x02\0\0\0ab"))


def test_text_of_code_pages() -> None:
    assert collations.decode("é€".encode("cp1252") + b"\x81", collations.LATIN1) == "é€\x81"
    assert collations.decode("茶".encode(), collations.UTF8) == "茶"
    greek = bytes((0x08, 0x04, 0xD0, 0x00, 0x00))
    assert collations.decode(b"plain", greek) == "plain"
    for data, collation in ((b"\xff", collations.UTF8), (b"\xe1", greek)):
        with pytest.raises(Malformed):
            collations.decode(data, collation)

"""`sp_datatype_info` and its later versions: the types that there are, as ODBC asks for them at every connect.

Owns the table. Pure. Source: Transact-SQL reference, "sp_datatype_info"; ODBC Programmer's Reference, "SQLGetTypeInfo".
"""

from __future__ import annotations

from typing import NamedTuple

from keyless.providers.sql.types import Column, Kind, Row, SqlType

_SMALLINT, _INT = SqlType(Kind.SMALLINT), SqlType(Kind.INT)
_NAME, _AFFIX = SqlType(Kind.NVARCHAR, 128), SqlType(Kind.VARCHAR, 32)

NAMES = frozenset({"sp_datatype_info", "sp_datatype_info_90", "sp_datatype_info_100"})
COLUMNS = (
    Column("TYPE_NAME", _NAME, nullable=False),
    Column("DATA_TYPE", _SMALLINT, nullable=False),
    Column("PRECISION", _INT),
    Column("LITERAL_PREFIX", _AFFIX),
    Column("LITERAL_SUFFIX", _AFFIX),
    Column("CREATE_PARAMS", _AFFIX),
    Column("NULLABLE", _SMALLINT, nullable=False),
    Column("CASE_SENSITIVE", _SMALLINT, nullable=False),
    Column("SEARCHABLE", _SMALLINT, nullable=False),
    Column("UNSIGNED_ATTRIBUTE", _SMALLINT),
    Column("MONEY", _SMALLINT, nullable=False),
    Column("AUTO_INCREMENT", _SMALLINT),
    Column("LOCAL_TYPE_NAME", _NAME),
    Column("MINIMUM_SCALE", _SMALLINT),
    Column("MAXIMUM_SCALE", _SMALLINT),
    Column("SQL_DATA_TYPE", _SMALLINT, nullable=False),
    Column("SQL_DATETIME_SUB", _SMALLINT),
    Column("NUM_PREC_RADIX", _INT),
    Column("INTERVAL_PRECISION", _SMALLINT),
    Column("USERTYPE", _SMALLINT),
)
_LIKE_ONLY, _ALL_BUT_LIKE, _ANYWHERE = 1, 2, 3


class _Type(NamedTuple):
    """`affixes` of literals, `created` by which measures; `scales` least and most; `sub` of dates and times."""

    kind: Kind
    odbc: int
    precision: int
    affixes: tuple[str, str] | None = None
    created: str | None = None
    searchable: int = _ALL_BUT_LIKE
    unsigned: int | None = None
    money: int = 0
    scales: tuple[int, int] | None = None
    sub: int | None = None
    radix: int | None = None
    user_type: int = 0


_QUOTES, _NATIONAL, _HEX = ("'", "'"), ("N'", "'"), ("0x", "")
_LONG = 2_147_483_647
_TYPES = (
    _Type(Kind.DATETIMEOFFSET, -155, 34, _QUOTES, "scale", _ANYWHERE, scales=(0, 7)),
    _Type(Kind.TIME, -154, 16, _QUOTES, "scale", _ANYWHERE, scales=(0, 7)),
    _Type(Kind.XML, -152, 0, _NATIONAL, searchable=0),
    _Type(Kind.SQL_VARIANT, -150, 8000, scales=(0, 0), radix=10),
    _Type(Kind.UNIQUEIDENTIFIER, -11, 36, _QUOTES),
    _Type(Kind.NTEXT, -10, _LONG // 2, _NATIONAL, searchable=_LIKE_ONLY),
    _Type(Kind.NVARCHAR, -9, 4000, _NATIONAL, "max length", _ANYWHERE),
    _Type(Kind.NCHAR, -8, 4000, _NATIONAL, "length", _ANYWHERE),
    _Type(Kind.BIT, -7, 1, scales=(0, 0), user_type=16),
    _Type(Kind.TINYINT, -6, 3, unsigned=1, scales=(0, 0), radix=10, user_type=5),
    _Type(Kind.BIGINT, -5, 19, unsigned=0, scales=(0, 0), radix=10),
    _Type(Kind.IMAGE, -4, _LONG, _HEX, searchable=0, user_type=20),
    _Type(Kind.VARBINARY, -3, 8000, _HEX, "max length", user_type=4),
    _Type(Kind.BINARY, -2, 8000, _HEX, "length", user_type=3),
    _Type(Kind.TEXT, -1, _LONG, _QUOTES, searchable=_LIKE_ONLY, user_type=19),
    _Type(Kind.CHAR, 1, 8000, _QUOTES, "length", _ANYWHERE, user_type=1),
    _Type(Kind.NUMERIC, 2, 38, None, "precision,scale", unsigned=0, scales=(0, 38), radix=10, user_type=10),
    _Type(Kind.DECIMAL, 3, 38, None, "precision,scale", unsigned=0, scales=(0, 38), radix=10, user_type=24),
    _Type(Kind.MONEY, 3, 19, ("$", ""), unsigned=0, money=1, scales=(4, 4), radix=10, user_type=11),
    _Type(Kind.SMALLMONEY, 3, 10, ("$", ""), unsigned=0, money=1, scales=(4, 4), radix=10, user_type=21),
    _Type(Kind.INT, 4, 10, unsigned=0, scales=(0, 0), radix=10, user_type=7),
    _Type(Kind.SMALLINT, 5, 5, unsigned=0, scales=(0, 0), radix=10, user_type=6),
    _Type(Kind.FLOAT, 6, 53, unsigned=0, radix=2, user_type=8),
    _Type(Kind.REAL, 7, 24, unsigned=0, radix=2, user_type=23),
    _Type(Kind.VARCHAR, 12, 8000, _QUOTES, "max length", _ANYWHERE, user_type=2),
    _Type(Kind.DATE, 91, 10, _QUOTES, searchable=_ANYWHERE, sub=1),
    _Type(Kind.DATETIME2, 93, 27, _QUOTES, "scale", _ANYWHERE, scales=(0, 7), sub=3),
    _Type(Kind.DATETIME, 93, 23, _QUOTES, searchable=_ANYWHERE, scales=(3, 3), sub=3, user_type=12),
    _Type(Kind.SMALLDATETIME, 93, 16, _QUOTES, searchable=_ANYWHERE, scales=(0, 0), sub=3, user_type=22),
)
#: What ODBC 2 calls a moment.
_TIMESTAMP_2, _TIMESTAMP_3, _DATETIME = 11, 93, 9


def rows(wanted: int, odbc_version: int) -> list[Row]:
    """The types of one number of ODBC, or all for 0."""
    old = odbc_version < 3
    if wanted == _TIMESTAMP_2:
        wanted = _TIMESTAMP_3
    return [_row(one, old) for one in _TYPES if wanted in (0, one.odbc)]


def _row(one: _Type, old: bool) -> Row:
    prefix, suffix = one.affixes or (None, None)
    least, most = one.scales or (None, None)
    return (
        one.kind.value,
        _TIMESTAMP_2 if old and one.odbc == _TIMESTAMP_3 else one.odbc,
        one.precision,
        prefix,
        suffix or None,
        one.created,
        1,
        0,
        one.searchable,
        one.unsigned,
        one.money,
        None if one.unsigned is None else 0,
        one.kind.value,
        least,
        most,
        _DATETIME if one.sub else one.odbc,
        one.sub,
        one.radix,
        None,
        one.user_type,
    )

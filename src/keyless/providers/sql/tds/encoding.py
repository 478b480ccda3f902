"""Columns and values of an answer: how each type is described, and how its values are written.

Owns the choice of the wire's type. CHAR and VARCHAR go out as NCHAR and NVARCHAR, so that no client's code page can
lose a character. Source: [MS-TDS] 2.2.5.4, 2.2.5.5 (types and values), 2.2.7.4 (COLMETADATA).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from keyless.providers.sql.tds import plp, reader
from keyless.providers.sql.tds.collations import LATIN1
from keyless.providers.sql.tds.numbers import decimal_size, decimal_writer, write_money, write_smallmoney
from keyless.providers.sql.tds.times import (
    datetimeoffset_writer,
    time_size,
    time_writer,
    write_date,
    write_datetime,
    write_smalldatetime,
)
from keyless.providers.sql.types import Column, Kind, Parameter, SqlType, Value

#: Writes one value with its length; raises OverflowError, ValueError or struct.error for one outside of its type.
Writer = Callable[[Any], bytes]
_INTEGERS = {Kind.TINYINT: 1, Kind.SMALLINT: 2, Kind.INT: 4, Kind.BIGINT: 8}
_FIXED_TEXT = {Kind.CHAR, Kind.NCHAR}
_TEXT = {*_FIXED_TEXT, Kind.VARCHAR, Kind.NVARCHAR, Kind.TEXT, Kind.NTEXT}
_BINARY = {Kind.BINARY, Kind.VARBINARY, Kind.IMAGE}
#: Sent as the type that has room for NULL, which a column of an outer join may need. SqlClient for .NET ends the
#: connection where such a column is said to be NOT NULL: SQL Server sends another type then.
_WITH_ROOM_FOR_NULL = {
    Kind.BIT, Kind.TINYINT, Kind.SMALLINT, Kind.INT, Kind.BIGINT, Kind.REAL, Kind.FLOAT, Kind.MONEY, Kind.SMALLMONEY,
    Kind.DATETIME, Kind.SMALLDATETIME,
}  # fmt: skip
#: The longest text that is no long one.
MAX_CHARACTERS = 4000
_MAX_BYTES = 8000
_VARIANT_BYTES = 8009
_NULLABLE, _UNKNOWN_UPDATE, _IDENTITY = 0x01, 0x08, 0x10


def type_info(declared: SqlType) -> bytes:
    """TYPE_INFO."""
    return _encoding(declared)[0]


def writer(declared: SqlType) -> Writer:
    """What writes the values of a type, NULL too."""
    return _encoding(declared)[1]


@lru_cache(512)
def column_metadata(columns: tuple[Column, ...]) -> bytes:
    """COLMETADATA."""
    parts = [b"\x81", len(columns).to_bytes(2, "little")]
    for column in columns:
        nullable = column.nullable or column.type.kind in _WITH_ROOM_FOR_NULL
        flags = (_NULLABLE if nullable else 0) | (_IDENTITY if column.identity else _UNKNOWN_UPDATE)
        parts += (bytes(4), flags.to_bytes(2, "little"), type_info(column.type), reader.short_text(column.name))
    return b"".join(parts)


def return_value(parameter: Parameter, ordinal: int) -> bytes:
    """RETURNVALUE: what an output parameter holds in the end."""
    head = b"\xac" + ordinal.to_bytes(2, "little") + reader.short_text(parameter.name) + b"\x01" + bytes(6)
    information, write = _encoding(parameter.type)
    return head + information + write(parameter.value)


def _encoding(declared: SqlType) -> tuple[bytes, Writer]:
    kind = declared.kind
    if kind in _TEXT:
        return _text(declared)
    if kind in _BINARY:
        return _binary(declared)
    if kind in _INTEGERS:
        size = _INTEGERS[kind]
        return bytes((0x26, size)), _short(size, lambda v: int(v).to_bytes(size, "little", signed=size > 1))
    if kind in (Kind.DECIMAL, Kind.NUMERIC):
        size, token = decimal_size(declared.precision), 0x6A if kind is Kind.DECIMAL else 0x6C
        information = bytes((token, size, declared.precision, declared.scale))
        return information, _short(size, decimal_writer(declared.precision, declared.scale))
    if kind in (Kind.TIME, Kind.DATETIME2, Kind.DATETIMEOFFSET):
        return _scaled(kind, declared.scale)
    return _SIMPLE[kind]


def _short(size: int, write: Writer) -> Writer:
    """With a length of one byte, where all values have the same."""
    prefix = bytes((size,))
    return lambda value: b"\x00" if value is None else prefix + write(value)


def _text(declared: SqlType) -> tuple[bytes, Writer]:
    length = declared.length
    if length is None or not 0 < length <= MAX_CHARACTERS or declared.kind in (Kind.TEXT, Kind.NTEXT):
        return b"\xe7\xff\xff" + LATIN1, _long_text
    fixed = declared.kind in _FIXED_TEXT
    room = 2 * length

    def write(value: str | None) -> bytes:
        if value is None:
            return b"\xff\xff"
        data = value.encode("utf-16-le", "surrogatepass")
        if len(data) > room:
            raise OverflowError("a text is longer than its type")
        return len(data).to_bytes(2, "little") + data

    return bytes((0xEF if fixed else 0xE7,)) + room.to_bytes(2, "little") + LATIN1, write


def _long_text(value: str | None) -> bytes:
    return plp.NULL if value is None else plp.write(value.encode("utf-16-le", "surrogatepass"))


def _binary(declared: SqlType) -> tuple[bytes, Writer]:
    length = declared.length
    if length is None or not 0 < length <= _MAX_BYTES or declared.kind is Kind.IMAGE:
        return b"\xa5\xff\xff", lambda value: plp.NULL if value is None else plp.write(bytes(value))

    def write(value: bytes | None) -> bytes:
        if value is None:
            return b"\xff\xff"
        if len(value) > length:
            raise OverflowError("a binary value is longer than its type")
        return len(value).to_bytes(2, "little") + value

    return bytes((0xAD if declared.kind is Kind.BINARY else 0xA5,)) + length.to_bytes(2, "little"), write


def _scaled(kind: Kind, scale: int) -> tuple[bytes, Writer]:
    size, write_time = time_size(scale), time_writer(scale)
    if kind is Kind.TIME:
        return bytes((0x29, scale)), _short(size, write_time)
    if kind is Kind.DATETIME2:
        return bytes((0x2A, scale)), _short(size + 3, lambda value: write_time(value) + write_date(value))
    return bytes((0x2B, scale)), _short(size + 5, datetimeoffset_writer(scale))


def _variant(value: Value) -> bytes:
    """SQL_VARIANT ([MS-TDS] 2.2.5.5.4): the type is the value's own."""
    if value is None:
        return bytes(4)
    kind, properties, data = _VARIANTS[type(value)](value)
    body = bytes((kind, len(properties))) + properties + data
    if len(body) > _VARIANT_BYTES:
        raise OverflowError("a value is too long for SQL_VARIANT")
    return len(body).to_bytes(4, "little") + body


def _number(value: int) -> tuple[int, bytes, bytes]:
    small = -(2**31) <= value < 2**31
    return 0x38 if small else 0x7F, b"", value.to_bytes(4 if small else 8, "little", signed=True)


def _decimal(value: Decimal) -> tuple[int, bytes, bytes]:
    scale = max(0, -int(value.as_tuple().exponent))
    return 0x6A, bytes((38, scale)), decimal_writer(38, scale)(value)


def _characters(value: str) -> tuple[int, bytes, bytes]:
    data = value.encode("utf-16-le", "surrogatepass")
    return 0xE7, LATIN1 + len(data).to_bytes(2, "little"), data


def _moment(value: datetime) -> tuple[int, bytes, bytes]:
    if value.tzinfo is not None:
        return 0x2B, b"\x07", datetimeoffset_writer(7)(value)
    return 0x2A, b"\x07", time_writer(7)(value) + write_date(value)


#: Of a value in SQL_VARIANT: the token of its type, the type's measures, and the value.
_VARIANTS: dict[type, Callable[[Any], tuple[int, bytes, bytes]]] = {
    bool: lambda value: (0x32, b"", bytes((value,))),
    int: _number,
    float: lambda value: (0x3E, b"", struct.pack("<d", value)),
    Decimal: _decimal,
    str: _characters,
    bytes: lambda value: (0xA5, len(value).to_bytes(2, "little"), value),
    UUID: lambda value: (0x24, b"", value.bytes_le),
    datetime: _moment,
    date: lambda value: (0x28, b"", write_date(value)),
    time: lambda value: (0x29, b"\x07", time_writer(7)(value)),
}

_SIMPLE: dict[Kind, tuple[bytes, Writer]] = {
    Kind.BIT: (b"\x68\x01", lambda value: b"\x00" if value is None else b"\x01\x01" if value else b"\x01\x00"),
    Kind.SMALLMONEY: (b"\x6e\x04", _short(4, write_smallmoney)),
    Kind.MONEY: (b"\x6e\x08", _short(8, write_money)),
    Kind.REAL: (b"\x6d\x04", _short(4, struct.Struct("<f").pack)),
    Kind.FLOAT: (b"\x6d\x08", _short(8, struct.Struct("<d").pack)),
    Kind.DATE: (b"\x28", _short(3, write_date)),
    Kind.SMALLDATETIME: (b"\x6f\x04", _short(4, write_smalldatetime)),
    Kind.DATETIME: (b"\x6f\x08", _short(8, write_datetime)),
    Kind.UNIQUEIDENTIFIER: (b"\x24\x10", _short(16, lambda value: value.bytes_le)),
    Kind.XML: (b"\xf1\x00", _long_text),
    Kind.SQL_VARIANT: (b"\x62" + _VARIANT_BYTES.to_bytes(4, "little"), _variant),
}

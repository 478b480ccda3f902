"""Parameters of a request: reading a type, and then values of it.

Owns every type that a client may send. Source: [MS-TDS] 2.2.5.4, 2.2.5.5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from dataclasses import dataclass
from uuid import UUID

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tds import plp
from keyless.providers.sql.tds.collations import LATIN1, decode
from keyless.providers.sql.tds.numbers import MAX_PRECISION, read_decimal, read_money
from keyless.providers.sql.tds.reader import Malformed, Reader, utf16
from keyless.providers.sql.tds.times import (
    read_date,
    read_datetime,
    read_datetime2,
    read_datetimeoffset,
    read_smalldatetime,
    read_time,
    time_size,
)
from keyless.providers.sql.types import Kind, SqlType, Value

_FromBytes = Callable[[bytes], Value]
_MAX = 0xFFFF
_INVALID_TYPE = 2724
_REFUSED = {
    0xF0: "a CLR type",
    0xF3: "a table-valued parameter",
    0xF4: "JSON as a type of its own",
    0xF5: "a vector",
}


@dataclass(frozen=True)
class Declared:
    """A type as a client declared it, and what reads a value of it."""

    type: SqlType
    read: Callable[[Reader], Value]


def read_type(reader: Reader) -> Declared:
    """TYPE_INFO; raises Malformed, or SqlError for a type that is known and not to be had."""
    token = reader.u8()
    if token in _REFUSED:
        raise SqlError(_INVALID_TYPE, f"{_REFUSED[token].capitalize()} cannot be sent here: send rows or text instead.")
    if token in _FIXED:
        kind, size, from_bytes = _FIXED[token]
        return Declared(SqlType(kind), lambda r: from_bytes(r.take(size)))
    make = _MAKERS.get(token)
    if make is None:
        raise Malformed("a parameter has a type that is not known")
    return make(reader)


# types whose values have a length of one byte


def _short(declared: SqlType, sizes: Container[int], from_bytes: _FromBytes) -> Declared:
    def read(reader: Reader) -> Value:
        size = reader.u8()
        if size == 0:
            return None
        if size not in sizes:
            raise Malformed("a value has a length that its type does not have")
        return from_bytes(reader.take(size))

    return Declared(declared, read)


def _sized(kinds: dict[int, Kind], from_bytes: _FromBytes) -> Callable[[Reader], Declared]:
    """A type whose measure, which TYPE_INFO holds, says which one of its family it is."""

    def make(reader: Reader) -> Declared:
        kind = kinds.get(reader.u8())
        if kind is None:
            raise Malformed("a type has a size that there is not")
        return _short(SqlType(kind), tuple(kinds), from_bytes)

    return make


def _integer(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=len(data) > 1)


def _real(data: bytes) -> float:
    value = Reader(data).real(len(data))
    if not math.isfinite(value):
        raise SqlError(8023, "A parameter is no valid instance of data type float: it has to be a finite number.")
    return value


def _bit(data: bytes) -> bool:
    return data != b"\x00"


def _guid(data: bytes) -> UUID:
    return UUID(bytes_le=data)


def _moment(data: bytes) -> Value:
    return read_smalldatetime(data) if len(data) == 4 else read_datetime(data)


def _null_type(_reader: Reader) -> Declared:
    return Declared(SqlType(Kind.NVARCHAR, 1), lambda _r: None)


def _date(_reader: Reader) -> Declared:
    return _short(SqlType(Kind.DATE), (3,), read_date)


def _decimal(kind: Kind) -> Callable[[Reader], Declared]:
    def make(reader: Reader) -> Declared:
        reader.u8()
        precision, scale = reader.u8(), reader.u8()
        if not 1 <= precision <= MAX_PRECISION or scale > precision:
            raise Malformed("a DECIMAL has a precision that there is not")
        declared = SqlType(kind, precision=precision, scale=scale)
        # one driver leaves out the leading zeros that the specification wants
        return _short(declared, range(2, 18), lambda data: read_decimal(data, scale))

    return make


def _scaled(kind: Kind, more: int, from_bytes: Callable[[bytes, int], Value]) -> Callable[[Reader], Declared]:
    def make(reader: Reader) -> Declared:
        scale = reader.u8()
        if scale > 7:
            raise Malformed("a time has a scale that there is not")
        size = time_size(scale) + more
        return _short(SqlType(kind, scale=scale), (size,), lambda data: from_bytes(data, scale))

    return make


# text and binary


def _characters(kind: Kind, *, wide: bool) -> Callable[[Reader], Declared]:
    def make(reader: Reader) -> Declared:
        size = reader.u16()
        collation = reader.take(5)
        return _long(kind, size, wide, collation)

    return make


def _bytes(kind: Kind) -> Callable[[Reader], Declared]:
    return lambda reader: _long(kind, reader.u16(), False, None)


def _long(kind: Kind, size: int, wide: bool, collation: bytes | None) -> Declared:
    from_bytes = _from(wide, collation)
    if size == _MAX:
        return Declared(SqlType(kind), lambda reader: _null_or(plp.read(reader), from_bytes))
    length = max(1, size // 2 if wide else size)

    def read(reader: Reader) -> Value:
        count = reader.u16()
        return None if count == _MAX else from_bytes(reader.take(count))

    return Declared(SqlType(kind, length), read)


def _old_short(kind: Kind, *, text: bool) -> Callable[[Reader], Declared]:
    """The types of before TDS 7.0, whose lengths are of one byte; they have no collation and no empty value."""

    def make(reader: Reader) -> Declared:
        length = reader.u8()
        from_bytes = _from(False, LATIN1 if text else None)

        def read(values: Reader) -> Value:
            count = values.u8()
            return from_bytes(values.take(count)) if count else None

        return Declared(SqlType(kind, max(1, length)), read)

    return make


def _old_long(kind: Kind, *, wide: bool = False, text: bool = True) -> Callable[[Reader], Declared]:
    """TEXT, NTEXT and IMAGE."""

    def make(reader: Reader) -> Declared:
        reader.u32()
        from_bytes = _from(wide, reader.take(5) if text else None)

        def read(values: Reader) -> Value:
            count = values.u32()
            return None if count == 0xFFFF_FFFF else from_bytes(values.take(count))

        return Declared(SqlType(kind), read)

    return make


def _from(wide: bool, collation: bytes | None) -> _FromBytes:
    if wide:
        return utf16
    return bytes if collation is None else lambda data: decode(data, collation)


def _null_or(data: bytes | None, from_bytes: _FromBytes) -> Value:
    return None if data is None else from_bytes(data)


def _xml(reader: Reader) -> Declared:
    if reader.u8():
        for read in (reader.short_text, reader.short_text, reader.text):
            read()
    return Declared(SqlType(Kind.XML), lambda values: _null_or(plp.read(values), utf16))


def _variant(reader: Reader) -> Declared:
    reader.u32()
    return Declared(SqlType(Kind.SQL_VARIANT), _variant_value)


def _variant_value(reader: Reader) -> Value:
    total = reader.u32()
    if total == 0:
        return None
    inner = Reader(reader.take(total))
    token, properties = inner.u8(), Reader(inner.take(inner.u8()))
    if token in _FIXED:
        _, size, from_bytes = _FIXED[token]
        return from_bytes(inner.take(size))
    read = _VARIANTS.get(token)
    if read is None:
        raise Malformed("a SQL_VARIANT has a type that is not known")
    return read(properties, inner.rest())


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise Malformed("a value has a length that its type does not have")
    return data


def _variant_scaled(more: int, from_bytes: Callable[[bytes, int], Value]) -> Callable[[Reader, bytes], Value]:
    def read(properties: Reader, data: bytes) -> Value:
        scale = properties.u8()
        if scale > 7:
            raise Malformed("a time has a scale that there is not")
        return from_bytes(_exactly(data, time_size(scale) + more), scale)

    return read


def _variant_decimal(properties: Reader, data: bytes) -> Value:
    properties.u8()
    return read_decimal(data, min(properties.u8(), MAX_PRECISION))


_VARIANTS: dict[int, Callable[[Reader, bytes], Value]] = {
    0x24: lambda _p, data: _guid(_exactly(data, 16)),
    0x28: lambda _p, data: read_date(_exactly(data, 3)),
    0x29: _variant_scaled(0, read_time),
    0x2A: _variant_scaled(3, read_datetime2),
    0x2B: _variant_scaled(5, read_datetimeoffset),
    0x6A: _variant_decimal,
    0x6C: _variant_decimal,
    0xA5: lambda _p, data: data,
    0xAD: lambda _p, data: data,
    0xA7: lambda p, data: decode(data, p.take(5)),
    0xAF: lambda p, data: decode(data, p.take(5)),
    0xE7: lambda _p, data: utf16(data),
    0xEF: lambda _p, data: utf16(data),
}

#: Types that are never NULL and have one size.
_FIXED: dict[int, tuple[Kind, int, _FromBytes]] = {
    0x30: (Kind.TINYINT, 1, _integer),
    0x32: (Kind.BIT, 1, _bit),
    0x34: (Kind.SMALLINT, 2, _integer),
    0x38: (Kind.INT, 4, _integer),
    0x3A: (Kind.SMALLDATETIME, 4, _moment),
    0x3B: (Kind.REAL, 4, _real),
    0x3C: (Kind.MONEY, 8, read_money),
    0x3D: (Kind.DATETIME, 8, _moment),
    0x3E: (Kind.FLOAT, 8, _real),
    0x7A: (Kind.SMALLMONEY, 4, read_money),
    0x7F: (Kind.BIGINT, 8, _integer),
}

_MAKERS: dict[int, Callable[[Reader], Declared]] = {
    0x1F: _null_type,
    0x22: _old_long(Kind.IMAGE, text=False),
    0x23: _old_long(Kind.TEXT),
    0x24: _sized({16: Kind.UNIQUEIDENTIFIER}, _guid),
    0x25: _old_short(Kind.VARBINARY, text=False),
    0x26: _sized({1: Kind.TINYINT, 2: Kind.SMALLINT, 4: Kind.INT, 8: Kind.BIGINT}, _integer),
    0x27: _old_short(Kind.VARCHAR, text=True),
    0x28: _date,
    0x29: _scaled(Kind.TIME, 0, read_time),
    0x2A: _scaled(Kind.DATETIME2, 3, read_datetime2),
    0x2B: _scaled(Kind.DATETIMEOFFSET, 5, read_datetimeoffset),
    0x2D: _old_short(Kind.BINARY, text=False),
    0x2F: _old_short(Kind.CHAR, text=True),
    0x37: _decimal(Kind.DECIMAL),
    0x3F: _decimal(Kind.NUMERIC),
    0x62: _variant,
    0x63: _old_long(Kind.NTEXT, wide=True),
    0x68: _sized({1: Kind.BIT}, _bit),
    0x6A: _decimal(Kind.DECIMAL),
    0x6C: _decimal(Kind.NUMERIC),
    0x6D: _sized({4: Kind.REAL, 8: Kind.FLOAT}, _real),
    0x6E: _sized({4: Kind.SMALLMONEY, 8: Kind.MONEY}, read_money),
    0x6F: _sized({4: Kind.SMALLDATETIME, 8: Kind.DATETIME}, _moment),
    0xA5: _bytes(Kind.VARBINARY),
    0xA7: _characters(Kind.VARCHAR, wide=False),
    0xAD: _bytes(Kind.BINARY),
    0xAF: _characters(Kind.CHAR, wide=False),
    0xE7: _characters(Kind.NVARCHAR, wide=True),
    0xEF: _characters(Kind.NCHAR, wide=True),
    0xF1: _xml,
}

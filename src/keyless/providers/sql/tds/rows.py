"""Rows of an answer, written by column: what is the same for all values of a column is done once for many rows.

Owns the fast ways of the common types; the others are written value by value (`encoding`).
Source: [MS-TDS] 2.2.7.19 (ROW).
"""

from __future__ import annotations

import struct
from codecs import utf_16_le_encode
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from itertools import chain, repeat
from typing import Any

from keyless.providers.sql.tds.encoding import MAX_CHARACTERS, writer
from keyless.providers.sql.tds.numbers import decimal_size
from keyless.providers.sql.types import Column, Kind, Row, SqlType

#: Gives the pieces that a column's values are written as, one for each row; several such lists stand side by side.
_Column = Callable[[Sequence[Any]], Iterable[Iterable[bytes]]]
_ROW = b"\xd1"
_NULL = b"\x00"
_WIDE = Context(prec=100, rounding=ROUND_HALF_UP)
_YEAR_1 = datetime(1, 1, 1)
_FIXED = {
    Kind.TINYINT: "<BB", Kind.SMALLINT: "<Bh", Kind.INT: "<Bi", Kind.BIGINT: "<Bq", Kind.REAL: "<Bf", Kind.FLOAT: "<Bd",
}  # fmt: skip
_BITS = {None: b"\x00", False: b"\x01\x00", True: b"\x01\x01"}
_LENGTHS = [(2 * length).to_bytes(2, "little") for length in range(MAX_CHARACTERS + 1)]


@lru_cache(512)
def row_writer(columns: tuple[Column, ...]) -> RowWriter:
    """What writes the rows of a result with these columns."""
    return RowWriter(columns)


class RowWriter:
    """Writes the rows of one result."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(_column(column.type) for column in columns)

    def rows(self, rows: Sequence[Row]) -> bytes:
        """ROW tokens; raises OverflowError, ValueError or struct.error for a value outside of its type."""
        if not rows:
            return b""
        pieces: list[Iterable[bytes]] = [repeat(_ROW)]
        for write, values in zip(self._columns, zip(*rows, strict=True), strict=True):
            pieces += write(values)
        return b"".join(chain.from_iterable(zip(*pieces, strict=False)))


def _column(declared: SqlType) -> _Column:
    kind = declared.kind
    if kind in _FIXED:
        return _fixed(_FIXED[kind])
    if kind is Kind.BIT:
        return lambda values: (map(_BITS.__getitem__, values),)
    if kind in (Kind.VARCHAR, Kind.NVARCHAR) and declared.length is not None and declared.length <= MAX_CHARACTERS:
        return _text(declared.length)
    if kind in (Kind.DECIMAL, Kind.NUMERIC) and decimal_size(declared.precision) <= 9:
        return _decimal(declared.precision, declared.scale)
    if kind is Kind.DATETIME2 and declared.scale >= 5:
        return _datetime2(declared.scale)
    write = writer(declared)
    return lambda values: (map(write, values),)


def _fixed(layout: str) -> _Column:
    whole = struct.Struct(layout)
    pack, size = whole.pack, whole.size - 1

    def write(values: Sequence[Any]) -> Iterable[Iterable[bytes]]:
        if None in values:
            return ([_NULL if value is None else pack(size, value) for value in values],)
        return (map(pack, repeat(size), values),)

    return write


def _text(room: int) -> _Column:
    def write(values: Sequence[str | None]) -> Iterable[Iterable[bytes]]:
        if None in values:
            return (map(one, values),)
        texts = [utf_16_le_encode(value, "surrogatepass")[0] for value in values if value is not None]
        lengths = [len(text) for text in texts]
        if max(lengths) > 2 * room:
            raise OverflowError("a text is longer than its type")
        return [_LENGTHS[length >> 1] for length in lengths], texts

    one = writer(SqlType(Kind.NVARCHAR, room))
    return write


def _decimal(precision: int, scale: int) -> _Column:
    size = decimal_size(precision)
    pack = struct.Struct("<BBI" if size == 5 else "<BBQ").pack
    limit, factor = 10**precision, Decimal(10) ** scale
    multiply, integral = _WIDE.multiply, _WIDE.to_integral_value

    def one(value: Decimal | None) -> bytes:
        if value is None:
            return _NULL
        units = int(integral(multiply(value, factor)))
        if not -limit < units < limit:
            raise OverflowError("a number has more digits than its type")
        return pack(size, 1, units) if units >= 0 else pack(size, 0, -units)

    return lambda values: (map(one, values),)


def _datetime2(scale: int) -> _Column:
    pack = struct.Struct("<BQ").pack  # five bytes of time and three of the date
    smaller = 10 ** (6 - scale) if scale < 6 else 1
    larger = 10 if scale == 7 else 1

    def one(value: datetime | None) -> bytes:
        if value is None:
            return _NULL
        gone = value - _YEAR_1
        micros = gone.seconds * 1_000_000 + gone.microseconds
        return pack(8, micros * larger // smaller | gone.days << 40)

    return lambda values: (map(one, values),)

"""DECIMAL and money as TDS writes them.

Owns the arithmetic. Source: [MS-TDS] 2.2.5.5.1.4 (money), 2.2.5.5.1.6 (decimal).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal

from keyless.providers.sql.tds.reader import Malformed

MAX_PRECISION = 38
_WIDE = Context(prec=100, rounding=ROUND_HALF_UP)


def decimal_size(precision: int) -> int:
    """How many bytes a DECIMAL has, its sign included."""
    return 5 if precision < 10 else 9 if precision < 20 else 13 if precision < 29 else 17


def decimal_writer(precision: int, scale: int) -> Callable[[Decimal], bytes]:
    """A sign and a magnitude; raises OverflowError where there are too many digits."""
    size = decimal_size(precision)
    limit = 10**precision

    def write(value: Decimal) -> bytes:
        units = _units(value, scale)
        if abs(units) >= limit:
            raise OverflowError("a number has more digits than its type")
        return (b"\x00" if units < 0 else b"\x01") + abs(units).to_bytes(size - 1, "little")

    return write


def read_decimal(data: bytes, scale: int) -> Decimal:
    """DECIMAL and NUMERIC."""
    units = int.from_bytes(data[1:], "little")
    if len(data) < 2 or units >= 10**MAX_PRECISION:
        raise Malformed("a number has more digits than there may be")
    return _value(units if data[0] else -units, scale)


def write_money(value: Decimal) -> bytes:
    """MONEY: ten-thousandths, the upper half first."""
    data = _units(value, 4).to_bytes(8, "little", signed=True)
    return data[4:] + data[:4]


def write_smallmoney(value: Decimal) -> bytes:
    """SMALLMONEY."""
    return _units(value, 4).to_bytes(4, "little", signed=True)


def read_money(data: bytes) -> Decimal:
    """MONEY and SMALLMONEY."""
    return _value(int.from_bytes(data[4:] + data[:4] if len(data) == 8 else data, "little", signed=True), 4)


def _units(value: Decimal, scale: int) -> int:
    return int(_WIDE.to_integral_value(_WIDE.scaleb(value, scale)))


def _value(units: int, scale: int) -> Decimal:
    return _WIDE.scaleb(Decimal(units), -scale)

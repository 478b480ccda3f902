"""Values of one type as those of another, where a client declares a parameter otherwise than it sends it.

Owns the implicit conversions that keep a value whole; what has no exact counterpart is refused. Pure.
Source: Transact-SQL reference, "Data type conversion (Database Engine)".
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.types import Kind, SqlType, Value

_TEXT = {Kind.CHAR, Kind.VARCHAR, Kind.NCHAR, Kind.NVARCHAR, Kind.TEXT, Kind.NTEXT, Kind.XML}
_BINARY = {Kind.BINARY, Kind.VARBINARY, Kind.IMAGE}
_EXACT = {Kind.DECIMAL, Kind.NUMERIC, Kind.MONEY, Kind.SMALLMONEY}
_REAL = {Kind.REAL, Kind.FLOAT}
_MOMENTS = {Kind.DATETIME, Kind.DATETIME2, Kind.SMALLDATETIME}
_RANGES = {
    Kind.TINYINT: (0, 255),
    Kind.SMALLINT: (-(2**15), 2**15 - 1),
    Kind.INT: (-(2**31), 2**31 - 1),
    Kind.BIGINT: (-(2**63), 2**63 - 1),
}
_SAME = (_TEXT, _BINARY, _EXACT, _REAL, _MOMENTS)


def convert(value: Value, sent: Kind, declared: SqlType, name: str) -> Value:
    """The value as one of the declared type; raises SqlError, which names the parameter."""
    kind = declared.kind
    same = kind in (sent, Kind.SQL_VARIANT) or any(kind in family and sent in family for family in _SAME)
    converted = value if value is None or same else _other(value, sent, kind, name)
    limits = _RANGES.get(kind)
    if limits and isinstance(converted, int) and not limits[0] <= converted <= limits[1]:
        raise SqlError(8115, f"Arithmetic overflow error converting parameter {name} to {kind.value}.")
    return converted


def _other(value: Value, sent: Kind, kind: Kind, name: str) -> Value:
    if isinstance(value, str):
        return _from_text(value, sent, kind, name)
    if kind in _TEXT and isinstance(value, int | Decimal | UUID):
        return str(value).upper() if isinstance(value, UUID) else str(value * 1)
    found = _FROM_NUMBER.get(kind) if isinstance(value, int | Decimal) else None
    if found is not None and (isinstance(value, int) or kind in _EXACT | _REAL):
        return found(value)
    if isinstance(value, datetime):
        moment = _from_moment(value, kind)
        if moment is not None:
            return moment
    elif isinstance(value, date) and kind in _MOMENTS:
        return datetime(value.year, value.month, value.day)
    raise SqlError(206, f"Operand type clash: {sent.value} is incompatible with {kind.value} (parameter {name}).")


def _from_moment(value: datetime, kind: Kind) -> Value:
    if value.tzinfo is not None:
        return None
    return value.date() if kind is Kind.DATE else value.time() if kind is Kind.TIME else None


def _from_text(value: str, sent: Kind, kind: Kind, name: str) -> Value:
    read = _FROM_TEXT.get(kind)
    if read is None:
        raise SqlError(206, f"Operand type clash: {sent.value} is incompatible with {kind.value} (parameter {name}).")
    try:
        return read(value.strip())
    except (ValueError, InvalidOperation):
        message = (
            f"Conversion failed when converting the {sent.value} value of parameter {name} to data type {kind.value}."
        )
        raise SqlError(241 if kind in _MOMENTS else 245, message) from None


def _bit(text: str) -> bool:
    known = {"true": True, "false": False}
    return known[text.lower()] if text.lower() in known else bool(int(text))


def _decimal(text: str) -> Decimal:
    found = Decimal(text)
    if not found.is_finite():
        raise ValueError("no number")
    return found


_FROM_NUMBER: dict[Kind, Callable[[Any], Value]] = {
    Kind.BIT: bool,
    **dict.fromkeys(_RANGES, int),
    **dict.fromkeys(_EXACT, Decimal),
    **dict.fromkeys(_REAL, float),
}
_FROM_TEXT: dict[Kind, Callable[[str], Value]] = {
    Kind.BIT: _bit,
    **dict.fromkeys(_RANGES, int),
    **dict.fromkeys(_EXACT, _decimal),
    **dict.fromkeys(_REAL, float),
    **dict.fromkeys(_MOMENTS, datetime.fromisoformat),
    Kind.DATETIMEOFFSET: datetime.fromisoformat,
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.UNIQUEIDENTIFIER: UUID,
}

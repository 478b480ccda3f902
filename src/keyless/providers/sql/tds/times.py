"""Dates and times as TDS writes them.

Owns the arithmetic; every function raises Malformed for a moment that there is not. Source: [MS-TDS] 2.2.5.5.1.8, .9.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import TypeVar

from keyless.providers.sql.tds.reader import Malformed

_EPOCH = date(1, 1, 1).toordinal()
_1900 = datetime(1900, 1, 1)
_DAY = 86_400_000_000
_MAX_OFFSET = 14 * 60
T = TypeVar("T")


def time_size(scale: int) -> int:
    """How many bytes a TIME of this scale has."""
    return 3 if scale < 3 else 4 if scale < 5 else 5


def write_date(value: date) -> bytes:
    """DATE: days since the year 1."""
    return (value.toordinal() - _EPOCH).to_bytes(3, "little")


def read_date(data: bytes) -> date:
    """DATE."""
    return _there(lambda: date.fromordinal(int.from_bytes(data, "little") + _EPOCH))


def time_writer(scale: int) -> Callable[[time | datetime], bytes]:
    """TIME: units of the scale since midnight."""
    size = time_size(scale)

    def write(value: time | datetime) -> bytes:
        micros = ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
        units = micros * 10 if scale == 7 else micros // 10 ** (6 - scale)
        return units.to_bytes(size, "little")

    return write


def read_time(data: bytes, scale: int) -> time:
    """TIME; the seventh digit is cut off."""
    units = int.from_bytes(data, "little")
    micros = units // 10 if scale == 7 else units * 10 ** (6 - scale)
    if micros >= _DAY:
        raise Malformed("a time lies outside of the day")
    seconds, micros = divmod(micros, 1_000_000)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60, micros)


def write_datetime(value: datetime) -> bytes:
    """DATETIME: days since 1900 and three-hundredths of a second."""
    gone = value - _1900
    ticks = (gone.seconds * 1_000_000 + gone.microseconds) * 3 + 5_000
    days, ticks = gone.days, ticks // 10_000
    if ticks == 300 * 86_400:
        days, ticks = days + 1, 0
    return days.to_bytes(4, "little", signed=True) + ticks.to_bytes(4, "little")


def read_datetime(data: bytes) -> datetime:
    """DATETIME, to the millisecond, as SQL Server shows it."""
    days, ticks = int.from_bytes(data[:4], "little", signed=True), int.from_bytes(data[4:], "little")
    if ticks >= 300 * 86_400:
        raise Malformed("a time lies outside of the day")
    return _there(lambda: _1900 + timedelta(days=days, milliseconds=(ticks * 10 + 1) // 3))


def write_smalldatetime(value: datetime) -> bytes:
    """SMALLDATETIME: days since 1900, and minutes."""
    gone = value - _1900
    return gone.days.to_bytes(2, "little") + (gone.seconds // 60).to_bytes(2, "little")


def read_smalldatetime(data: bytes) -> datetime:
    """SMALLDATETIME."""
    days, minutes = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:], "little")
    if minutes >= 24 * 60:
        raise Malformed("a time lies outside of the day")
    return _1900 + timedelta(days=days, minutes=minutes)


def read_datetime2(data: bytes, scale: int) -> datetime:
    """DATETIME2: a TIME and a DATE."""
    return datetime.combine(read_date(data[-3:]), read_time(data[:-3], scale))


def datetimeoffset_writer(scale: int) -> Callable[[datetime], bytes]:
    """DATETIMEOFFSET: a DATETIME2 in UTC and the offset in minutes."""
    write_time = time_writer(scale)

    def write(value: datetime) -> bytes:
        utc, offset = value.astimezone(UTC), value.utcoffset() or timedelta()
        minutes = int(offset.total_seconds() // 60)
        return write_time(utc) + write_date(utc) + minutes.to_bytes(2, "little", signed=True)

    return write


def read_datetimeoffset(data: bytes, scale: int) -> datetime:
    """DATETIMEOFFSET."""
    minutes = int.from_bytes(data[-2:], "little", signed=True)
    if abs(minutes) > _MAX_OFFSET:
        raise Malformed("an offset from UTC is more than 14 hours")
    utc = read_datetime2(data[:-2], scale).replace(tzinfo=UTC)
    return _there(lambda: utc.astimezone(timezone(timedelta(minutes=minutes))))


def _there(make: Callable[[], T]) -> T:
    try:
        return make()
    except (ValueError, OverflowError):
        raise Malformed("a date lies outside of the years 1 to 9999") from None

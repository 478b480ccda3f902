"""The types that the library makes, in psycopg: which they are, and how their values are read and written.

Owns their loaders. Must not run a statement of a client's. The values' shapes are those of `sql.types`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.types.datetime import DatetimeBinaryDumper

from keyless.providers.sql.postgres.connections import Connection
from keyless.providers.sql.types import Kind, Value

_TEXT, _BYTES, _BOOLEAN, _TIMESTAMP = 25, 17, 16, 1114
_LIKE = {
    "citext": (Kind.NVARCHAR, _TEXT),
    "varbinary": (Kind.VARBINARY, _BYTES),
    "bit": (Kind.BIT, _BOOLEAN),
    "datetime": (Kind.DATETIME, _TIMESTAMP),
    "smalldatetime": (Kind.SMALLDATETIME, _TIMESTAMP),
    "xml": (Kind.XML, _TEXT),
}
_EPOCH = datetime(2000, 1, 1)
_DAY = timedelta(days=1)
_INTERVAL = struct.Struct(">qii")
_VARIANTS: dict[str, Callable[[str], Value]] = {
    "int": int,
    "bigint": int,
    "decimal": Decimal,
    "float": float,
    "real": float,
    "nvarchar": str,
    "bit": lambda text: text == "1",
    "varbinary": lambda text: bytes.fromhex(text.removeprefix("\\x")),
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "datetime2": datetime.fromisoformat,
    "datetime": datetime.fromisoformat,
    "smalldatetime": datetime.fromisoformat,
    "uniqueidentifier": UUID,
}


class _OffsetLoader(Loader):
    """DATETIMEOFFSET: the days hold the offset's minutes (`moments.sql`)."""

    format = Format.BINARY

    def load(self, data: Any) -> datetime:
        micros, minutes, _months = _INTERVAL.unpack(data)
        utc = _EPOCH + timedelta(microseconds=micros) + minutes * _DAY
        offset = timedelta(minutes=minutes)
        local: datetime = utc + offset
        return local.replace(tzinfo=timezone(offset))


class _VariantLoader(Loader):
    """SQL_VARIANT: the type's name, a bar, the value."""

    format = Format.BINARY

    def load(self, data: Any) -> Value:
        kind, _, text = bytes(data).decode().partition("|")
        return _VARIANTS[kind](text)


class _MomentDumper(DatetimeBinaryDumper):
    """A moment with its offset goes as DATETIMEOFFSET, which a subclass numbers; one without as it always does."""

    def dump(self, obj: datetime) -> bytes:
        minutes = (obj.utcoffset() or timedelta()) // timedelta(minutes=1)
        gone = obj.replace(tzinfo=None) - timedelta(minutes=minutes) - _EPOCH - minutes * _DAY
        return _INTERVAL.pack(gone // timedelta(microseconds=1), minutes, 0)


async def register(connection: Connection) -> dict[int, Kind]:
    """Have a connection read the library's types; gives their numbers."""
    names = [*_LIKE, "datetimeoffset", "sql_variant"]
    listed = ", ".join(f"'tsql.{name}'::regtype::oid::int8" for name in names)
    found = await connection.execute(f"SELECT {listed}")
    row = await found.fetchone()
    assert row is not None
    numbers = dict(zip(names, cast("tuple[int, ...]", row), strict=True))
    kinds: dict[int, Kind] = {}
    for name, (kind, like) in _LIKE.items():
        loader = connection.adapters.get_loader(like, Format.BINARY)
        assert loader is not None
        connection.adapters.register_loader(numbers[name], loader)
        kinds[numbers[name]] = kind
    connection.adapters.register_loader(numbers["datetimeoffset"], _OffsetLoader)
    dumper = type("MomentDumper", (_MomentDumper,), {"oid": numbers["datetimeoffset"]})
    connection.adapters.register_dumper(datetime, dumper)
    connection.adapters.register_loader(numbers["sql_variant"], _VariantLoader)
    kinds |= {numbers["datetimeoffset"]: Kind.DATETIMEOFFSET, numbers["sql_variant"]: Kind.SQL_VARIANT}
    return kinds

"""The types of a result, from what PostgreSQL tells of it.

Owns the table from PostgreSQL's types to SQL's. What a column was declared as stands in its comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from keyless.providers.sql.tsql import comments, types
from keyless.providers.sql.types import Kind, SqlType

_SIMPLE = {
    16: Kind.BIT, 20: Kind.BIGINT, 21: Kind.SMALLINT, 23: Kind.INT, 700: Kind.REAL, 701: Kind.FLOAT, 1082: Kind.DATE,
    2950: Kind.UNIQUEIDENTIFIER,
}  # fmt: skip
_DECLARED = re.compile(r"([a-z0-9_]+)(?:\(([0-9a-z,]+)\))?")
NUMERIC = 1700


@dataclass(frozen=True)
class Known:
    """What the catalog knows of a table's column."""

    name: str
    type: SqlType | None
    nullable: bool
    identity: bool


def known(name: str, comment: str | None, not_null: bool, identity: str) -> Known:
    """From a row of the catalog."""
    told = comments.read(comment)
    match = _DECLARED.fullmatch(str(told.get("type", "")))
    type_ = declared(match[1], match[2]) if match else None
    return Known(str(told.get("name", name)), type_, not not_null, bool(identity))


def declared(kind: str, measures: str | None) -> SqlType:
    """A declared type."""
    numbers = [None if part == "max" else int(part) for part in (measures or "").split(",") if part]
    which = Kind(kind)
    if which in {Kind.DECIMAL, Kind.NUMERIC}:
        return SqlType(which, precision=(numbers or [18])[0] or 18, scale=(numbers[1] if len(numbers) > 1 else 0) or 0)
    if which in {Kind.TIME, Kind.DATETIME2, Kind.DATETIMEOFFSET}:
        return SqlType(which, scale=(numbers or [7])[0] or 0)
    if which in {Kind.TEXT, Kind.NTEXT, Kind.IMAGE}:
        return SqlType(which)
    if which in {Kind.CHAR, Kind.VARCHAR, Kind.NCHAR, Kind.NVARCHAR, Kind.BINARY, Kind.VARBINARY}:
        return SqlType(which, length=numbers[0] if numbers else 1)
    return SqlType(which)


def of(oid: int, modifier: int, own: Mapping[int, Kind]) -> SqlType:
    """The type of a column that is an expression."""
    if oid in own:
        kind = own[oid]
        if kind in types.TEXTS | types.BINARIES:
            return types.of_modifier(modifier, kind)
        return SqlType(kind, scale={Kind.DATETIME: 3, Kind.DATETIMEOFFSET: 7}.get(kind, 0))
    if oid in _SIMPLE:
        return SqlType(_SIMPLE[oid])
    if oid == NUMERIC:
        if modifier >= 4:
            return SqlType(Kind.DECIMAL, precision=(modifier - 4) >> 16 & 0xFFFF, scale=(modifier - 4) & 0x7FF)
        return SqlType(Kind.DECIMAL, precision=38, scale=-1)
    if oid == 17:
        return SqlType(Kind.VARBINARY)
    if oid == 1083:
        return SqlType(Kind.TIME, scale=7 if modifier < 0 else modifier)
    if oid == 1114:
        return SqlType(Kind.DATETIME2, scale=7 if modifier < 0 else modifier)
    return SqlType(Kind.NVARCHAR)

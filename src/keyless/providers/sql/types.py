"""The types of SQL, apart from how any wire or any engine writes them.

Owns the names and the Python value of each type. Must not know bytes (`tds/`) or an engine.

A value is None for NULL, and else: `bool` (BIT); `int` (TINYINT to BIGINT); `Decimal` (DECIMAL, MONEY, SMALLMONEY);
`float` (REAL, FLOAT); `str` (all text, XML); `bytes` (all binary); `date`; `time` (TIME); `datetime` without a zone
(SMALLDATETIME, DATETIME, DATETIME2) and with one (DATETIMEOFFSET); `UUID`; any of these for SQL_VARIANT. Python's
times end at the microsecond: the seventh digit that SQL Server has is cut off.

Source: Transact-SQL reference, "Data types".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from uuid import UUID

Value = bool | int | float | Decimal | str | bytes | date | time | datetime | UUID | None
Row = tuple[Value, ...]


class Kind(Enum):
    """Every type that a column or a parameter can have; the value is its name in T-SQL."""

    BIT = "bit"
    TINYINT = "tinyint"
    SMALLINT = "smallint"
    INT = "int"
    BIGINT = "bigint"
    DECIMAL = "decimal"
    NUMERIC = "numeric"
    SMALLMONEY = "smallmoney"
    MONEY = "money"
    REAL = "real"
    FLOAT = "float"
    CHAR = "char"
    VARCHAR = "varchar"
    TEXT = "text"
    NCHAR = "nchar"
    NVARCHAR = "nvarchar"
    NTEXT = "ntext"
    BINARY = "binary"
    VARBINARY = "varbinary"
    IMAGE = "image"
    DATE = "date"
    TIME = "time"
    SMALLDATETIME = "smalldatetime"
    DATETIME = "datetime"
    DATETIME2 = "datetime2"
    DATETIMEOFFSET = "datetimeoffset"
    UNIQUEIDENTIFIER = "uniqueidentifier"
    XML = "xml"
    SQL_VARIANT = "sql_variant"

    __hash__ = object.__hash__  # Enum's own is Python code, and types are looked up for every column and value


@dataclass(frozen=True)
class SqlType:
    """A type with its measures.

    `length` counts characters (text) or bytes (binary), None is MAX; `precision` and `scale` count decimal digits
    (DECIMAL, NUMERIC), and `scale` those of the second (TIME, DATETIME2, DATETIMEOFFSET). What does not apply is left.
    """

    kind: Kind
    length: int | None = None
    precision: int = 18
    scale: int = 0


@dataclass(frozen=True)
class Column:
    """A column of a result."""

    name: str
    type: SqlType
    nullable: bool = True
    identity: bool = False


@dataclass(frozen=True)
class Parameter:
    """A parameter with its value; `name` begins with `@`, or is empty for one that goes by its place."""

    name: str
    type: SqlType
    value: Value = None
    output: bool = False

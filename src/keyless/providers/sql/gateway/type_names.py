"""Types as the catalog writes them: names with measures, identifiers, sizes.

Pure. Source: Transact-SQL reference, "sys.types", "sp_describe_first_result_set"; [MS-TDS] 2.2.5.4.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.providers.sql.tds.numbers import decimal_size
from keyless.providers.sql.tds.times import time_size
from keyless.providers.sql.types import Kind, SqlType


@dataclass(frozen=True)
class Measures:
    """`system_id` of the type, `wire_id` in TDS where it may be NULL, its size in bytes (-1: MAX), and digits."""

    system_id: int
    wire_id: int
    bytes: int
    precision: int = 0
    scale: int = 0


_FIXED = {
    Kind.BIT: Measures(104, 104, 1, 1),
    Kind.TINYINT: Measures(48, 38, 1, 3),
    Kind.SMALLINT: Measures(52, 38, 2, 5),
    Kind.INT: Measures(56, 38, 4, 10),
    Kind.BIGINT: Measures(127, 38, 8, 19),
    Kind.SMALLMONEY: Measures(122, 110, 4, 10, 4),
    Kind.MONEY: Measures(60, 110, 8, 19, 4),
    Kind.REAL: Measures(59, 109, 4, 24),
    Kind.FLOAT: Measures(62, 109, 8, 53),
    Kind.TEXT: Measures(35, 35, 16),
    Kind.NTEXT: Measures(99, 99, 16),
    Kind.IMAGE: Measures(34, 34, 16),
    Kind.DATE: Measures(40, 40, 3, 10),
    Kind.SMALLDATETIME: Measures(58, 111, 4, 16),
    Kind.DATETIME: Measures(61, 111, 8, 23, 3),
    Kind.UNIQUEIDENTIFIER: Measures(36, 36, 16),
    Kind.XML: Measures(241, 241, -1),
    Kind.SQL_VARIANT: Measures(98, 98, 8016),
}
_SIZED = {
    Kind.CHAR: (175, 1),
    Kind.VARCHAR: (167, 1),
    Kind.NCHAR: (239, 2),
    Kind.NVARCHAR: (231, 2),
    Kind.BINARY: (173, 1),
    Kind.VARBINARY: (165, 1),
}
#: System type, bytes beside those of the time, digits without and with a fraction.
_SCALED = {Kind.TIME: (41, 0, 8), Kind.DATETIME2: (42, 3, 19), Kind.DATETIMEOFFSET: (43, 5, 26)}


def measures(declared: SqlType) -> Measures:
    """The measures of a type."""
    kind = declared.kind
    if kind in _FIXED:
        return _FIXED[kind]
    if kind in _SIZED:
        number, width = _SIZED[kind]
        return Measures(number, number, -1 if declared.length is None else declared.length * width)
    if kind in _SCALED:
        number, more, digits = _SCALED[kind]
        precision = digits + (declared.scale + 1 if declared.scale else 0)
        return Measures(number, number, time_size(declared.scale) + more, precision, declared.scale)
    number = 106 if kind is Kind.DECIMAL else 108
    return Measures(number, number, decimal_size(declared.precision), declared.precision, declared.scale)


def type_name(declared: SqlType) -> str:
    """The type as T-SQL writes it, `nvarchar(40)`."""
    kind = declared.kind
    if kind in _SIZED:
        return f"{kind.value}({'max' if declared.length is None else declared.length})"
    if kind in _SCALED:
        return f"{kind.value}({declared.scale})"
    if kind in (Kind.DECIMAL, Kind.NUMERIC):
        return f"{kind.value}({declared.precision},{declared.scale})"
    return str(kind.value)

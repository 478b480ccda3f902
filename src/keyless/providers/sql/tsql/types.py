"""T-SQL's types in PostgreSQL.

Owns which type stands for which, in a cast and in a column. No I/O.
Source: Transact-SQL reference, "Data types".
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.plan import unsupported
from keyless.providers.sql.types import Kind, SqlType

_SPELLINGS = {
    "integer": Kind.INT,
    "dec": Kind.DECIMAL,
    "character": Kind.CHAR,
    "sysname": Kind.NVARCHAR,
    "double precision": Kind.FLOAT,
} | {kind.value: kind for kind in Kind}
_SIMPLE = {
    Kind.BIT: "tsql.bit",
    Kind.TINYINT: "tsql.tinyint",
    Kind.SMALLINT: "int2",
    Kind.INT: "int4",
    Kind.BIGINT: "int8",
    Kind.MONEY: "tsql.money",
    Kind.SMALLMONEY: "tsql.smallmoney",
    Kind.REAL: "float4",
    Kind.DATE: "date",
    Kind.DATETIME: "tsql.datetime",
    Kind.UNIQUEIDENTIFIER: "uuid",
}
TEXTS = {Kind.CHAR, Kind.VARCHAR, Kind.TEXT, Kind.NCHAR, Kind.NVARCHAR, Kind.NTEXT}
BINARIES = {Kind.BINARY, Kind.VARBINARY, Kind.IMAGE}
_DIGITS = 6  # PostgreSQL's clock ends at the microsecond


@dataclass(frozen=True)
class Written:
    """A type as it was written: `measures` are its numbers, None stands for MAX."""

    kind: Kind
    measures: tuple[int | None, ...] = ()

    def measure(self, default: int | None) -> int | None:
        """The first number, or a default."""
        return self.measures[0] if self.measures else default


def named(name: str, measures: tuple[int | None, ...], line: int = 1) -> Written:
    """The type of a name and its numbers."""
    kind = _SPELLINGS.get(name.lower())
    if kind is None:
        raise SqlError(243, f"Type {name} is not a defined system type.", line=line)
    return Written(kind, measures)


def postgres(written: Written) -> str:
    """The type as PostgreSQL writes it; a text's length is no part of it."""
    kind = written.kind
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind in TEXTS:
        return "tsql.citext"
    if kind in BINARIES:
        return "bytea"
    if kind is Kind.FLOAT:
        return "float4" if (written.measure(53) or 53) <= 24 else "float8"
    if kind in {Kind.DECIMAL, Kind.NUMERIC}:
        precision = written.measure(18) or 18
        scale = (written.measures[1] if len(written.measures) > 1 else 0) or 0
        if not 1 <= precision <= 38 or not 0 <= scale <= precision:
            raise SqlError(2750, f"Column or parameter: the precision {precision} and scale {scale} are not valid.")
        return f"numeric({precision},{scale})"
    if kind is Kind.DATETIME2:
        return f"timestamp({min(written.measure(7) or 0, _DIGITS)})"
    if kind is Kind.TIME:
        return f"time({min(written.measure(7) or 0, _DIGITS)})"
    raise unsupported(f"The type {kind.value}")


def spelled(written: Written) -> str:
    """The type as a catalog keeps it: `nvarchar(50)`, `decimal(10,2)`."""
    measures = ",".join("max" if measure is None else str(measure) for measure in written.measures)
    return f"{written.kind.value}({measures})" if measures else written.kind.value


def of_parameter(declared: SqlType) -> str:
    """The type that a parameter has in a statement."""
    if declared.kind in {Kind.DECIMAL, Kind.NUMERIC}:
        return "numeric"
    if declared.kind in {Kind.DATETIME2, Kind.TIME}:
        return "timestamp" if declared.kind is Kind.DATETIME2 else "time"
    return postgres(Written(declared.kind))

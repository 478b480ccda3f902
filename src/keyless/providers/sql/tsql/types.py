"""T-SQL's types in PostgreSQL.

Owns which type stands for which, in a cast and in a column. No I/O.
Source: Transact-SQL reference, "Data types".
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.plan import unsupported
from keyless.providers.sql.types import Kind, SqlType

_SPELLINGS = {
    "integer": Kind.INT,
    "dec": Kind.DECIMAL,
    "character": Kind.CHAR,
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
    Kind.SMALLDATETIME: "tsql.smalldatetime",
    Kind.DATETIMEOFFSET: "tsql.datetimeoffset",
    Kind.UNIQUEIDENTIFIER: "uuid",
    Kind.XML: "tsql.xml",
    Kind.SQL_VARIANT: "tsql.sql_variant",
}
TEXTS = {Kind.CHAR, Kind.VARCHAR, Kind.TEXT, Kind.NCHAR, Kind.NVARCHAR, Kind.NTEXT}
BINARIES = {Kind.BINARY, Kind.VARBINARY, Kind.IMAGE}
# what the library's modifiers number, from 1 on; those without a size are as large as MAX
_MODIFIED = (
    *(Kind.VARCHAR, Kind.NVARCHAR, Kind.CHAR, Kind.NCHAR, Kind.TEXT, Kind.NTEXT),
    *(Kind.VARBINARY, Kind.BINARY, Kind.IMAGE),
)
_UNSIZED = {Kind.TEXT, Kind.NTEXT, Kind.IMAGE}
_OFFSET, _STEP = 4, 1 << 14
_LARGEST = {Kind.NCHAR: 4000, Kind.NVARCHAR: 4000}
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
    if name.lower() == "sysname":
        return Written(Kind.NVARCHAR, (128,))
    kind = _SPELLINGS.get(name.lower())
    if kind is None:
        raise SqlError(243, f"Type {name} is not a defined system type.", line=line)
    return Written(kind, measures)


def postgres(written: Written, length: int = 1) -> str:
    """The type as PostgreSQL writes it; `length` is that of a text or binary type that is written without one."""
    kind = written.kind
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if kind in _MODIFIED:
        return f"{'tsql.citext' if kind in TEXTS else 'tsql.varbinary'}({modifier(sized(written, length))})"
    if kind is Kind.FLOAT:
        return "float4" if (written.measure(53) or 53) <= 24 else "float8"
    if kind in {Kind.DECIMAL, Kind.NUMERIC}:
        precision = written.measure(18) or 18
        scale = (written.measures[1] if len(written.measures) > 1 else 0) or 0
        if not 1 <= precision <= 38 or not 0 <= scale <= precision:
            raise SqlError(2750, f"Column or parameter: the precision {precision} and scale {scale} are not valid.")
        return f"numeric({precision},{scale})"
    if kind in {Kind.DATETIME2, Kind.TIME}:
        name, digits = "timestamp" if kind is Kind.DATETIME2 else "time", written.measure(7) or 0
        return name if digits > _DIGITS else f"{name}({digits})"
    raise unsupported(f"The type {kind.value}")


def sized(written: Written, length: int = 1) -> SqlType:
    """A text or binary type with its length."""
    kind = written.kind
    size = None if kind in _UNSIZED else written.measure(length)
    largest = _LARGEST.get(kind, 8000)
    if size is not None and not 1 <= size <= largest:
        message = f"The size ({size}) given to the type '{kind.value}' is not one of 1 to {largest}."
        raise SqlError(131, message, severity=15)
    return SqlType(kind, size)


def modifier(declared: SqlType) -> int:
    """A text or binary type with its length, as the library's modifiers number it (`text.sql`)."""
    return (_MODIFIED.index(declared.kind) + 1) * _STEP + (declared.length or 0)


def of_modifier(number: int, kind: Kind) -> SqlType:
    """What a modifier of PostgreSQL's says; `kind` without a length where there is none."""
    which, length = divmod(number - _OFFSET, _STEP)
    return SqlType(_MODIFIED[which - 1], length or None) if 0 < which <= len(_MODIFIED) else SqlType(kind)


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
    if declared.kind in _MODIFIED:
        return "tsql.citext" if declared.kind in TEXTS else "tsql.varbinary"
    return postgres(Written(declared.kind))


def sql_type(written: Written) -> SqlType:
    """The type of a variable or a column that is written so: without measures it has the smallest."""
    kind, measures = written.kind, written.measures
    if kind in {Kind.DECIMAL, Kind.NUMERIC}:
        return SqlType(kind, precision=written.measure(18) or 18, scale=(measures[1] if len(measures) > 1 else 0) or 0)
    if kind in {Kind.TIME, Kind.DATETIME2, Kind.DATETIMEOFFSET}:
        return SqlType(kind, scale=written.measure(7) or 0)
    if kind in {Kind.TEXT, Kind.NTEXT, Kind.IMAGE}:
        return SqlType(kind)
    if kind in TEXTS | BINARIES:
        return SqlType(kind, length=written.measure(1))
    return SqlType(Kind.REAL if kind is Kind.FLOAT and (written.measure(53) or 53) <= 24 else kind)


def data_type(type_: SqlType) -> exp.DataType:
    """A type as sqlglot has it, for a cast that nobody wrote."""
    return exp.DataType.build(in_text(type_), dialect="tsql")


def in_text(type_: SqlType) -> str:
    """A type as T-SQL writes it."""
    kind = type_.kind
    if kind in {Kind.DECIMAL, Kind.NUMERIC}:
        return f"{kind.value}({type_.precision},{type_.scale})"
    if kind in {Kind.TIME, Kind.DATETIME2, Kind.DATETIMEOFFSET}:
        return f"{kind.value}({type_.scale})"
    if kind in TEXTS | BINARIES and kind not in {Kind.TEXT, Kind.NTEXT, Kind.IMAGE}:
        return f"{kind.value}({type_.length or 'max'})"
    return str(kind.value)

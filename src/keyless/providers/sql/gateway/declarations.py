"""The declarations of parameters that come as text: `@id int, @name nvarchar(40) OUTPUT`.

Owns reading them, and fitting values to them. Pure.
Source: Transact-SQL reference, "sp_executesql", "sp_prepare", "DECLARE @local_variable".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tds.requests import MAX_PARAMETERS
from keyless.providers.sql.types import Kind, Parameter, SqlType, Value

_NAME = r"@[\w@#$]{0,127}"
_ONE = re.compile(
    rf"\s*(?P<name>{_NAME})\s+(?:AS\s+)?(?:\[?sys\]?\.)?\[?(?P<type>[a-z_][\w ]{{0,127}}?)\]?"
    r"\s*(?:\(\s*(?P<first>\d{1,4}|max)\s*(?:,\s*(?P<second>\d{1,2})\s*)?\))?"
    r"\s*(?P<output>\b(?:OUTPUT|OUT)\b)?\s*(?P<readonly>\bREADONLY\b)?\s*(?:,|\Z)",
    re.IGNORECASE,
)
_SYNONYMS = {
    "integer": Kind.INT,
    "dec": Kind.DECIMAL,
    "double precision": Kind.FLOAT,
    "rowversion": Kind.BINARY,
    "timestamp": Kind.BINARY,
    "national character": Kind.NCHAR,
    "national character varying": Kind.NVARCHAR,
    "character": Kind.CHAR,
    "character varying": Kind.VARCHAR,
}
_SIZED = {Kind.CHAR, Kind.VARCHAR, Kind.NCHAR, Kind.NVARCHAR, Kind.BINARY, Kind.VARBINARY}
_SCALED = {Kind.TIME, Kind.DATETIME2, Kind.DATETIMEOFFSET}
_LARGEST = {Kind.NCHAR: 4000, Kind.NVARCHAR: 4000}
_MAX = {Kind.VARCHAR, Kind.NVARCHAR, Kind.VARBINARY}
_NUMBERS = {Kind.TINYINT, Kind.SMALLINT, Kind.INT, Kind.BIGINT, Kind.BIT}
_EXACT = {Kind.DECIMAL, Kind.NUMERIC, Kind.MONEY, Kind.SMALLMONEY}
_TEXT = {Kind.CHAR, Kind.VARCHAR, Kind.NCHAR, Kind.NVARCHAR, Kind.TEXT, Kind.NTEXT, Kind.XML}
_BINARY = {Kind.BINARY, Kind.VARBINARY, Kind.IMAGE}
_MOMENTS = {Kind.DATETIME, Kind.DATETIME2, Kind.SMALLDATETIME}
_RANGES = {
    Kind.TINYINT: (0, 255),
    Kind.SMALLINT: (-(2**15), 2**15 - 1),
    Kind.INT: (-(2**31), 2**31 - 1),
    Kind.BIGINT: (-(2**63), 2**63 - 1),
}


def read_declarations(text: str) -> tuple[Parameter, ...]:
    """The parameters that a text declares, without values; raises SqlError."""
    found: list[Parameter] = []
    at = 0
    while text[at:].strip():
        match = _ONE.match(text, at)
        if match is None or len(found) >= MAX_PARAMETERS:
            near = text[at:].strip()[:40]
            raise SqlError(102, f"Incorrect syntax near {near!r} in the declaration of parameters.")
        if match["readonly"]:
            raise SqlError(2724, "A table-valued parameter cannot be sent here: send its rows instead.")
        found.append(Parameter(match["name"], _type(match), output=bool(match["output"])))
        at = match.end()
    return tuple(found)


def bind(declared: Sequence[Parameter], given: Sequence[Parameter], text: str) -> tuple[Parameter, ...]:
    """The declared parameters with the values that were given, by name or by place; raises SqlError."""
    places = {parameter.name.lower(): place for place, parameter in enumerate(declared)}
    values: dict[int, Parameter] = {}
    for order, parameter in enumerate(given):
        place = places.get(parameter.name.lower(), -1) if parameter.name else order
        if not 0 <= place < len(declared):
            name = parameter.name or f"number {order + 1}"
            raise SqlError(8145, f"{name} is not a parameter that the statement declares.")
        values[place] = parameter
    bound = []
    for place, parameter in enumerate(declared):
        if place not in values:
            shown = text.strip()[:60]
            raise SqlError(
                8178,
                f"The parameterized query {shown!r} expects the parameter {parameter.name!r}, which was not supplied.",
            )
        value = _fit(values[place].value, values[place].type.kind, parameter)
        bound.append(replace(parameter, value=value, output=values[place].output and parameter.output))
    return tuple(bound)


def _type(match: re.Match[str]) -> SqlType:
    name = " ".join(match["type"].lower().split())
    first, second = (match["first"] or "").lower(), match["second"]
    if name == "sysname":
        return SqlType(Kind.NVARCHAR, 128)
    if name in ("rowversion", "timestamp"):
        return SqlType(Kind.BINARY, 8)
    try:
        kind = _SYNONYMS.get(name) or Kind(name)
    except ValueError:
        raise SqlError(2715, f"Parameter {match['name']}: cannot find data type {name}.") from None
    if kind in _SIZED:
        return _sized(kind, first, match["name"])
    if kind in (Kind.DECIMAL, Kind.NUMERIC):
        precision, scale = int(first or 18), int(second or 0)
        if not 1 <= precision <= 38 or scale > precision:
            raise SqlError(1001, f"Parameter {match['name']}: the precision is 1 to 38, and the scale not above it.")
        return SqlType(kind, precision=precision, scale=scale)
    if kind in _SCALED:
        scale = int(first or 7) if first != "max" else 8
        if scale > 7:
            raise SqlError(1002, f"Parameter {match['name']}: the scale is 0 to 7.")
        return SqlType(kind, scale=scale)
    if kind is Kind.FLOAT and first and first != "max" and int(first) <= 24:
        return SqlType(Kind.REAL)
    return SqlType(kind)


def _sized(kind: Kind, length: str, name: str) -> SqlType:
    if length == "max" and kind in _MAX:
        return SqlType(kind)
    largest = _LARGEST.get(kind, 8000)
    if not length:
        return SqlType(kind, 1)
    if length == "max" or not 1 <= int(length) <= largest:
        raise SqlError(131, f"Parameter {name}: the size is 1 to {largest}.")
    return SqlType(kind, int(length))


def _fit(value: Value, sent: Kind, parameter: Parameter) -> Value:
    """The value as one of the declared type; a client that sends another one than it declares gets no guess."""
    kind = parameter.type.kind
    if value is None or kind in (sent, Kind.SQL_VARIANT):
        return _in_range(value, parameter)
    for family in (_TEXT, _BINARY, _EXACT, _MOMENTS, {Kind.REAL, Kind.FLOAT}):
        if kind in family and sent in family:
            return value
    fitted: Value = None
    match value:
        case bool() | int() if kind in _NUMBERS:
            fitted = bool(value) if kind is Kind.BIT else int(value)
        case bool() | int() if kind in _EXACT:
            fitted = Decimal(int(value))
        case bool() | int() | Decimal() if kind in (Kind.FLOAT, Kind.REAL):
            fitted = float(value)
        case datetime() if value.tzinfo is None and kind is Kind.DATE:
            fitted = value.date()
        case date() if kind in _MOMENTS and not isinstance(value, datetime):
            fitted = datetime(value.year, value.month, value.day)
    if fitted is None:
        raise SqlError(
            206, f"Operand type clash: {sent.value} is incompatible with {kind.value} (parameter {parameter.name})."
        )
    return _in_range(fitted, parameter)


def _in_range(value: Value, parameter: Parameter) -> Value:
    limits = _RANGES.get(parameter.type.kind)
    if limits and isinstance(value, int) and not limits[0] <= value <= limits[1]:
        raise SqlError(8115, f"Arithmetic overflow error converting {parameter.name} to {parameter.type.kind.value}.")
    return value

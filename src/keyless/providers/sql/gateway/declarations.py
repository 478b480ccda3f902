"""The declarations of parameters that come as text: `@id int, @name nvarchar(40) OUTPUT`.

Owns reading them, and fitting values to them. Pure.
Source: Transact-SQL reference, "sp_executesql", "sp_prepare", "DECLARE @local_variable".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.gateway.conversions import convert
from keyless.providers.sql.tds.requests import MAX_PARAMETERS
from keyless.providers.sql.types import Kind, Parameter, SqlType

_NAME = r"@[\w@#$]{0,127}"
_ONE = re.compile(
    rf"\s*(?P<name>{_NAME})\s+(?:AS\s+)?(?:\[?sys\]?\.)?\[?(?P<type>[a-z_][\w ]{{0,127}}?)\]?"
    r"\s*(?:\(\s*(?P<first>\d{1,4}|max)\s*(?:,\s*(?P<second>\d{1,2})\s*)?\))?"
    r"\s*(?P<output>\b(?:OUTPUT|OUT)\b)?\s*(?P<readonly>\bREADONLY\b)?\s*(?:,|\Z)",
    re.IGNORECASE,
)
_BLANK = re.compile(r"\s*\Z")
#: Room for as many parameters as there may be, each with a name and a type of the longest.
_LONGEST = 1_000_000
_SYNONYMS = {
    "integer": Kind.INT,
    "dec": Kind.DECIMAL,
    "double precision": Kind.FLOAT,
    "national character": Kind.NCHAR,
    "national character varying": Kind.NVARCHAR,
    "character": Kind.CHAR,
    "character varying": Kind.VARCHAR,
}
_ALIASES = {
    "sysname": SqlType(Kind.NVARCHAR, 128),
    "rowversion": SqlType(Kind.BINARY, 8),
    "timestamp": SqlType(Kind.BINARY, 8),
}
_SIZED = {Kind.CHAR, Kind.VARCHAR, Kind.NCHAR, Kind.NVARCHAR, Kind.BINARY, Kind.VARBINARY}
_SCALED = {Kind.TIME, Kind.DATETIME2, Kind.DATETIMEOFFSET}
_LARGEST = {Kind.NCHAR: 4000, Kind.NVARCHAR: 4000}
_MAX = {Kind.VARCHAR, Kind.NVARCHAR, Kind.VARBINARY}


@lru_cache(512)
def read_declarations(text: str) -> tuple[Parameter, ...]:
    """The parameters that a text declares, without values; raises SqlError."""
    found: list[Parameter] = []
    at = 0
    if len(text) > _LONGEST:
        raise SqlError(103, f"The declaration of parameters is too long: at most {_LONGEST} characters.")
    while not _BLANK.match(text, at):
        match = _ONE.match(text, at)
        if match is None or len(found) >= MAX_PARAMETERS:
            near = text[at : at + 400].strip()[:40]
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
        value = convert(values[place].value, values[place].type.kind, parameter.type, parameter.name)
        bound.append(replace(parameter, value=value, output=values[place].output and parameter.output))
    return tuple(bound)


def _type(match: re.Match[str]) -> SqlType:
    name = " ".join(match["type"].lower().split())
    first, second = (match["first"] or "").lower(), match["second"]
    if name in _ALIASES:
        return _ALIASES[name]
    try:
        kind = _SYNONYMS.get(name) or Kind(name)
    except ValueError:
        raise SqlError(2715, f"Parameter {match['name']}: cannot find data type {name}.") from None
    if kind in _SIZED:
        return _sized(kind, first, match["name"])
    digits = int(first) if first.isdigit() else 99 if first else None
    if kind in (Kind.DECIMAL, Kind.NUMERIC):
        precision, scale = 18 if digits is None else digits, int(second or 0)
        if not 1 <= precision <= 38 or scale > precision:
            raise SqlError(1001, f"Parameter {match['name']}: the precision is 1 to 38, and the scale not above it.")
        return SqlType(kind, precision=precision, scale=scale)
    if kind in _SCALED:
        scale = 7 if digits is None else digits
        if scale > 7:
            raise SqlError(1002, f"Parameter {match['name']}: the scale is 0 to 7.")
        return SqlType(kind, scale=scale)
    return SqlType(Kind.REAL if kind is Kind.FLOAT and digits is not None and digits <= 24 else kind)


def _sized(kind: Kind, length: str, name: str) -> SqlType:
    if length == "max" and kind in _MAX:
        return SqlType(kind)
    largest = _LARGEST.get(kind, 8000)
    if not length:
        return SqlType(kind, 1)
    if length == "max" or not 1 <= int(length) <= largest:
        raise SqlError(131, f"Parameter {name}: the size is 1 to {largest}.")
    return SqlType(kind, int(length))

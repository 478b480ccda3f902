"""Identifiers and literals, written so that PostgreSQL reads what T-SQL meant and nothing else.

Owns quoting. Names are compared without case: they are folded, and always quoted. No I/O.
"""

from __future__ import annotations

import hashlib
import re

from keyless.providers.sql.engine import SqlError

_LONGEST = 128  # characters, in T-SQL; a name that the translation makes itself may have two of them
_KEPT, _TOLD_APART = 63, 20  # bytes that PostgreSQL keeps of a name, and digits of a longer one's hash
_MOST_PARTS = 4
_PART = re.compile(r'\s*(?:\[((?:[^\]]|\]\])*)\]|"((?:[^"]|"")*)"|([^\s."\[\]]*))\s*(\.|$)')
_HIDDEN = ("pg_", "tsql", "public", "guest")
_BEFORE_SCHEMAS = {"sysobjects"}
_INFORMATION_SCHEMA = "tsql_information_schema"  # PostgreSQL has one of its own


def fold(name: str) -> str:
    """The one spelling of a name, as PostgreSQL can keep it; the name as it was written stands in a comment."""
    folded = name.lower()
    if not folded or "\0" in folded:
        raise SqlError(1038, "An object or column name is missing or empty.", severity=15)
    if len(folded) > 2 * _LONGEST + 1:
        message = f"The identifier that starts with '{name[:20]}' is too long. Maximum length is {_LONGEST}."
        raise SqlError(103, message, severity=15)
    written = folded.encode()
    if len(written) > _KEPT:  # PostgreSQL would cut it off in silence, and take two names for one
        start = written[: _KEPT - _TOLD_APART - 1].decode(errors="ignore")
        return f"{start}~{hashlib.sha256(written).hexdigest()[:_TOLD_APART]}"
    return folded


def quoted(name: str) -> str:
    """An identifier, as PostgreSQL reads it."""
    return '"' + fold(name).replace('"', '""') + '"'


def text(value: str) -> str:
    """A string, as PostgreSQL reads it with standard_conforming_strings."""
    if "\0" in value:
        raise SqlError(102, "A string cannot hold the character 0.", severity=15)
    return "'" + value.replace("'", "''") + "'"


def parts_of(name: str) -> list[str]:
    """The parts of a name with dots, as `[dbo].[add order]` or `dbo.p`; SqlError where it is none."""
    parts, match = list[str](), _PART.match(name)
    while match is not None and len(parts) < _MOST_PARTS:
        bracketed, quote, plain, dot = match.groups()
        parts.append((bracketed or "").replace("]]", "]") or (quote or "").replace('""', '"') or plain or "")
        if not dot:
            if parts[-1]:
                return parts
            break
        match = _PART.match(name, match.end())
    raise SqlError(2812, f"Could not find stored procedure '{name}'.")


def relation(name: str, schema: str | None) -> str:
    """A table's full name. What is PostgreSQL's own is not there for T-SQL: 208."""
    folded = fold(schema) if schema else "dbo"
    if folded.startswith(_HIDDEN):
        raise SqlError(208, f"Invalid object name '{schema}.{name}'.")
    if folded == "dbo" and name.lower() in _BEFORE_SCHEMAS:
        folded = "sys"
    if folded == "information_schema":
        folded = _INFORMATION_SCHEMA
    return f"{quoted(folded)}.{quoted(name)}"


def of_tempdb(name: str) -> str:
    """The full name of a view of tempdb's catalog, where nothing but the session's own temporary tables is."""
    return f"tsql_tempdb.{quoted(name)}"


def temporary(name: str) -> str:
    """The full name of a local temporary table, given without its `#`."""
    return f"pg_temp.{quoted('#' + name)}"

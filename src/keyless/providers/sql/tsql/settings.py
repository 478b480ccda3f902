"""The statement SET, for options of a session.

Owns which options there are. No I/O.
Source: Transact-SQL reference, "SET Statements".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.providers.sql.tsql.plan import Action, Step, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

# what drivers set when they connect, and what this server does anyway; None for any value
_ALREADY_SO = {
    "ANSI_NULLS": "ON", "ANSI_PADDING": "ON", "ANSI_WARNINGS": "ON", "ARITHABORT": "ON",
    "CONCAT_NULL_YIELDS_NULL": "ON",
    "QUOTED_IDENTIFIER": "ON", "ANSI_NULL_DFLT_ON": "ON", "NUMERIC_ROUNDABORT": "OFF",
    "CURSOR_CLOSE_ON_COMMIT": "OFF", "NOEXEC": "OFF", "PARSEONLY": "OFF",
    "DATEFIRST": "7", "ROWCOUNT": "0", "LANGUAGE": "US_ENGLISH", "TEXTSIZE": None,
    "DEADLOCK_PRIORITY": None,
}  # fmt: skip
_LONGEST_WAIT = 2**31 - 1
_SWITCHES = {"NOCOUNT", "XACT_ABORT", "IMPLICIT_TRANSACTIONS", "FMTONLY"}
_LEVELS = {
    "READ UNCOMMITTED": "READ_UNCOMMITTED", "READ COMMITTED": "READ_COMMITTED", "REPEATABLE READ": "REPEATABLE_READ",
    "SERIALIZABLE": "SERIALIZABLE", "SNAPSHOT": "SNAPSHOT",
}  # fmt: skip


def set_(reader: Reader) -> Step:
    """SET …"""
    reader.need("SET")
    if reader.word("TRANSACTION", "ISOLATION", "LEVEL"):
        for words, level in _LEVELS.items():
            if reader.word(*words.split()):
                return Step(Action.SET, arguments=("ISOLATION", level), line=reader.line)
        raise reader.error()
    if reader.word("IDENTITY_INSERT"):
        table = reader.table()
        return Step(Action.IDENTITY_INSERT, arguments=(table, on_or_off(reader)), line=reader.line)
    if reader.word("LOCK_TIMEOUT"):
        return Step(Action.SET, arguments=("LOCK_TIMEOUT", _milliseconds(reader)), line=reader.line)
    if reader.word("DATEFORMAT"):
        return Step(Action.SET, arguments=("DATEFORMAT", _order(reader)), line=reader.line)
    options = [_option(reader)]
    while reader.word(","):
        options.append(_option(reader))
    if len(options) == 1 and options[0] in _SWITCHES:
        return Step(Action.SET, arguments=(options[0], on_or_off(reader)), line=reader.line)
    for option in options:
        if option not in _ALREADY_SO:
            raise unsupported(f"SET {option}")
    value = reader.ahead()
    reader.take()
    for option in options:
        only = _ALREADY_SO[option]
        if only is not None and value not in only.split():
            raise unsupported(f"SET {option} {value}")
    return Step(Action.SET, arguments=("NOTHING",), line=reader.line)


def _option(reader: Reader) -> str:
    word = reader.ahead()
    reader.take()
    return word


def _milliseconds(reader: Reader) -> str:
    """How long to wait for a lock, as PostgreSQL counts: for ever (-1) is 0 there, not at all (0) is 1."""
    endless = reader.word("-", "1")
    word = "0" if endless else reader.take()
    if not word.isdigit() or int(word) > _LONGEST_WAIT:
        raise reader.error()
    return "0" if endless else str(max(int(word), 1))


def _order(reader: Reader) -> str:
    """How dates are read, as PostgreSQL says it; with the day first it would read 2024-01-02 in another way."""
    word = reader.take()
    if word.upper() not in {"MDY", "YMD"}:
        raise unsupported(f"SET DATEFORMAT {word}")
    return f"'ISO, {word.upper()}'"


def on_or_off(reader: Reader) -> str:
    """ON or OFF, as it is written."""
    word = reader.ahead()
    if word not in {"ON", "OFF"}:
        raise reader.error()
    reader.take()
    return word

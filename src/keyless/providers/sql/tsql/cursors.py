"""DECLARE CURSOR, OPEN, FETCH, CLOSE and DEALLOCATE.

Owns their grammar, and which kinds of cursor there are: those that read, over the rows as they are when it is opened.
No I/O. Source: Transact-SQL reference, "DECLARE CURSOR", "FETCH".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.providers.sql.tsql import select, variables
from keyless.providers.sql.tsql.blocks import Cursor, CursorVerb, Fetch, Statement
from keyless.providers.sql.tsql.plan import Step, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

_OPTIONS = {"LOCAL", "GLOBAL", "FORWARD_ONLY", "STATIC", "FAST_FORWARD", "READ_ONLY", "INSENSITIVE", "SCROLL"}
_REFUSED = {"KEYSET", "DYNAMIC", "SCROLL_LOCKS", "OPTIMISTIC", "TYPE_WARNING"}
_DIRECTIONS = {"NEXT", "PRIOR", "FIRST", "LAST", "ABSOLUTE", "RELATIVE"}


def declare(reader: Reader) -> Statement:
    """The name and the rest, after DECLARE."""
    line, name = reader.line, reader.name()
    _options(reader)
    reader.need("CURSOR")
    _options(reader)
    reader.need("FOR")
    query = select.with_(reader) if reader.ahead() == "WITH" else select.query(reader)
    if not isinstance(query, Step):
        raise reader.error()
    if reader.word("FOR") and not reader.word("READ", "ONLY"):
        raise unsupported(f"A cursor FOR {reader.ahead()}")
    return Cursor(name.lower(), query, line)


def _options(reader: Reader) -> None:
    while reader.ahead() in _OPTIONS | _REFUSED:
        if reader.ahead() in _REFUSED:
            raise unsupported(f"A cursor that is {reader.ahead()}")
        reader.take()


def verb(reader: Reader) -> list[Statement]:
    """OPEN, CLOSE, DEALLOCATE."""
    word = reader.ahead()
    reader.take()
    return [CursorVerb(word, _name(reader), reader.line)]


def fetch(reader: Reader) -> list[Statement]:
    """FETCH …"""
    reader.need("FETCH")
    direction, number = "NEXT", None
    if reader.ahead() in _DIRECTIONS:
        direction = reader.ahead()
        reader.take()
        if direction in {"ABSOLUTE", "RELATIVE"}:
            number = variables.number(reader)
        reader.need("FROM")
    else:
        reader.word("FROM")
    name, into = _name(reader), list[str]()
    if reader.word("INTO"):
        into.append(_variable(reader))
        while reader.word(","):
            into.append(_variable(reader))
    return [Fetch(name, direction, number, tuple(into), reader.line)]


def _name(reader: Reader) -> str:
    reader.word("GLOBAL")
    if reader.ahead() == "@":
        raise unsupported("A cursor variable")
    return reader.name().lower()


def _variable(reader: Reader) -> str:
    found = variables.name(reader)
    variables.type_of(reader, found)
    return found.lower()

"""CREATE, ALTER and DROP of what has a text of its own: procedures, functions, views.

Owns which words begin such a definition; every other one is a definition of data (`definitions`). No I/O.
Source: Transact-SQL reference, "CREATE PROCEDURE", "CREATE FUNCTION", "CREATE VIEW".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import definitions, procedures, user_functions, views
from keyless.providers.sql.tsql.blocks import Statement
from keyless.providers.sql.tsql.plan import Step, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader


def create(reader: Reader) -> Step | list[Statement]:
    """CREATE …"""
    start = reader.parser._index
    reader.need("CREATE")
    mode = "CREATE OR ALTER" if reader.word("OR", "ALTER") else "CREATE"
    found = _module(reader, mode)
    if found is not None:
        return found
    if mode != "CREATE":
        raise unsupported(f"CREATE OR ALTER {reader.ahead()}")
    reader.parser._retreat(start)
    return definitions.create(reader)


def alter(reader: Reader) -> Step | list[Statement]:
    """ALTER …"""
    start = reader.parser._index
    reader.need("ALTER")
    found = _module(reader, "ALTER")
    if found is not None:
        return found
    reader.parser._retreat(start)
    return definitions.alter(reader)


def drop(reader: Reader) -> Step | list[Statement]:
    """DROP …"""
    start = reader.parser._index
    reader.need("DROP")
    if reader.word("PROCEDURE") or reader.word("PROC"):
        return procedures.drop(reader)
    if reader.word("FUNCTION"):
        return user_functions.drop(reader)
    if reader.ahead() in _REFUSED:
        raise unsupported(f"DROP {reader.ahead()}")
    reader.parser._retreat(start)
    return definitions.drop(reader)


def _module(reader: Reader, mode: str) -> list[Statement] | None:
    at = reader.parser._index
    for words, kind, define in _KINDS:
        if reader.word(words):
            if at > (3 if mode == "CREATE OR ALTER" else 1):
                message = f"'CREATE/ALTER {kind}' must be the first statement in a query batch."
                raise SqlError(111, message, severity=15)
            return define(reader, mode)
    if reader.ahead() in _REFUSED:
        raise unsupported(f"{mode} {reader.ahead()}")
    return None


_REFUSED = {"TRIGGER", "SYNONYM", "ASSEMBLY", "AGGREGATE", "TYPE", "RULE", "DEFAULT"}
_KINDS: tuple[tuple[str, str, Callable[[Reader, str], list[Statement]]], ...] = (
    ("PROCEDURE", "PROCEDURE", procedures.define),
    ("PROC", "PROCEDURE", procedures.define),
    ("VIEW", "VIEW", views.define),
    ("FUNCTION", "FUNCTION", user_functions.define),
)

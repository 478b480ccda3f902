"""Blocks, branches, loops, TRY and what is said and raised.

Owns their grammar. No I/O.
Source: Transact-SQL reference, "Control-of-Flow Language", "PRINT", "RAISERROR", "THROW", "WAITFOR", "RETURN".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot.tokenizer_core import TokenType

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import transactions, variables
from keyless.providers.sql.tsql.blocks import (
    Break,
    Continue,
    Expression,
    Goto,
    If,
    Label,
    Print,
    Raise,
    Return,
    Statement,
    Throw,
    Try,
    Wait,
    While,
)
from keyless.providers.sql.tsql.plan import syntax, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

_DEEPEST = 64


def block(reader: Reader) -> list[Statement]:
    """BEGIN: a transaction, a block or a TRY."""
    following = reader.parser._next.text.upper() if reader.parser._next else ""
    if following in {"TRAN", "TRANSACTION"}:
        return [transactions.begin(reader)]
    if following in {"DISTRIBUTED", "DIALOG", "CONVERSATION", "ATOMIC"}:
        raise unsupported(f"BEGIN {following}")
    reader.need("BEGIN")
    if following == "TRY":
        return [_try(reader)]
    body = _until(reader, "END")
    if not body:
        raise reader.error()
    return body


def _try(reader: Reader) -> Statement:
    reader.need("TRY")
    body = _until(reader, "END", "TRY")
    if not reader.word("BEGIN", "CATCH"):
        raise reader.error()
    return Try(tuple(body), tuple(_until(reader, "END", "CATCH")))


def _until(reader: Reader, *end: str) -> list[Statement]:
    found: list[Statement] = []
    with reader.nested(_DEEPEST):
        while not reader.word(*end):
            if not reader.parser._curr:
                raise reader.error()
            found += reader.one()
    return found


def if_(reader: Reader) -> list[Statement]:
    """IF …"""
    line = reader.line
    reader.need("IF")
    condition = variables.condition(reader)
    then = _one(reader)
    _semicolon_before_else(reader)
    otherwise = _one(reader) if reader.word("ELSE") else ()
    return [If(condition, then, otherwise, line)]


def while_(reader: Reader) -> list[Statement]:
    """WHILE …"""
    line = reader.line
    reader.need("WHILE")
    condition = variables.condition(reader)
    reader.loops += 1
    body = _one(reader)
    reader.loops -= 1
    return [While(condition, body, line)]


def _one(reader: Reader) -> tuple[Statement, ...]:
    with reader.nested(_DEEPEST):
        if not reader.parser._curr or reader.ahead() == ";":
            raise reader.error()
        return tuple(reader.one())


def _semicolon_before_else(reader: Reader) -> None:
    following = reader.parser._next.text.upper() if reader.parser._next else ""
    if reader.ahead() == ";" and following == "ELSE":
        reader.take()


def leave(reader: Reader) -> list[Statement]:
    """BREAK or CONTINUE."""
    word = reader.ahead()
    reader.take()
    if not reader.loops:
        number = 135 if word == "BREAK" else 136
        raise SqlError(number, f"Cannot use a {word} statement outside the scope of a WHILE statement.", severity=15)
    return [Break(reader.line) if word == "BREAK" else Continue(reader.line)]


def label(reader: Reader) -> list[Statement]:
    """name:"""
    word = reader.name()
    reader.need(":")
    return [Label(word.lower(), reader.line)]


def goto(reader: Reader) -> list[Statement]:
    """GOTO name."""
    reader.need("GOTO")
    return [Goto(reader.name().lower(), reader.line)]


def return_(reader: Reader) -> list[Statement]:
    """RETURN, with a value or without."""
    reader.need("RETURN")
    if reader.ends():
        return [Return(None, reader.line)]
    if reader.returns is None:
        raise SqlError(178, "A RETURN statement with a return value cannot be used in this context.", severity=15)
    node = reader.expression()
    return [Return(variables.typed(reader, node, reader.returns), reader.line)]


def throw(reader: Reader) -> list[Statement]:
    """THROW …"""
    reader.need("THROW")
    if reader.ends():
        return [Throw((), reader.line)]
    parts = _list(reader, [variables.number, variables.text, variables.number])
    if len(parts) != 3:
        raise reader.error()
    return [Throw(parts, reader.line)]


def print_(reader: Reader) -> list[Statement]:
    """PRINT …"""
    reader.need("PRINT")
    return [Print(variables.text(reader), reader.line)]


def raiserror(reader: Reader) -> list[Statement]:
    """RAISERROR (…) WITH …"""
    reader.need("RAISERROR")
    if reader.ahead() != "(":
        raise unsupported("RAISERROR without parentheses")
    reader.need("(")
    parts = _list(reader, [_message, variables.number, variables.number])
    reader.need(")")
    if not 3 <= len(parts) <= 23:
        raise reader.error()
    options = set()
    if reader.word("WITH"):
        while True:
            option = reader.ahead()
            if option not in {"NOWAIT", "SETERROR"}:
                raise unsupported(f"RAISERROR WITH {option}")
            options.add(option)
            reader.take()
            if not reader.word(","):
                break
    return [Raise(parts, "SETERROR" in options, reader.line)]


def _message(reader: Reader) -> Expression:
    if reader.parser._curr and reader.parser._curr.token_type is TokenType.NUMBER:
        raise unsupported("RAISERROR with the number of a message")
    return variables.text(reader)


def _list(reader: Reader, readers: list[Callable[[Reader], Expression]]) -> tuple[Expression, ...]:
    found: list[Expression] = []
    while True:
        read = readers[len(found)] if len(found) < len(readers) else variables.expression
        found.append(read(reader))
        if not reader.word(","):
            return tuple(found)


def waitfor(reader: Reader) -> list[Statement]:
    """WAITFOR DELAY."""
    reader.need("WAITFOR")
    if not reader.word("DELAY"):
        raise unsupported(f"WAITFOR {reader.ahead()}")
    return [Wait(variables.text(reader), reader.line)]


def not_here(reader: Reader) -> list[Statement]:
    """A word that begins no statement here."""
    word = reader.ahead()
    raise syntax(word, reader.line) if word in {"END", "ELSE"} else unsupported(f"The statement {word}", reader.line)

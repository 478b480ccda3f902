"""BEGIN, COMMIT, ROLLBACK and SAVE TRANSACTION.

Owns their grammar. No I/O.
Source: Transact-SQL reference, "Transactions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot.tokenizer_core import TokenType

from keyless.providers.sql.tsql.grammar import NEVER_A_NAME
from keyless.providers.sql.tsql.plan import Action, Step, unsupported

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader


def _transaction_name(reader: Reader) -> tuple[str, ...]:
    current = reader.parser._curr
    if not current or current.token_type is TokenType.SEMICOLON or current.text.upper() in NEVER_A_NAME:
        return ()
    return (reader.name(),)


def begin(reader: Reader) -> Step:
    """BEGIN TRANSACTION …"""
    reader.need("BEGIN")
    if not (reader.word("TRAN") or reader.word("TRANSACTION")):
        raise reader.error()
    name = _transaction_name(reader)
    if reader.word("WITH"):
        raise unsupported("BEGIN TRANSACTION … WITH MARK")
    return Step(Action.BEGIN, arguments=name, line=reader.line)


def commit(reader: Reader) -> Step:
    """COMMIT …"""
    reader.need("COMMIT")
    named = reader.word("TRAN") or reader.word("TRANSACTION")
    reader.word("WORK")
    return Step(Action.COMMIT, arguments=_transaction_name(reader) if named else (), line=reader.line)


def rollback(reader: Reader) -> Step:
    """ROLLBACK …"""
    reader.need("ROLLBACK")
    named = reader.word("TRAN") or reader.word("TRANSACTION")
    reader.word("WORK")
    return Step(Action.ROLLBACK, arguments=_transaction_name(reader) if named else (), line=reader.line)


def save(reader: Reader) -> Step:
    """SAVE TRANSACTION …"""
    reader.need("SAVE")
    if not (reader.word("TRAN") or reader.word("TRANSACTION")):
        raise reader.error()
    return Step(Action.SAVE, arguments=(reader.name(),), line=reader.line)

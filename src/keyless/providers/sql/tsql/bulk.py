"""The statement INSERT BULK, which drivers write themselves and nobody else does.

Owns its grammar. No I/O. Source: [MS-TDS] 2.2.6.1; Transact-SQL reference, "BULK INSERT" (the options' meaning).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql.grammar import Dialect
from keyless.providers.sql.tsql.names import relation, temporary
from keyless.providers.sql.tsql.plan import syntax, unsupported

# checks and triggers always run here, and an order or a lock is a hint
_OPTIONS = {"KEEP_NULLS", "CHECK_CONSTRAINTS", "FIRE_TRIGGERS", "TABLOCK", "ROWS_PER_BATCH", "KILOBYTES_PER_BATCH"}
_ORDER = "ORDER"


@dataclass(frozen=True)
class Bulk:
    """`table` is PostgreSQL's name of it, `columns` the names in the order of the rows."""

    table: str
    columns: tuple[str, ...]
    keep_nulls: bool


def read(text: str) -> Bulk:
    """An INSERT BULK; raises SqlError."""
    try:
        tokens = Dialect().tokenize(text)
    except TokenError:
        raise SqlError(105, "A string, a name or a comment is not closed.", severity=15) from None
    words = _Words(tokens)
    words.need("INSERT")
    words.need("BULK")
    table = _table(words)
    words.need("(")
    columns = []
    while True:
        columns.append(words.take().text)
        words.skip_to_comma()
        if not words.has(","):
            break
    words.need(")")
    options = _options(words)
    words.has(";")
    if words.ahead is not None:
        raise syntax(words.ahead.text)
    return Bulk(table, tuple(columns), "KEEP_NULLS" in options)


def _table(words: _Words) -> str:
    if words.has("#"):
        return temporary(words.take().text)
    parts = [words.take().text]
    while words.has("."):
        parts.append("" if words.ahead is not None and words.ahead.text == "." else words.take().text)
    if parts[-1].startswith("#"):
        return temporary(parts[-1][1:])
    if len(parts) > 2 and any(parts[:-2]):
        raise unsupported("INSERT BULK into another database")
    return relation(parts[-1], parts[-2] if len(parts) > 1 and parts[-2] else None)


def _options(words: _Words) -> set[str]:
    found: set[str] = set()
    if not words.has("WITH"):
        return found
    words.need("(")
    while True:
        name = words.take().text.upper()
        if name not in _OPTIONS and name != _ORDER:
            raise unsupported(f"INSERT BULK with {name}")
        found.add(name)
        words.skip_to_comma()
        if not words.has(","):
            break
    words.need(")")
    return found


class _Words:
    """The tokens, one after the other."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def ahead(self) -> Token | None:
        """The next one."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def take(self) -> Token:
        """The next one, which there has to be."""
        token = self.ahead
        if token is None:
            raise syntax("end of statement")
        self._at += 1
        return token

    def has(self, word: str) -> bool:
        """Take a word if it comes next."""
        token = self.ahead
        if token is None or token.token_type is TokenType.IDENTIFIER or token.text.upper() != word:
            return False
        self._at += 1
        return True

    def need(self, word: str) -> None:
        """A word comes next."""
        if not self.has(word):
            raise syntax(self.ahead.text if self.ahead else "end of statement")

    def skip_to_comma(self) -> None:
        """Leave out the rest of an entry, a type say: the rows tell their types themselves."""
        deep = 0
        while (token := self.ahead) is not None:
            if token.text == "(":
                deep += 1
            elif token.text == ")" or (token.text == "," and not deep):
                if not deep:
                    return
                deep -= 1
            self._at += 1

"""Whether a tree holds all that was written: sqlglot reads over words that it does not keep.

Owns the comparison of a piece of text with what its tree says in T-SQL again. What is missing there is an error that
names it. Order and parentheses, which are the tree's shape, are not compared, and what the tree says beyond the text
does no harm. No I/O.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlglot import exp
from sqlglot.errors import ErrorLevel
from sqlglot.tokenizer_core import Token, TokenType

from keyless.providers.sql.tsql.grammar import Dialect
from keyless.providers.sql.tsql.plan import unsupported

# said or not, they mean the same, wherever they can stand
_NOISE = frozenset({"AS", "INNER", "OUTER", "ASC", "(", ")", ";"})
_ALIKE = {
    "NEXT": "FIRST", "ROW": "ROWS", "SOME": "ANY", "INTEGER": "INT", "DEC": "NUMERIC", "DECIMAL": "NUMERIC",
    "DOUBLE PRECISION": "FLOAT",
}  # fmt: skip

_QUOTED = {TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.IDENTIFIER}
_BEFORE_A_SIGN = {
    TokenType.L_PAREN, TokenType.COMMA, TokenType.EQ, TokenType.PLUS, TokenType.DASH, TokenType.STAR, TokenType.SLASH,
    TokenType.SELECT,
}  # fmt: skip

Part = tuple[str, str]


def account(
    tokens: Sequence[Token], nodes: Iterable[exp.Expr | None], line: int, noise: frozenset[str] = frozenset()
) -> None:
    """Raise the error for the first of these tokens that the nodes do not say again; words in `noise` need not be."""
    dialect = Dialect()
    said = Counter[Part]()
    for node in nodes:
        if node is not None:
            # what it cannot say is missing then; its warnings would show the statement in the log
            again = node.sql(dialect=dialect, unsupported_level=ErrorLevel.IGNORE)
            said.update(part for token in dialect.tokenize(again) for part in _parts(token))
    before: Token | None = None
    for token in tokens:
        if token.text.upper() not in noise and not _is_a_sign(token, before):
            for part in _parts(token):
                if not said[part]:
                    raise unsupported(f"{token.text[:128]} here", line)
                said[part] -= 1
        before = token


def _is_a_sign(token: Token, before: Token | None) -> bool:
    """Whether it is a plus that changes nothing."""
    return token.token_type is TokenType.PLUS and (before is None or before.token_type in _BEFORE_A_SIGN)


def _parts(token: Token) -> list[Part]:
    if token.token_type is TokenType.NUMBER:  # .5 is said as 0.5
        whole, dot, rest = token.text.partition(".")
        return [("0", digits) for digits in (whole, rest) if digits] + [(".", "DOT")] * len(dot)
    if token.token_type in _QUOTED:  # an alias may be written as a string
        return [("'", token.text)]
    words = token.text.upper()
    if words in _NOISE:
        return []
    if not words[:1].isalpha():
        return [(".", token.token_type.name)]
    return [("'", _ALIKE.get(word, word)) for word in _ALIKE.get(words, words).split() if word not in _NOISE]

"""Whether a tree holds all that was written: sqlglot reads over words that it does not keep.

Owns the comparison of a piece of text with what its tree says in T-SQL again: each token has to come again, as often
and in the same order. What does not is an error that names it. Parentheses, which are the tree's shape, are not
compared, and what the tree says beyond the text does no harm. No I/O.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlglot import exp
from sqlglot.errors import ErrorLevel
from sqlglot.generator import Generator
from sqlglot.tokenizer_core import Token, TokenType

from keyless.providers.sql.tsql.grammar import Dialect, Speech
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
    trees = [node for node in nodes if node is not None]
    counted = Counter(_said(dialect, dialect.generator(unsupported_level=ErrorLevel.IGNORE), trees))
    in_order = iter(_said(dialect, _Twice(dialect=dialect, unsupported_level=ErrorLevel.IGNORE), trees))
    before: Token | None = None
    for token in tokens:
        if token.text.upper() not in noise and not _is_a_sign(token, before):
            for part in _parts(token):
                counted[part] -= 1
                if counted[part] < 0 or part not in in_order:
                    raise unsupported(f"{token.text[:128]} here", line)
        before = token


def _said(dialect: Dialect, generator: Generator, trees: Sequence[exp.Expr]) -> list[Part]:
    # what it cannot say is missing then; its warnings would show the statement in the log
    texts = [generator.generate(tree) for tree in trees]
    return [part for text in texts for token in dialect.tokenize(text) for part in _parts(token)]


class _Twice(Speech):
    """Says NOT in both of the places where it may have stood: `NOT a IN (1)` and `a NOT IN (1)` are one tree."""

    def not_sql(self, expression: exp.Not) -> str:
        inside = expression.this
        if not isinstance(inside, (exp.In, exp.Is, exp.Between, exp.Like, exp.Escape)):
            return super().not_sql(expression)
        whole, left = self.sql(inside), self.sql(inside, "this")
        if isinstance(inside, exp.Is):
            return f"NOT {left} IS NOT {self.sql(inside, 'expression')}"
        return f"NOT {left} NOT {whole.removeprefix(left)}"


def _is_a_sign(token: Token, before: Token | None) -> bool:
    """Whether it is a plus that changes nothing."""
    return token.token_type is TokenType.PLUS and (before is None or before.token_type in _BEFORE_A_SIGN)


def _parts(token: Token) -> list[Part]:
    if token.token_type is TokenType.NUMBER:  # .5 is said as 0.5
        whole, dot, rest = token.text.partition(".")
        written = [("0", whole), (".", "DOT" * len(dot)), ("0", rest)]
        return [part for part in written if part[1]]
    if token.token_type in _QUOTED:  # an alias may be written as a string
        return [("'", token.text)]
    words = token.text.upper()
    if words in _NOISE:
        return []
    if not words[:1].isalpha():
        return [(".", token.token_type.name)]
    return [("'", _ALIKE.get(word, word)) for word in _ALIKE.get(words, words).split() if word not in _NOISE]

"""T-SQL's grammar where sqlglot's own does not do: no guesses at functions, and words that are never a name.

Owns the dialect. Must not know PostgreSQL.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlglot import exp
from sqlglot.dialects.dialect import DialectType
from sqlglot.dialects.tsql import TSQL
from sqlglot.generators.tsql import TSQLGenerator
from sqlglot.parsers.tsql import TSQLParser
from sqlglot.tokenizer_core import Token, TokenType

# Without these an alias would swallow the next statement: SELECT 1 COMMIT
NEVER_A_NAME = frozenset(
    [
        "ADD",
        "ALTER",
        "AS",
        "BACKUP",
        "BEGIN",
        "BREAK",
        "BULK",
        "CHECKPOINT",
        "CLOSE",
        "COMMIT",
        "CONTINUE",
        "CREATE",
        "DBCC",
        "DEALLOCATE",
        "DECLARE",
        "DELETE",
        "DENY",
        "DROP",
        "ELSE",
        "END",
        "EXEC",
        "EXECUTE",
        "FETCH",
        "FOR",
        "FROM",
        "GO",
        "GOTO",
        "GRANT",
        "GROUP",
        "HAVING",
        "IF",
        "INSERT",
        "INTO",
        "KILL",
        "MERGE",
        "ON",
        "OPEN",
        "OPTION",
        "ORDER",
        "OUTPUT",
        "PIVOT",
        "PRINT",
        "RAISERROR",
        "READTEXT",
        "RECONFIGURE",
        "RESTORE",
        "RETURN",
        "REVERT",
        "REVOKE",
        "ROLLBACK",
        "SAVE",
        "SELECT",
        "SET",
        "SHUTDOWN",
        "TABLESAMPLE",
        "THROW",
        "TRUNCATE",
        "UNION",
        "UNPIVOT",
        "UPDATE",
        "USE",
        "VALUES",
        "WAITFOR",
        "WHEN",
        "WHERE",
        "WHILE",
        "WITH",
    ]
)


# a mark on an alias that stands in front of its column
_IN_FRONT = "in front"
_MONEY = re.compile(r"[$£€¥]\d*")


class Grammar(TSQLParser):
    """sqlglot's parser; every function call stays what it is called."""

    FUNCTIONS = {}  # noqa: RUF012
    NO_PAREN_FUNCTIONS = {}  # noqa: RUF012
    QUERY_MODIFIER_PARSERS = {  # noqa: RUF012
        token: parse for token, parse in TSQLParser.QUERY_MODIFIER_PARSERS.items() if token is not TokenType.LIMIT
    }
    FUNCTION_PARSERS = {  # noqa: RUF012
        **{
            name: TSQLParser.FUNCTION_PARSERS[name]
            for name in ("CAST", "TRY_CAST", "CONVERT", "TRY_CONVERT", "STRING_AGG", "OPENJSON", "TRIM")
        },
        "JSON_OBJECT": lambda self: self._parse_json_object(),
    }

    # one level for all of these, from left to right
    BITWISE = {}  # noqa: RUF012
    TERM = {**TSQLParser.TERM, **TSQLParser.BITWISE}  # noqa: RUF012
    # a sign takes all that is multiplied behind it: 6 / -2 * 3 is 6 / -(2 * 3)
    UNARY_PARSERS = {  # noqa: RUF012
        **TSQLParser.UNARY_PARSERS,
        TokenType.DASH: lambda self: self.expression(exp.Neg(this=self._parse_factor())),
        TokenType.PLUS: lambda self: self.expression(exp.Paren(this=self._parse_factor())),
    }

    def start(self, tokens: list[Token], sql: str) -> None:
        """Begin at the first token."""
        self.reset()
        self.sql = sql
        self._tokens = tokens
        self._tokens_size = len(tokens)
        self._index = -1
        self._advance()

    def _parse_projections(self) -> tuple[list[exp.Expr], list[exp.Expr] | None]:
        """The list of a SELECT, in which `name = value` names a column."""
        return [_named(part) for part in self._parse_expressions()], None

    def _parse_primary(self) -> exp.Expr | None:
        """Two strings side by side are a value and its name, not one value."""
        current, following = self._curr, self._next
        if current and following and current.token_type is following.token_type is TokenType.STRING:
            self._advance()
            return exp.Literal.string(current.text)
        return super()._parse_primary()

    def _parse_alias(self, this: exp.Expr | None, explicit: bool = False) -> exp.Expr | None:
        return this if self._at_label() else super()._parse_alias(this, explicit)

    def _parse_table_alias(self, alias_tokens: Collection[TokenType] | None = None) -> exp.TableAlias | None:
        return None if self._at_label() else super()._parse_table_alias(alias_tokens)

    def _at_label(self) -> bool:
        """Whether the next statement is a label, which an alias would swallow."""
        return self._next is not None and self._next.token_type is TokenType.COLON

    def _parse_id_var(self, any_token: bool = True, tokens: Collection[TokenType] | None = None) -> exp.Expr | None:
        current = self._curr
        if (
            current
            and current.token_type not in {TokenType.IDENTIFIER, TokenType.STRING}
            and current.text.upper() in NEVER_A_NAME
        ):
            return None
        return super()._parse_id_var(any_token=any_token, tokens=tokens)


def _named(part: exp.Expr) -> exp.Expr:
    name = _name_in_front(part.this) if isinstance(part, exp.EQ) else None
    if name is None:
        return part
    alias = exp.alias_(part.expression, name, copy=False)
    alias.meta[_IN_FRONT] = True
    return alias


def _name_in_front(node: exp.Expr) -> exp.Identifier | None:
    """A column's name in front of its value, which may be written as a string."""
    if isinstance(node, exp.Literal) and node.is_string:
        return exp.to_identifier(node.name, quoted=True)
    if isinstance(node, exp.Column) and not node.args.get("table") and isinstance(node.this, exp.Identifier):
        return node.this
    return None


class Speech(TSQLGenerator):
    """Says a tree again, word by word: money and the names in front of columns as they were written."""

    TRANSFORMS = {**TSQLGenerator.TRANSFORMS, exp.BitString: lambda _, node: f"${node.name}"}  # noqa: RUF012

    def alias_sql(self, expression: exp.Alias) -> str:
        if expression.meta.get(_IN_FRONT):
            return f"{self.sql(expression, 'alias')} = {self.sql(expression, 'this')}"
        return super().alias_sql(expression)


class Words(TSQL.Tokenizer):
    """sqlglot's tokenizer; no statement is swallowed as a text, and REAL is not taken for FLOAT."""

    COMMANDS = set()  # noqa: RUF012
    KEYWORDS = {word: kind for word, kind in TSQL.Tokenizer.KEYWORDS.items() if word != "REAL"}  # noqa: RUF012


class Dialect(TSQL):
    """T-SQL as this server reads it."""

    Parser = Grammar
    Tokenizer = Words
    Generator = Speech

    def tokenize(self, sql: str, dialect: DialectType = None) -> list[Token]:
        """The tokens of a text. Money comes as a string of bits, which T-SQL does not have, and `0x` as no bytes."""
        tokens: list[Token] = []
        for token in super().tokenize(sql, dialect):
            if token.token_type is TokenType.VAR and _MONEY.fullmatch(token.text):
                tokens.append(_as(TokenType.BIT_STRING, token.text[1:], token, token))
            elif tokens and _continues(tokens[-1], token):
                before = tokens.pop()
                tokens.append(_as(TokenType.BIT_STRING, before.text + token.text, before, token))
            elif token.token_type is TokenType.IDENTIFIER and sql[token.start : token.end + 1].lower() == "0x":
                tokens.append(_as(TokenType.HEX_STRING, "", token, token))
            else:
                tokens.append(token)
        return tokens


def _continues(before: Token, token: Token) -> bool:
    """Whether a token belongs to the money in front of it."""
    if before.token_type is not TokenType.BIT_STRING or token.start != before.end + 1 or "." in before.text[:-1]:
        return False
    digits = token.token_type is TokenType.NUMBER and before.text[-1:] in {"", "."}
    return digits or (token.token_type is TokenType.DOT and not before.text.endswith("."))


def _as(kind: TokenType, text: str, first: Token, last: Token) -> Token:
    return Token(kind, text, first.line, first.col, first.start, last.end, first.comments)

"""T-SQL's grammar where sqlglot's own does not do: no guesses at functions, and words that are never a name.

Owns the dialect. Must not know PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp
from sqlglot.dialects.tsql import TSQL
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


class Grammar(TSQLParser):
    """sqlglot's parser; every function call stays what it is called."""

    FUNCTIONS = {}  # noqa: RUF012
    NO_PAREN_FUNCTIONS = {}  # noqa: RUF012
    QUERY_MODIFIER_PARSERS = {  # noqa: RUF012
        token: parse for token, parse in TSQLParser.QUERY_MODIFIER_PARSERS.items() if token is not TokenType.LIMIT
    }
    FUNCTION_PARSERS = {  # noqa: RUF012
        name: TSQLParser.FUNCTION_PARSERS[name]
        for name in ("CAST", "TRY_CAST", "CONVERT", "TRY_CONVERT", "STRING_AGG", "OPENJSON")
    }

    def start(self, tokens: list[Token], sql: str) -> None:
        """Begin at the first token."""
        self.reset()
        self.sql = sql
        self._tokens = tokens
        self._tokens_size = len(tokens)
        self._index = -1
        self._advance()

    def _parse_id_var(self, any_token: bool = True, tokens: Collection[TokenType] | None = None) -> exp.Expr | None:
        current = self._curr
        if (
            current
            and current.token_type not in {TokenType.IDENTIFIER, TokenType.STRING}
            and current.text.upper() in NEVER_A_NAME
        ):
            return None
        return super()._parse_id_var(any_token=any_token, tokens=tokens)


class Words(TSQL.Tokenizer):
    """sqlglot's tokenizer; no statement is swallowed as a text."""

    COMMANDS = set()  # noqa: RUF012


class Dialect(TSQL):
    """T-SQL as this server reads it."""

    Parser = Grammar
    Tokenizer = Words

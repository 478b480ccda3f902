"""Reads a batch, statement by statement, and hands each to its writer.

Owns which statements there are. What is not here is an error that names it. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import TokenType

from keyless.providers.sql.engine import Command, SqlError
from keyless.providers.sql.tsql import definitions, insert, merge, permissions, select, settings, transactions, update
from keyless.providers.sql.tsql.accounting import account
from keyless.providers.sql.tsql.grammar import NEVER_A_NAME, Dialect, Grammar
from keyless.providers.sql.tsql.parts import Ledger
from keyless.providers.sql.tsql.plan import Action, Step, syntax, unsupported
from keyless.providers.sql.tsql.writer import Writer
from keyless.providers.sql.types import SqlType

Node = TypeVar("Node", bound=exp.Expr | None)

_LONGEST = 1 << 20
_COMMANDS = {
    "SELECT": Command.SELECT, "WITH": Command.SELECT, "(": Command.SELECT, "INSERT": Command.INSERT,
    "UPDATE": Command.UPDATE, "DELETE": Command.DELETE, "MERGE": Command.MERGE, "CREATE TABLE": Command.CREATE_TABLE,
    "ALTER TABLE": Command.ALTER_TABLE, "DROP TABLE": Command.DROP_TABLE,
}  # fmt: skip


def translate(text: str, declared: Mapping[str, SqlType], identity_insert: str = "") -> tuple[Step, ...]:
    """A batch's steps. `declared` are its parameters by name, folded; `identity_insert` the table that SET names."""
    if len(text) > _LONGEST:
        raise SqlError(103, "The batch is too long.", severity=15)
    if "\0" in text:
        raise unsupported("The character U+0000")  # what follows would never reach PostgreSQL
    dialect = Dialect()
    try:
        tokens = dialect.tokenize(text)
        parser = dialect.parser()
        assert isinstance(parser, Grammar)
        parser.start(tokens, text)
        return Reader(parser, declared, identity_insert).batch()
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        raise syntax(str(first.get("highlight") or "end of statement"), int(first.get("line") or 1)) from None
    except TokenError:
        raise SqlError(105, "A string, a name or a comment is not closed.", severity=15) from None
    except RecursionError:
        raise SqlError(191, "Some part of the statement is nested too deeply.", severity=15) from None


class Reader:
    """The statements of one batch."""

    def __init__(self, parser: Grammar, declared: Mapping[str, SqlType], identity_insert: str) -> None:
        self.parser = parser
        self.declared = declared
        self.identity_insert = identity_insert
        self._ledger = Ledger()
        self._roots: list[exp.Expr] = []
        self._read: set[int] = set()
        self._line = 1
        self._first = 0

    @property
    def line(self) -> int:
        """Where the statement begins."""
        return self._line

    def batch(self) -> tuple[Step, ...]:
        """All steps."""
        steps = []
        while self.parser._curr:
            if self.parser._match(TokenType.SEMICOLON):
                continue
            self._line = self.parser._curr.line
            self._first = self.parser._index
            word = self.parser._curr.text.upper()
            following = self.parser._next.text.upper() if self.parser._next else ""
            read = _STATEMENTS.get(word)
            if read is None or self.parser._curr.token_type is TokenType.IDENTIFIER:
                raise (
                    unsupported(f"The statement {word}", self._line)
                    if word in NEVER_A_NAME
                    else syntax(self.parser._curr.text, self._line)
                )
            try:
                command = _COMMANDS.get(word) or _COMMANDS.get(f"{word} {following}", Command.OTHER)
                steps.append(replace(read(self), command=command))
                self._settle()
            except SqlError as error:
                error.line = self._line
                raise
            self._ended()
        return tuple(steps)

    def word(self, *words: str) -> bool:
        """Take these words if they come next; a token may be several of them, such as PRIMARY KEY."""
        index, wanted = self.parser._index, list(words)
        while wanted:
            found = self.ahead().split() or [""]
            if (self.parser._curr and self.parser._curr.token_type is TokenType.IDENTIFIER) or found != wanted[
                : len(found)
            ]:
                self.parser._retreat(index)
                return False
            del wanted[: len(found)]
            self.parser._advance()
        self._read.update(range(index, self.parser._index))
        return True

    def need(self, *words: str) -> None:
        """These words come next, or it is an error."""
        if not self.word(*words):
            raise self.error()

    def error(self) -> SqlError:
        """What comes next does not fit."""
        return syntax(self.parser._curr.text if self.parser._curr else "end of statement", self._line)

    def take(self) -> str:
        """The next word in capitals, which the caller makes something of."""
        word = self.ahead()
        if not word:
            raise self.error()
        self._read.add(self.parser._index)
        self.parser._advance()
        return word

    def name(self) -> str:
        """One name."""
        start = self.parser._index
        node = self.parser._parse_id_var(any_token=False)
        if node is None:
            raise self.error()
        self._read.update(range(start, self.parser._index))
        return node.name

    def writer(self) -> Writer:
        """A writer for what this statement says."""
        return Writer(self.declared, self._ledger)

    def table(self) -> str:
        """A table's full name, in PostgreSQL's words."""
        return self.writer().table(self.table_name())

    def ahead(self) -> str:
        """The next word in capitals, '' at the end."""
        return self.parser._curr.text.upper() if self.parser._curr else ""

    def table_name(self) -> exp.Table:
        """A table's name."""
        table = self.whole(lambda: self.parser._parse_table_parts(schema=True))
        if not isinstance(table, exp.Table):
            raise self.error()
        return table

    def hinted_table(self) -> exp.Table:
        """A table's name, with its hints if there are any."""
        parser = self.parser

        def read() -> exp.Expr | None:
            table = parser._parse_table_parts(schema=True)
            if table is not None and (hints := parser._parse_table_hints()):
                table.set("hints", hints)
            return table

        table = self.whole(read)
        if not isinstance(table, exp.Table):
            raise self.error()
        return table

    def number(self) -> exp.Expr:
        """A number or a parameter."""
        node = self.whole(lambda: self.parser._parse_number() or self.parser._parse_parameter())
        if node is None:
            raise self.error()
        return node

    def behind_with(self) -> str:
        """The word behind WITH and its common table expressions, which come next."""
        index = self.parser._index
        self.parser._parse_with()
        word = self.ahead()
        self.parser._retreat(index)
        return word

    def opens_query(self) -> bool:
        """Whether a query in parentheses comes next, and no list of names."""
        following = self.parser._next
        return following is not None and following.text.upper() in {"SELECT", "WITH", "("}

    def expression(self) -> exp.Expr:
        """An expression or a predicate."""
        node = self.whole(self.parser._parse_disjunction)
        if node is None:
            raise self.error()
        return node

    def written(self, read: Callable[[], exp.Expr]) -> tuple[exp.Expr, str]:
        """What comes next, and its text."""
        start = self.parser._index
        node = read()
        return node, self._text(start, self.parser._index)

    def statement(self) -> str:
        """The text of the statement, as far as it has been read."""
        return self._text(self._first, self.parser._index)

    def _text(self, start: int, end: int) -> str:
        tokens = self.parser._tokens
        return self.parser.sql[tokens[start].start : tokens[end - 1].end + 1]

    def query(self) -> exp.Expr | None:
        """A query, if one comes next."""
        parser = self.parser
        return self.whole(lambda: parser._parse_query_modifiers(parser._parse_set_operations(parser._parse_select())))

    def where(self) -> exp.Expr | None:
        """The condition behind WHERE, if that comes next."""
        node = self.whole(self.parser._parse_where)
        return None if node is None else self._ledger.parts(node).this

    def expressions(self) -> list[exp.Expr]:
        """Expressions with commas."""
        start = self.parser._index
        found = self.parser._parse_csv(self.parser._parse_expression)
        commas = exp.Tuple(expressions=[node.copy() for node in found])
        account(self.parser._tokens[start : self.parser._index], [commas], self._line)
        self._roots += found
        self._read.update(range(start, self.parser._index))
        return found

    def whole(self, parse: Callable[[], Node], noise: frozenset[str] = frozenset()) -> Node:
        """What sqlglot reads next, of which it has to have kept every word."""
        start = self.parser._index
        node = parse()
        account(self.parser._tokens[start : self.parser._index], [node], self._line, noise)
        if node is not None:
            self._roots.append(node)
        self._read.update(range(start, self.parser._index))
        return node

    def literal(self, node: exp.Expr) -> str:
        """An expression of a definition, which takes no parameters."""
        return Writer({}, self._ledger)(node)

    def names(self, read: Callable[[], str]) -> list[str]:
        """Names with commas, in parentheses."""
        self.need("(")
        found = [read()]
        while self.word(","):
            found.append(read())
        self.need(")")
        return found

    def _settle(self) -> None:
        """Every token has been read by somebody, and every part of every tree has been written."""
        for index in range(self._first, self.parser._index):
            if index not in self._read:
                raise unsupported(f"{self.parser._tokens[index].text[:128]} here", self._line)
        for root in self._roots:
            self._ledger.settle(root)
        self._ledger, self._roots = Ledger(), []
        self._read.clear()

    def define(self, sql: str) -> Step:
        """A step of data definition."""
        return Step(Action.DEFINE, sql, line=self._line)

    def _ended(self) -> None:
        """After a statement comes another one, or nothing: a word that is left over is not dropped."""
        current = self.parser._curr
        if current and current.token_type is not TokenType.SEMICOLON and current.text.upper() not in _STATEMENTS:
            if current.text.upper() in NEVER_A_NAME:
                raise unsupported(f"{current.text.upper()} here", current.line)
            raise syntax(current.text, current.line)

    def step(
        self,
        action: Action,
        sql: str,
        writer: Writer,
        names: tuple[str | None, ...] = (),
        locks: tuple[str, ...] = (),
        arguments: tuple[str, ...] = (),
    ) -> Step:
        """A step with what a writer wrote."""
        return Step(action, sql, tuple(writer.parameters), names, arguments, self._line, locks=locks)


_STATEMENTS: dict[str, Callable[[Reader], Step]] = {
    "(": select.query, "SELECT": select.query, "WITH": select.with_, "INSERT": insert.insert, "UPDATE": update.update,
    "DELETE": update.delete, "MERGE": merge.merge, "TRUNCATE": definitions.truncate, "CREATE": definitions.create,
    "ALTER": definitions.alter, "DROP": definitions.drop, "GRANT": permissions.grant, "REVOKE": permissions.revoke,
    "DENY": permissions.deny,
    "BEGIN": transactions.begin, "COMMIT": transactions.commit, "ROLLBACK": transactions.rollback,
    "SAVE": transactions.save, "IF": transactions.if_, "SET": settings.set_,
}  # fmt: skip

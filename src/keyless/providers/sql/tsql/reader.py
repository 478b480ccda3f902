"""Reads a batch, statement by statement, and hands each to its writer.

Owns which statements there are. What is not here is an error that names it. No I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import TokenType

from keyless.providers.sql.engine import Command, SqlError
from keyless.providers.sql.tsql import (
    control,
    cursors,
    definitions,
    execute,
    insert,
    merge,
    modules,
    permissions,
    select,
    sequences,
    settings,
    transactions,
    update,
    variables,
)
from keyless.providers.sql.tsql.accounting import account
from keyless.providers.sql.tsql.blocks import Body, Statement
from keyless.providers.sql.tsql.flow import Program, program
from keyless.providers.sql.tsql.grammar import NEVER_A_NAME, Dialect, Grammar
from keyless.providers.sql.tsql.parts import Ledger
from keyless.providers.sql.tsql.plan import Action, Step, syntax, unsupported
from keyless.providers.sql.tsql.scope import Scope
from keyless.providers.sql.tsql.writer import Writer
from keyless.providers.sql.types import SqlType

Node = TypeVar("Node", bound=exp.Expr | None)
Found = TypeVar("Found")

_LONGEST = 1 << 20
_COMMANDS = {
    "SELECT": Command.SELECT, "(": Command.SELECT, "INSERT": Command.INSERT,
    "UPDATE": Command.UPDATE, "DELETE": Command.DELETE, "MERGE": Command.MERGE, "CREATE TABLE": Command.CREATE_TABLE,
    "ALTER TABLE": Command.ALTER_TABLE, "DROP TABLE": Command.DROP_TABLE,
}  # fmt: skip


def translate(text: str, declared: Mapping[str, SqlType], level: int = 0) -> Program:
    """What a batch becomes.

    `declared` are its parameters by name, folded; `level` how many procedures are around it.
    """
    return read(text, Scope(declared, level), lambda reader: program(reader.batch()))


def read(text: str, declared: Scope, find: Callable[[Reader], Found]) -> Found:
    """Whatever is to be found in a text; its errors are SQL Server's."""
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
        return find(Reader(parser, declared))
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        raise syntax(str(first.get("highlight") or "end of statement"), int(first.get("line") or 1)) from None
    except TokenError:
        raise SqlError(105, "A string, a name or a comment is not closed.", severity=15) from None
    except RecursionError:
        raise SqlError(191, "Some part of the statement is nested too deeply.", severity=15) from None


def mentioned(text: str) -> tuple[str, ...]:
    """The variables of a text that declares none itself; () for one that does."""
    tokens = Dialect().tokenize(text)
    if any(token.text.upper() == "DECLARE" for token in tokens):
        return ()
    sign = TokenType.PARAMETER
    kinds = [None, *(token.token_type for token in tokens)]
    names = (
        f"@{token.text}"
        for place, token in enumerate(tokens)
        if kinds[place] is sign and kinds[place - 1] is not sign and token.token_type is not sign
    )
    return tuple({name.lower(): name for name in names}.values())


class Reader:
    """The statements of one batch."""

    def __init__(self, parser: Grammar, declared: Scope) -> None:
        self.parser = parser
        self.declared = declared
        #: How many WHILE are around.
        self.loops = 0
        #: What RETURN gives, where it gives anything.
        self.returns: SqlType | None = None
        self._ledger = Ledger()
        self._roots: list[exp.Expr] = []
        self._read: set[int] = set()
        self._line = 1
        self._first = 0
        self._deep = 0

    @property
    def line(self) -> int:
        """Where the statement begins."""
        return self._line

    def batch(self) -> Body:
        """All that follows."""
        statements: list[Statement] = []
        while self.parser._curr:
            statements += self.one()
        return Body(tuple(statements), self.declared.variables, tuple(self.declared.tables.values()))

    def body(self, end: str) -> Body:
        """The statements up to a word."""
        statements: list[Statement] = []
        self._deep += 1
        while not self.word(end):
            if not self.parser._curr:
                raise self.error()
            statements += self.one()
        self._deep -= 1
        return Body(tuple(statements), self.declared.variables, tuple(self.declared.tables.values()))

    def one(self) -> list[Statement]:
        """The next statement, with what belongs to it."""
        current, start = self.parser._curr, self.parser._index
        if current is None or self.word(";"):
            return []
        around = self._ledger, self._roots, self._read, self._line, self._first
        self._ledger, self._roots, self._read = Ledger(), [], set()
        line = self._line = current.line
        self._first = start
        word = current.text.upper()
        following = self.parser._next.text.upper() if self.parser._next else ""
        try:
            done = self.behind_with() if word == "WITH" else word
            found = self._statement(word, following)(self)
            self._settle()
        except SqlError as error:
            error.line = line if error.line == 1 else error.line
            raise
        self._ledger, self._roots, self._read, self._line, self._first = around
        self._read.update(range(start, self.parser._index))
        self._ended()
        if isinstance(found, Step):
            command = _COMMANDS.get(done) or _COMMANDS.get(f"{word} {following}", Command.OTHER)
            return [replace(found, command=command)]
        return found

    def _statement(self, word: str, following: str) -> Callable[[Reader], Step | list[Statement]]:
        current = self.parser._curr
        named = current is not None and current.token_type is TokenType.IDENTIFIER
        if not named and word in _STATEMENTS:
            return _STATEMENTS[word]
        if not named and word in NEVER_A_NAME:
            return control.not_here
        if following == ":":
            return control.label
        if self.parser._index == 0 and current is not None and (named or current.token_type is TokenType.VAR):
            return execute.bare
        raise syntax(current.text if current else "", self._line)

    @contextmanager
    def nested(self, deepest: int) -> Iterator[None]:
        """Inside of a block; the line is that of the statement around it again afterwards."""
        if self._deep >= deepest:
            raise SqlError(191, "Some part of the statement is nested too deeply.", severity=15, line=self._line)
        self._deep += 1
        yield
        self._deep -= 1

    def ends(self) -> bool:
        """Whether the statement ends here: nothing more comes, or another statement does."""
        word = self.ahead()
        return word in {"", ";", "END", "ELSE"} or (word != "(" and word in _STATEMENTS)

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

    def value(self) -> exp.Expr:
        """An expression that is no predicate: behind a DEFAULT, NOT NULL is not its own."""
        node = self.whole(self.parser._parse_bitwise)
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

    def text_from(self, start: int) -> str:
        """The text from a token on, as far as it has been read."""
        return self._text(start, self.parser._index)

    def _text(self, start: int, end: int) -> str:
        tokens = self.parser._tokens
        return self.parser.sql[tokens[start].start : tokens[end - 1].end + 1]

    def query(self) -> exp.Expr | None:
        """A query, if one comes next."""
        parser = self.parser
        nested = self.ahead() == "("

        def read() -> exp.Expr | None:
            first = parser._parse_select(nested=nested, parse_subquery_alias=False)
            return parser._parse_query_modifiers(parser._parse_set_operations(first))

        return self.whole(read)

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
        """An expression of a definition, which takes no parameters but those of a function."""
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

    def define(self, sql: str) -> Step:
        """A step of data definition."""
        return Step(Action.DEFINE, sql, line=self._line)

    def _ended(self) -> None:
        """After a statement comes another one, or nothing: a word that is left over is not dropped."""
        current = self.parser._curr
        if current and current.token_type is not TokenType.SEMICOLON and current.text.upper() not in _STATEMENTS:
            ends = current.text.upper() in {"END", "ELSE"}
            label = self.parser._next is not None and self.parser._next.text == ":"
            if (ends and self._deep) or label:
                return
            if current.text.upper() in NEVER_A_NAME and not ends:
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


def _set(reader: Reader) -> Step | list[Statement]:
    if reader.parser._next is None or reader.parser._next.text != "@":
        return settings.set_(reader)
    reader.need("SET")
    return variables.set_(reader)


_STATEMENTS: dict[str, Callable[[Reader], Step | list[Statement]]] = {
    "(": select.query, "SELECT": select.query, "WITH": select.with_, "INSERT": insert.insert, "UPDATE": update.update,
    "DELETE": update.delete, "MERGE": merge.merge, "TRUNCATE": definitions.truncate, "CREATE": modules.create,
    "ALTER": modules.alter, "DROP": modules.drop, "GRANT": permissions.grant, "REVOKE": permissions.revoke,
    "DENY": permissions.deny,
    "BEGIN": control.block, "COMMIT": transactions.commit, "ROLLBACK": transactions.rollback,
    "SAVE": transactions.save, "IF": control.if_, "SET": _set, "DECLARE": variables.declare, "WHILE": control.while_,
    "BREAK": control.leave, "CONTINUE": control.leave, "GOTO": control.goto, "RETURN": control.return_,
    "THROW": control.throw, "PRINT": control.print_, "RAISERROR": control.raiserror, "WAITFOR": control.waitfor,
    "EXEC": execute.execute, "EXECUTE": execute.execute, "OPEN": cursors.verb, "CLOSE": cursors.verb,
    "DEALLOCATE": cursors.verb, "FETCH": cursors.fetch, "DBCC": sequences.dbcc,
}  # fmt: skip

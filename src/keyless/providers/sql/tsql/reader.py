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
from keyless.providers.sql.tsql import definitions, permissions
from keyless.providers.sql.tsql.accounting import account
from keyless.providers.sql.tsql.grammar import NEVER_A_NAME, Dialect, Grammar
from keyless.providers.sql.tsql.names import fold, quoted
from keyless.providers.sql.tsql.plan import COLUMNS, Action, Step, syntax, unsupported
from keyless.providers.sql.tsql.writer import Writer
from keyless.providers.sql.types import SqlType

Node = TypeVar("Node", bound=exp.Expr | None)

_LONGEST = 1 << 20
_TARGET = '"~target"'
# what drivers set when they connect, and what this server does anyway
_ALREADY_SO = {
    "ANSI_NULLS": "ON", "ANSI_PADDING": "ON", "ANSI_WARNINGS": "ON", "ARITHABORT": "ON",
    "CONCAT_NULL_YIELDS_NULL": "ON",
    "QUOTED_IDENTIFIER": "ON", "ANSI_NULL_DFLT_ON": "ON", "NUMERIC_ROUNDABORT": "OFF",
    "XACT_ABORT": "OFF", "CURSOR_CLOSE_ON_COMMIT": "OFF", "FMTONLY": "OFF", "NOEXEC": "OFF", "PARSEONLY": "OFF",
    "DATEFORMAT": "YMD", "DATEFIRST": "7", "ROWCOUNT": "0", "LANGUAGE": "US_ENGLISH", "TEXTSIZE": None,
    "LOCK_TIMEOUT": None,
    "DEADLOCK_PRIORITY": None,
}  # fmt: skip
# WHEN NOT MATCHED BY TARGET is what WHEN NOT MATCHED means
_UNSAID = frozenset({"BY", "TARGET"})
_SWITCHES = {"NOCOUNT", "IMPLICIT_TRANSACTIONS"}
_COMMANDS = {
    "SELECT": Command.SELECT, "WITH": Command.SELECT, "(": Command.SELECT, "INSERT": Command.INSERT,
    "UPDATE": Command.UPDATE, "DELETE": Command.DELETE, "MERGE": Command.MERGE, "CREATE TABLE": Command.CREATE_TABLE,
    "ALTER TABLE": Command.ALTER_TABLE, "DROP TABLE": Command.DROP_TABLE,
}  # fmt: skip
_LEVELS = {
    "READ UNCOMMITTED": "READ_UNCOMMITTED", "READ COMMITTED": "READ_COMMITTED", "REPEATABLE READ": "REPEATABLE_READ",
    "SERIALIZABLE": "SERIALIZABLE", "SNAPSHOT": "SNAPSHOT",
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
        self._identity_insert = identity_insert
        self._line = 1
        self._first = 0
        self._kinds: dict[str, Callable[[], Step]] = {
            "SELECT": self._query, "WITH": self._with, "(": self._query, "INSERT": self._insert, "UPDATE": self._update,
            "DELETE": self._delete, "MERGE": self._merge, "TRUNCATE": self._truncate,
            "BEGIN": self._begin, "COMMIT": self._commit, "ROLLBACK": self._rollback, "SAVE": self._save,
            "IF": self._if,
            "SET": self._set,
            "CREATE": lambda: definitions.create(self), "ALTER": lambda: definitions.alter(self),
            "DROP": lambda: definitions.drop(self), "GRANT": lambda: permissions.grant(self),
            "REVOKE": lambda: permissions.revoke(self),
        }  # fmt: skip

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
            read = self._kinds.get(word)
            if read is None or self.parser._curr.token_type is TokenType.IDENTIFIER:
                raise (
                    unsupported(f"The statement {word}", self._line)
                    if word in NEVER_A_NAME
                    else syntax(self.parser._curr.text, self._line)
                )
            try:
                command = _COMMANDS.get(word) or _COMMANDS.get(f"{word} {following}", Command.OTHER)
                steps.append(replace(read(), command=command))
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
        return True

    def need(self, *words: str) -> None:
        """These words come next, or it is an error."""
        if not self.word(*words):
            raise self.error()

    def error(self) -> SqlError:
        """What comes next does not fit."""
        return syntax(self.parser._curr.text if self.parser._curr else "end of statement", self._line)

    def name(self) -> str:
        """One name."""
        node = self.parser._parse_id_var(any_token=False)
        if node is None:
            raise self.error()
        return node.name

    def ahead(self) -> str:
        """The next word in capitals, '' at the end."""
        return self.parser._curr.text.upper() if self.parser._curr else ""

    def table_name(self) -> exp.Table:
        """A table's name."""
        table = self._whole(lambda: self.parser._parse_table_parts(schema=True))
        if not isinstance(table, exp.Table):
            raise self.error()
        return table

    def expression(self) -> exp.Expr:
        """An expression or a predicate."""
        node = self._whole(self.parser._parse_disjunction)
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
        return self._whole(lambda: parser._parse_query_modifiers(parser._parse_set_operations(parser._parse_select())))

    def where(self) -> exp.Expr | None:
        """WHERE and its condition, if it comes next."""
        return self._whole(self.parser._parse_where)

    def _expressions(self) -> list[exp.Expr]:
        start = self.parser._index
        found = self.parser._parse_csv(self.parser._parse_expression)
        commas = exp.Tuple(expressions=[node.copy() for node in found])
        account(self.parser._tokens[start : self.parser._index], [commas], self._line)
        return found

    def _whole(self, parse: Callable[[], Node], noise: frozenset[str] = frozenset()) -> Node:
        """What sqlglot reads next, of which it has to have kept every word."""
        start = self.parser._index
        node = parse()
        account(self.parser._tokens[start : self.parser._index], [node], self._line, noise)
        return node

    def literal(self, node: exp.Expr) -> str:
        """An expression of a definition, which takes no parameters."""
        return Writer({})(node)

    def names(self, read: Callable[[], str]) -> list[str]:
        """Names with commas, in parentheses."""
        self.need("(")
        found = [read()]
        while self.word(","):
            found.append(read())
        self.need(")")
        return found

    def define(self, sql: str) -> Step:
        """A step of data definition."""
        return Step(Action.DEFINE, sql, line=self._line)

    def _ended(self) -> None:
        """After a statement comes another one, or nothing: a word that is left over is not dropped."""
        current = self.parser._curr
        if current and current.token_type is not TokenType.SEMICOLON and current.text.upper() not in self._kinds:
            if current.text.upper() in NEVER_A_NAME:
                raise unsupported(f"{current.text.upper()} here", current.line)
            raise syntax(current.text, current.line)

    def _step(self, action: Action, sql: str, writer: Writer, names: tuple[str | None, ...] = ()) -> Step:
        return Step(action, sql, tuple(writer.parameters), names, line=self._line)

    def _with(self) -> Step:
        index = self.parser._index
        with_ = self.parser._parse_with()
        following = self.ahead()
        if following in {"UPDATE", "DELETE", "INSERT", "MERGE"}:
            raise unsupported(f"WITH before {following}")
        if with_ is None:
            raise self.error()
        self.parser._retreat(index)
        return self._query()

    def _query(self) -> Step:
        query = self.query()
        if query is None:
            raise self.error()
        writer = Writer(self.declared)
        into = query.args.get("into")
        if into is not None:
            query.set("into", None)
            target = writer.table(into.this)
            created = f"CREATE TABLE {target} AS {writer(query)}"
            return self._step(Action.CHANGE, created, writer)
        for part in query.selects if isinstance(query, exp.Query) else ():
            if isinstance(part, exp.EQ) and isinstance(part.this, exp.Parameter):
                raise unsupported("SELECT @variable =")
            if isinstance(part.unalias(), (exp.Predicate, exp.Connector, exp.Not)):
                raise syntax("a predicate in the select list")
        return self._step(Action.QUERY, writer(query), writer, result_names(query))

    def _returning(self, writer: Writer) -> tuple[str, tuple[str | None, ...], str]:
        """OUTPUT: its list, the names of its columns, and where it goes."""
        if not self.parser._match(TokenType.RETURNING):
            return "", (), ""
        parts = self._expressions()
        return self._written_output(writer, parts, self._into(writer))

    def _into(self, writer: Writer) -> str:
        if not self.parser._match(TokenType.INTO):
            return ""
        if self.ahead().startswith("@"):
            raise unsupported("OUTPUT INTO a table variable")
        target = writer.table(self.table_name())
        if self.ahead() == "(":
            target += f" ({', '.join(quoted(name) for name in self.names(self.name))})"
        return target

    def _written_output(
        self, writer: Writer, parts: list[exp.Expr], into: str
    ) -> tuple[str, tuple[str | None, ...], str]:
        writer.output = True
        written = " RETURNING " + writer.many(parts)
        writer.output = False
        return written, tuple(_result_name(part) for part in parts), into

    def _changed(self, sql: str, output: str, into: str, names: tuple[str | None, ...], writer: Writer) -> Step:
        if into:
            return self._step(Action.CHANGE, f"WITH o AS ({sql}{output}) INSERT INTO {into} SELECT * FROM o", writer)
        return self._step(Action.QUERY if output else Action.CHANGE, sql + output, writer, names if output else ())

    def _insert(self) -> Step:
        self.need("INSERT")
        if self.ahead() == "TOP":
            raise unsupported("INSERT TOP")
        self.word("INTO")
        writer = Writer(self.declared)
        table = self.table_name()
        target = writer.table(table)
        columns = ""
        if self.ahead() == "(":
            columns = f" ({', '.join(quoted(name) for name in self.names(self.name))})"
        output, names, into = self._returning(writer)
        overriding = " OVERRIDING SYSTEM VALUE" if self._identity_insert == target else ""
        if not columns and not overriding and self.ahead() != "DEFAULT":
            columns = " " + COLUMNS
        if self.word("DEFAULT", "VALUES"):
            body = "DEFAULT VALUES"
        elif self.ahead() in {"EXEC", "EXECUTE"}:
            raise unsupported("INSERT … EXEC")
        else:
            query = self.query()
            if query is None:
                raise self.error()
            body = writer(query)
        step = self._changed(f"INSERT INTO {target}{columns}{overriding} {body}", output, into, names, writer)
        return replace(step, arguments=(target,))

    def _top(self, writer: Writer) -> str:
        if not self.word("TOP"):
            return ""
        self.need("(")
        count = writer(self.expression())
        self.need(")")
        if self.ahead() == "PERCENT":
            raise unsupported("UPDATE or DELETE with TOP … PERCENT")
        return count

    def _from(self, target: exp.Table, writer: Writer) -> tuple[str, str]:
        """The table that is meant, and FROM with its joins if there is one; the target is found in it by its alias."""
        node = self._whole(lambda: self.parser._parse_from(joins=True))
        joins = []
        while join := self._whole(self.parser._parse_join):
            joins.append(join)
        if node is None:
            return writer.table(target), ""
        for table in [node.this, *(join.this for join in [*joins, *(node.this.args.get("joins") or [])])]:
            if isinstance(table, exp.Table) and fold(table.alias_or_name) == fold(target.name) and not target.db:
                return writer.table(table), writer.source(node, joins)
            if isinstance(table, exp.Table) and not table.alias and writer.table(table) == writer.table(target):
                return writer.table(table), writer.source(node, joins)
        # FROM leaves the target out: it is joined with what FROM names
        full = writer.table(target)
        source = writer.source(node, joins).removeprefix(" FROM ")
        return full, f" FROM {full} AS {quoted(target.name)}, {source}"

    def _rows(
        self, target: exp.Table, source: str, top: str, full: str, values: list[str], writer: Writer
    ) -> tuple[str, str]:
        """The rows that are meant and what they get, as a subquery, where FROM or TOP is there; WHERE else."""
        where = self.where()
        if self.ahead() == "OPTION":
            raise unsupported("OPTION here")
        written = f" WHERE {writer(where.this)}" if where is not None else ""
        if not source and not top:
            return "", written
        alias = quoted(target.name)
        listed = "".join(f", {value} AS {quoted(f'~{number}')}" for number, value in enumerate(values))
        limit = f" LIMIT ({top})::int8" if top else ""
        inner = f'SELECT {alias}.ctid AS "~row"{listed}{source or f" FROM {full} AS {alias}"}{written}{limit}'
        return f'({inner}) AS "~rows"', f' WHERE {_TARGET}.ctid = "~rows"."~row"'

    def _update(self) -> Step:
        self.need("UPDATE")
        writer = Writer(self.declared)
        top = self._top(writer)
        target = self.table_name()
        self.need("SET")
        assigned = [self._assignment(target)]
        while self.word(","):
            assigned.append(self._assignment(target))
        output_parts: list[exp.Expr] = []
        into = ""
        if self.parser._match(TokenType.RETURNING):
            output_parts = self._expressions()
            into = self._into(writer)
        full, source = self._from(target, writer)
        values = [None if value is None or isinstance(value, exp.Null) else writer(value) for _, value in assigned]
        inside = [value for value in values if value is not None]
        rows, conditions = self._rows(target, source, top, full, inside, writer)
        sets, number = [], 0
        for (column, value), sql in zip(assigned, values, strict=True):
            if sql is None:
                sets.append(f"{quoted(column)} = {'DEFAULT' if value is None else 'NULL'}")
            else:
                taken = f'"~rows"."~{number}"' if rows else sql
                sets.append(f"{quoted(column)} = {taken}")
                number += 1
        head = f"UPDATE {full} AS {_TARGET if rows else quoted(target.name)} SET {', '.join(sets)}"
        sql = head + (f" FROM {rows}" if rows else "") + conditions
        output, names, into = self._written_output(writer, output_parts, into) if output_parts else ("", (), "")
        return self._changed(sql, output, into, names, writer)

    def _assignment(self, target: exp.Table) -> tuple[str, exp.Expr | None]:
        if self.ahead().startswith("@"):
            raise unsupported("SET @variable = in UPDATE")
        column = self._whole(self.parser._parse_column)
        if not isinstance(column, exp.Column):
            raise self.error()
        operators = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul, "/": exp.Div, "%": exp.Mod, "&": exp.BitwiseAnd,
                     "|": exp.BitwiseOr, "^": exp.BitwiseXor}  # fmt: skip
        combined = operators.get(self.ahead())
        if combined is not None:
            self.parser._advance()
        elif self.ahead() in {f"{sign}=" for sign in operators}:
            combined = operators[self.ahead()[0]]
            self.parser._advance()
            return column.name, combined(this=column.copy(), expression=exp.Paren(this=self.expression()))
        self.need("=")
        if self.word("DEFAULT"):
            return column.name, None
        value = self.expression()
        return column.name, combined(this=column.copy(), expression=exp.Paren(this=value)) if combined else value

    def _delete(self) -> Step:
        self.need("DELETE")
        writer = Writer(self.declared)
        top = self._top(writer)
        self.word("FROM")
        target = self.table_name()
        output_parts: list[exp.Expr] = []
        into = ""
        if self.parser._match(TokenType.RETURNING):
            output_parts = self._expressions()
            into = self._into(writer)
        full, source = self._from(target, writer)
        rows, conditions = self._rows(target, source, top, full, [], writer)
        head = f"DELETE FROM {full} AS {_TARGET if rows else quoted(target.name)}"
        sql = head + (f" USING {rows}" if rows else "") + conditions
        output, names, into = self._written_output(writer, output_parts, into) if output_parts else ("", (), "")
        return self._changed(sql, output, into, names, writer)

    def _merge(self) -> Step:
        self.need("MERGE")
        merge = self._whole(self.parser._parse_merge, _UNSAID)
        writer = Writer(self.declared)
        target = merge.this
        if not isinstance(target, exp.Table) or target.args.get("hints") or merge.args.get("using_cond"):
            raise unsupported("This form of MERGE")
        alias = quoted(target.alias or target.name)
        sql = f"MERGE INTO {writer.table(target)} AS {alias}"
        sql += f" USING {writer(merge.args['using'])} ON {writer(merge.args['on'])}"
        for when in merge.args["whens"].expressions:
            sql += self._when(when, writer)
        returning = merge.args.get("returning")
        output, names, into = "", tuple[str | None, ...](), ""
        if returning is not None:
            if returning.args.get("into"):
                raise unsupported("OUTPUT INTO in MERGE")
            output, names, into = self._written_output(writer, returning.expressions, "")
        return self._changed(sql, output, into, names, writer)

    def _when(self, when: exp.Expr, writer: Writer) -> str:
        matched, source = when.args.get("matched"), when.args.get("source")
        sql = " WHEN MATCHED" if matched else f" WHEN NOT MATCHED BY {'SOURCE' if source else 'TARGET'}"
        if condition := when.args.get("condition"):
            sql += f" AND {writer(condition)}"
        then = when.args["then"]
        if isinstance(then, exp.Update) and not then.args.get("where"):
            sets = ", ".join(f"{quoted(part.this.name)} = {writer(part.expression)}" for part in then.expressions)
            return f"{sql} THEN UPDATE SET {sets}"
        if isinstance(then, exp.Insert) and then.expression is not None:
            columns = f" ({', '.join(quoted(part.name) for part in then.this.expressions)})" if then.this else ""
            return f"{sql} THEN INSERT{columns} VALUES {writer(then.expression)}"
        if isinstance(then, exp.Var) and then.name.upper() == "DELETE":
            return f"{sql} THEN DELETE"
        raise unsupported("This form of MERGE")

    def _truncate(self) -> Step:
        self.need("TRUNCATE", "TABLE")
        return self.define(f"TRUNCATE TABLE {Writer({}).table(self.table_name())} RESTART IDENTITY")

    def _transaction_name(self) -> tuple[str, ...]:
        current = self.parser._curr
        if not current or current.token_type is TokenType.SEMICOLON or current.text.upper() in NEVER_A_NAME:
            return ()
        return (self.name(),)

    def _begin(self) -> Step:
        self.need("BEGIN")
        if not (self.word("TRAN") or self.word("TRANSACTION")):
            raise unsupported("BEGIN … END")
        return Step(Action.BEGIN, arguments=self._transaction_name(), line=self._line)

    def _commit(self) -> Step:
        self.need("COMMIT")
        named = self.word("TRAN") or self.word("TRANSACTION")
        self.word("WORK")
        return Step(Action.COMMIT, arguments=self._transaction_name() if named else (), line=self._line)

    def _rollback(self) -> Step:
        self.need("ROLLBACK")
        named = self.word("TRAN") or self.word("TRANSACTION")
        self.word("WORK")
        return Step(Action.ROLLBACK, arguments=self._transaction_name() if named else (), line=self._line)

    def _if(self) -> Step:
        """The one condition that drivers write themselves, before they commit or roll back."""
        self.need("IF")
        if self.word("@", "@", "TRANCOUNT", ">", "0") and self.ahead() in {"COMMIT", "ROLLBACK"}:
            step = self._commit() if self.ahead() == "COMMIT" else self._rollback()
            return replace(step, if_transaction=True)
        raise unsupported("IF")

    def _save(self) -> Step:
        self.need("SAVE")
        if not (self.word("TRAN") or self.word("TRANSACTION")):
            raise self.error()
        return Step(Action.SAVE, arguments=(self.name(),), line=self._line)

    def _set(self) -> Step:
        self.need("SET")
        if self.word("TRANSACTION", "ISOLATION", "LEVEL"):
            for words, level in _LEVELS.items():
                if self.word(*words.split()):
                    return Step(Action.SET, arguments=("ISOLATION", level), line=self._line)
            raise self.error()
        if self.word("IDENTITY_INSERT"):
            table = Writer({}).table(self.table_name())
            return Step(Action.IDENTITY_INSERT, arguments=(table, self._on_or_off()), line=self._line)
        options = [self._option()]
        while self.word(","):
            options.append(self._option())
        if len(options) == 1 and options[0] in _SWITCHES:
            return Step(Action.SET, arguments=(options[0], self._on_or_off()), line=self._line)
        for option in options:
            if option not in _ALREADY_SO:
                raise unsupported(f"SET {option}")
        value = self.ahead()
        self.parser._advance()
        for option in options:
            only = _ALREADY_SO[option]
            if only is not None and value != only:
                raise unsupported(f"SET {option} {value}")
        return Step(Action.SET, arguments=("NOTHING",), line=self._line)

    def _option(self) -> str:
        word = self.ahead()
        if word.startswith("@"):
            raise unsupported("SET @variable")
        self.parser._advance()
        return word

    def _on_or_off(self) -> str:
        word = self.ahead()
        if word not in {"ON", "OFF"}:
            raise self.error()
        self.parser._advance()
        return word


def result_names(query: exp.Expr) -> tuple[str | None, ...]:
    """The names of a query's columns, as its text writes them."""
    first = query
    while isinstance(first, (exp.SetOperation, exp.Subquery, exp.Paren)):
        first = first.this
    return tuple(_result_name(part) for part in first.expressions)


def _result_name(part: exp.Expr) -> str | None:
    if isinstance(part, exp.Star) or (isinstance(part, exp.Column) and isinstance(part.this, exp.Star)):
        return None
    if isinstance(part, (exp.Alias, exp.Column)):
        return part.alias_or_name
    return ""

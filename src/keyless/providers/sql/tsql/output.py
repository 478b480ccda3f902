"""The OUTPUT clause of INSERT, UPDATE, DELETE and MERGE.

Owns its grammar and how a changing statement becomes a step. No I/O.
Source: Transact-SQL reference, "OUTPUT Clause".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import Action, Step, unsupported
from keyless.providers.sql.tsql.select import result_name
from keyless.providers.sql.tsql.writer import Writer

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader


def returning(reader: Reader, writer: Writer) -> tuple[str, tuple[str | None, ...], str]:
    """OUTPUT: its list, the names of its columns, and where it goes."""
    if not reader.parser._match(TokenType.RETURNING):
        return "", (), ""
    parts = reader.expressions()
    return written_output(reader, writer, parts, into(reader, writer))


def into(reader: Reader, writer: Writer) -> str:
    """Where OUTPUT goes, '' for the client."""
    if not reader.parser._match(TokenType.INTO):
        return ""
    if reader.ahead().startswith("@"):
        raise unsupported("OUTPUT INTO a table variable")
    target = writer.table(reader.table_name())
    if reader.ahead() == "(":
        target += f" ({', '.join(quoted(name) for name in reader.names(reader.name))})"
    return target


def written_output(
    reader: Reader, writer: Writer, parts: list[exp.Expr], into: str
) -> tuple[str, tuple[str | None, ...], str]:
    """The list of OUTPUT, the names of its columns, and where it goes."""
    writer.output = True
    written = " RETURNING " + writer.many(parts)
    writer.output = False
    return written, tuple(result_name(part) for part in parts), into


def changed(reader: Reader, sql: str, output: str, into: str, names: tuple[str | None, ...], writer: Writer) -> Step:
    """The step of a statement that changes rows."""
    if into:
        return reader.step(Action.CHANGE, f"WITH o AS ({sql}{output}) INSERT INTO {into} SELECT * FROM o", writer)
    return reader.step(Action.QUERY if output else Action.CHANGE, sql + output, writer, names if output else ())

"""The OUTPUT clause of INSERT, UPDATE, DELETE and MERGE.

Owns its grammar and how a changing statement becomes a step. No I/O.
Source: Transact-SQL reference, "OUTPUT Clause".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql.columns import result_name
from keyless.providers.sql.tsql.names import quoted
from keyless.providers.sql.tsql.plan import Action, Step, columns_of, unsupported
from keyless.providers.sql.tsql.writer import Writer

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader


@dataclass(frozen=True)
class Output:
    """What OUTPUT gives, and the table that takes it, '' for the client."""

    parts: Sequence[exp.Expr] = ()
    into: str = ""


def read(reader: Reader, writer: Writer) -> Output:
    """OUTPUT, if it comes next."""
    if not reader.word("OUTPUT"):
        return Output()
    parts = reader.expressions()
    into = ""
    if reader.word("INTO"):
        into = writer.table(reader.table_name())
        listed = f" ({', '.join(map(quoted, reader.names(reader.name)))})" if reader.ahead() == "(" else ""
        into += listed or columns_of(into)
    if reader.ahead() == "OUTPUT":
        raise unsupported("A second OUTPUT")
    return Output(parts, into)


def changed(reader: Reader, writer: Writer, sql: str, output: Output, locks: tuple[str, ...] = ()) -> Step:
    """The step of a statement that changes rows."""
    if not output.parts:
        return reader.step(Action.CHANGE, writer.with_ + sql, writer, locks=locks)
    writer.output = True
    sql += " RETURNING " + writer.many(output.parts)
    writer.output = False
    names = tuple(result_name(part) for part in output.parts)
    if not output.into:
        return reader.step(Action.QUERY, writer.with_ + sql, writer, names, locks)
    with_ = f"{writer.with_.rstrip()}, " if writer.with_ else "WITH "
    table = output.into.split(" ", maxsplit=1)[0]
    listed = ", ".join(f'"~{number}"' for number in range(len(names)))
    head = f'{with_}"~output" ({listed}) AS ({sql}) INSERT INTO {output.into} SELECT * FROM "~output"'
    if None in names:
        head = f'{with_}"~output" AS ({sql}) INSERT INTO {output.into} SELECT * FROM "~output"'
    return reader.step(Action.CHANGE, head, writer, locks=locks, arguments=(table,))

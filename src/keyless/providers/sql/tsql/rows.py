"""Which rows UPDATE and DELETE mean: TOP, FROM and WHERE.

Owns how they become a subquery of row addresses. No I/O.
Source: Transact-SQL reference, "UPDATE", "DELETE".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.tsql.names import fold, quoted
from keyless.providers.sql.tsql.plan import unsupported
from keyless.providers.sql.tsql.writer import Writer

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

TARGET = '"~target"'


def top(reader: Reader, writer: Writer) -> str:
    """The number behind TOP, '' without."""
    if not reader.word("TOP"):
        return ""
    reader.need("(")
    count = writer(reader.expression())
    reader.need(")")
    if reader.ahead() == "PERCENT":
        raise unsupported("UPDATE or DELETE with TOP … PERCENT")
    return count


def from_(reader: Reader, target: exp.Table, writer: Writer) -> tuple[str, str]:
    """The table that is meant, and FROM with its joins if there is one; the target is found in it by its alias."""
    node = reader.whole(lambda: reader.parser._parse_from(joins=True))
    joins = []
    while join := reader.whole(reader.parser._parse_join):
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


def rows(
    reader: Reader, target: exp.Table, source: str, top: str, full: str, values: list[str], writer: Writer
) -> tuple[str, str]:
    """The rows that are meant and what they get, as a subquery, where FROM or TOP is there; WHERE else."""
    where = reader.where()
    if reader.ahead() == "OPTION":
        raise unsupported("OPTION here")
    written = f" WHERE {writer(where.this)}" if where is not None else ""
    if not source and not top:
        return "", written
    alias = quoted(target.name)
    listed = "".join(f", {value} AS {quoted(f'~{number}')}" for number, value in enumerate(values))
    limit = f" LIMIT ({top})::int8" if top else ""
    inner = f'SELECT {alias}.ctid AS "~row"{listed}{source or f" FROM {full} AS {alias}"}{written}{limit}'
    return f'({inner}) AS "~rows"', f' WHERE {TARGET}.ctid = "~rows"."~row"'

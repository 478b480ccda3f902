"""Which rows UPDATE and DELETE mean: WITH, TOP, FROM and WHERE.

Owns how they are written. Inner joins become PostgreSQL's own FROM. What that cannot say (TOP, outer joins, APPLY, a
common table expression as the target) finds the rows' addresses first; then the table is locked against other writers,
because a row that moves in between would be left out in silence. No I/O.
Source: Transact-SQL reference, "UPDATE", "DELETE", "TOP".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tsql import common, sources
from keyless.providers.sql.tsql.names import fold, quoted
from keyless.providers.sql.tsql.plan import unsupported
from keyless.providers.sql.tsql.writer import Writer

if TYPE_CHECKING:
    from keyless.providers.sql.tsql.reader import Reader

_TARGET = '"~target"'
# locks on rows are taken by the change itself; these ask for no more, or the lock on the table gives it
_GRANTED = {"UPDLOCK", "XLOCK"}
_WHOLE = {"HOLDLOCK", "SERIALIZABLE", "TABLOCK", "TABLOCKX"}


@dataclass(frozen=True)
class Rows:
    """What stands behind the table. With `address` it is a query of addresses, which computes the values too."""

    table: str
    alias: str
    source: str
    conditions: str
    address: str = ""
    limit: str = ""
    locks: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """The table and the name that it has in the statement."""
        return f"{self.table} AS {_TARGET if self.address else self.alias}"

    def behind(self, word: str, values: list[str]) -> str:
        """FROM or USING, and WHERE."""
        if not self.address:
            return (f" {word} {self.source}" if self.source else "") + self.conditions
        listed = "".join(f', {value} AS "~{number}"' for number, value in enumerate(values))
        query = f"SELECT {self.address} AS {common.ADDRESS}{listed} FROM {self.source}{self.conditions}{self.limit}"
        return f' {word} ({query}) AS "~rows" WHERE {_TARGET}.ctid = "~rows".{common.ADDRESS}'

    def value(self, number: int, value: str) -> str:
        """A value as SET takes it."""
        return f'"~rows"."~{number}"' if self.address else value


@dataclass(frozen=True)
class Top:
    """TOP: how many, or how many of a hundred."""

    count: exp.Expr
    percent: bool

    def limit(self, writer: Writer, source: str, conditions: str) -> str:
        """LIMIT, with its number."""
        count = f"({writer(self.count)})"
        if self.percent:
            every = f"SELECT count(*) FROM {source}{conditions}"
            return f" LIMIT (SELECT ceil(({every}) * tsql.percentage({count}::float8) / 100.0)::int8)"
        return f" LIMIT {count}::int8"


def top(reader: Reader) -> Top | None:
    """TOP (n) [PERCENT], if it comes next."""
    if not reader.word("TOP"):
        return None
    brackets = reader.word("(")
    count = reader.expression() if brackets else reader.number()
    if brackets:
        reader.need(")")
    return Top(count, reader.word("PERCENT"))


@contextmanager
def scope(reader: Reader, writer: Writer, target: exp.Table, with_: exp.Expr | None) -> Iterator[None]:
    """The common table expressions count; one that is the target gives addresses."""
    name = "" if target.args.get("db") else fold(target.name)
    with common.scope(writer, with_, name) as written:
        writer.with_ = written
        yield


def rows(reader: Reader, writer: Writer, target: exp.Table, first: Top | None) -> Rows:
    """FROM and WHERE, as they come next, and the rows that they mean."""
    hints = sources.hinted(writer, target.args.get("hints") or [])
    writer.parts(target).args.get("hints")
    from_ = reader.whole(lambda: reader.parser._parse_from(joins=True))
    joins = []
    while join := reader.whole(reader.parser._parse_join):
        joins.append(join)
    where = reader.where()
    _no_options(reader)
    items = [] if from_ is None else _items(writer, from_, joins)
    found = _found(writer, items, target)
    if found is not None and isinstance(found.table, exp.Table):
        hints |= sources.hinted(writer, found.table.args.get("hints") or [])
        writer.parts(found.table).args.get("hints")
    writer.table(target)  # its name may be an alias of FROM, which says the table
    named = target if found is None else found.table
    assert isinstance(named, exp.Table)
    addressed = common.addressed(writer, named)
    table = addressed or writer.table(named)
    alias = quoted(_own_alias(named) if found is not None else _own_name(target))
    wanted = [f"({writer(where)})"] if where is not None else []
    passing = "READPAST" in hints
    for hint in hints - _GRANTED - _WHOLE - {"READPAST"}:
        raise unsupported(f"The table hint {hint}")
    lock = f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"
    if not (first or addressed or passing) and all(item.plain for item in items):
        others = [writer(item.table) for item in items if item is not found]
        on = [f"({writer(item.on)})" for item in items if item.on is not None]
        return Rows(table, alias, ", ".join(others), _where(on + wanted), locks=(lock,) if hints & _WHOLE else ())
    if from_ is None:
        source = f"{alias} AS {alias}" if addressed else f"{table} AS {alias}"
    else:
        listed = "".join(item.written for item in items)
        source = listed if found is not None else f"{table} AS {alias}, {listed}"
    address = f"{alias}.{common.ADDRESS if addressed else 'ctid'}"
    limit = first.limit(writer, source, _where(wanted)) if first else ""
    if passing:
        limit += f" FOR UPDATE OF {alias} SKIP LOCKED"
    return Rows(table, alias, source, _where(wanted), address, limit, () if passing else (lock,))


@dataclass(frozen=True)
class _Item:
    """One source of FROM: what it is joined on, whether the join is an inner one, and all of it as PostgreSQL's."""

    table: exp.Expr
    on: exp.Expr | None
    plain: bool
    written: str


def _items(writer: Writer, from_: exp.Expr, joins: Sequence[exp.Expr]) -> list[_Item]:
    first = writer.parts(from_).this
    sql, more = sources.with_joins(writer, first)
    items = [_Item(first, None, plain=True, written=sql)]
    for node in [*more, *joins]:
        parts = writer.parts(node)
        side, kind = parts.text("side").upper(), parts.text("kind").upper()
        plain = not side and kind in {"", "INNER", "CROSS"} and not isinstance(parts.this, exp.Lateral)
        plain = plain and not (isinstance(parts.this, exp.Expr) and parts.this.args.get("joins"))
        items.append(_Item(parts.this, parts.args.get("on"), plain, writer(node)))
    return items


def _found(writer: Writer, items: list[_Item], target: exp.Table) -> _Item | None:
    """What the statement changes among its sources: by its alias, or by its name; twice, the one without an alias."""
    tables = [(item, item.table) for item in items if isinstance(item.table, exp.Table) and item.table.name]
    if not target.args.get("db"):
        for item, table in tables:
            if table.alias and fold(table.alias) == fold(_own_name(target)):
                return item
    same = [item for item, table in tables if writer.table(table) == writer.table(target)]
    if len(same) > 1:
        same = [item for item in same if not item.table.alias]
        if len(same) != 1:
            raise SqlError(8154, f"The table '{target.name}' is ambiguous.", severity=15)
    return same[0] if same else None


def _own_name(table: exp.Table) -> str:
    return ("#" if table.this.args.get("temporary") else "") + table.name


def _own_alias(table: exp.Table) -> str:
    return table.alias or _own_name(table)


def _where(conditions: list[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _no_options(reader: Reader) -> None:
    """OPTION behind UPDATE and DELETE is about how, not what."""
    if not reader.word("OPTION"):
        return
    reader.need("(")
    if not reader.word("RECOMPILE"):
        raise unsupported("OPTION here")
    reader.need(")")

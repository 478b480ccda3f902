"""The columns of a result: what PostgreSQL tells of it, what the catalog knows, and what the statement called them.

Owns the memory of the catalog, which a statement that defines something makes void. Must not run a statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from psycopg.pq.abc import PGresult

from keyless.providers.sql.postgres import results
from keyless.providers.sql.postgres.statements import Statements
from keyless.providers.sql.postgres.transactions import Connection
from keyless.providers.sql.tsql.names import fold
from keyless.providers.sql.tsql.plan import Step
from keyless.providers.sql.types import Column, Kind, Row, SqlType, Value

_COLUMN = """SELECT a.attname, d.description, a.attnotnull, a.attidentity FROM pg_catalog.pg_attribute a
  LEFT JOIN pg_catalog.pg_description d ON d.objoid = a.attrelid AND d.objsubid = a.attnum
    AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
  WHERE a.attrelid = $1 AND a.attnum = $2"""
_SEEN = 1000


class Descriptions:
    """What one session knows of columns. `own` are the types that the library made, by their numbers."""

    def __init__(self, connection: Connection, statements: Statements, own: Mapping[int, Kind]) -> None:
        self._connection = connection
        self._statements = statements
        self._own = own
        self._seen: set[Step] = set()
        self._known: dict[tuple[int, int], results.Known] = {}
        self._columns: dict[tuple[PGresult, tuple[str | None, ...]], tuple[Column, ...]] = {}

    def forget(self) -> None:
        """Something was defined anew."""
        self._known.clear()
        self._seen.clear()
        self._columns.clear()

    async def describe(self, step: Step) -> tuple[Column, ...]:
        """The columns that a query would give."""
        await self.look_up(step)
        columns, _certain = self._described(await self._statements.describe(step.sql), step.names, ())
        return columns

    def columns(self, found: PGresult, step: Step, rows: Sequence[Row]) -> tuple[Column, ...]:
        """The columns of a result whose first rows are there."""
        columns = self._columns.get((found, step.names))
        if columns is None:
            columns, certain = self._described(found, step.names, rows)
            if certain:
                self._columns[(found, step.names)] = columns
                if len(self._columns) > _SEEN:
                    self._columns.clear()
        return columns

    async def look_up(self, step: Step) -> None:
        """What the catalog knows of the columns, once for each statement: streaming leaves no room to ask."""
        if step in self._seen or (" FROM " not in step.sql and " RETURNING " not in step.sql):
            return
        if len(self._seen) >= _SEEN:
            self.forget()
        result = await self._statements.describe(step.sql)
        for index in range(result.nfields):
            key = (result.ftable(index), result.ftablecol(index))
            if key[0] and key not in self._known:
                found = await self._connection.execute(_COLUMN, key)
                row = await found.fetchone()
                if row is not None:
                    name, comment, not_null, identity = row
                    told = None if comment is None else str(comment)
                    self._known[key] = results.known(str(name), told, bool(not_null), str(identity).strip())
        self._seen.add(step)

    def _described(
        self, result: PGresult, names: tuple[str | None, ...], rows: Sequence[Row]
    ) -> tuple[tuple[Column, ...], bool]:
        """The columns, and whether they would be the same with other rows."""
        certain = True
        written = _spread(names, result.nfields)
        columns = []
        for index in range(result.nfields):
            table, number = result.ftable(index), result.ftablecol(index)
            known = self._known.get((table, number)) if table else None
            type_ = results.of(result.ftype(index), result.fmod(index), self._own)
            raw = (result.fname(index) or b"").decode()
            if known is not None and known.type is not None and _kin(known.type, type_):
                type_ = known.type
            if type_.scale < 0:
                certain = False
                type_ = replace(type_, scale=max((_scale(row[index]) for row in rows), default=0))
            name = written[index]
            if name is None:
                name = known.name if known is not None and fold(known.name) == raw else raw
            columns.append(Column(name, type_, known is None or known.nullable, known is not None and known.identity))
        return tuple(columns), certain


def _spread(names: tuple[str | None, ...], count: int) -> list[str | None]:
    """The written names over the columns: those in front of the first `*` and behind the last one are known."""
    if None not in names:
        return [*names] if len(names) == count else [None] * count
    first = names.index(None)
    last = names[::-1].index(None)
    middle = count - first - last
    return [*names[:first], *([None] * middle), *(names[len(names) - last :] if last else ())]


def _kin(declared: SqlType, found: SqlType) -> bool:
    """Whether the declaration fits what came, so that a comment that someone changed misleads nobody."""
    text = {Kind.CHAR, Kind.VARCHAR, Kind.TEXT, Kind.NCHAR, Kind.NVARCHAR, Kind.NTEXT}
    number = {Kind.DECIMAL, Kind.NUMERIC, Kind.MONEY, Kind.SMALLMONEY}
    groups = [text, number, {Kind.TINYINT, Kind.SMALLINT}, {Kind.BINARY, Kind.VARBINARY, Kind.IMAGE}]
    return declared.kind is found.kind or any({declared.kind, found.kind} <= group for group in groups)


def _scale(value: Value) -> int:
    return min(max(0, -int(value.as_tuple().exponent)), 30) if isinstance(value, Decimal) else 0

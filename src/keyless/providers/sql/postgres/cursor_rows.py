"""Cursors: the rows of a query, as they were when it was opened, one after the other.

Owns the cursors of one session and where each stands. Their rows are kept here, and so have a limit.
Source: Transact-SQL reference, "DECLARE CURSOR", "OPEN", "FETCH", "@@FETCH_STATUS".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keyless.providers.sql.engine import Columns, Done, Events, Rows, SqlError
from keyless.providers.sql.postgres.frames import Frame
from keyless.providers.sql.tsql.blocks import Cursor, CursorVerb, Fetch
from keyless.providers.sql.tsql.plan import Step
from keyless.providers.sql.types import Column, Row

if TYPE_CHECKING:
    from keyless.providers.sql.postgres.workings import Workings

_MOST = 1000
_MOST_ROWS = 200_000


@dataclass
class _Opened:
    query: Step
    columns: tuple[Column, ...] = ()
    rows: list[Row] | None = None
    at: int = -1


@dataclass
class Cursors:
    """Those of one session, by name."""

    work: Workings
    known: dict[str, _Opened] = field(default_factory=dict)

    def forget(self) -> None:
        """As after connecting."""
        self.known.clear()

    async def do(self, instruction: Cursor | CursorVerb | Fetch, frame: Frame) -> Events:
        """DECLARE, OPEN, FETCH, CLOSE, DEALLOCATE."""
        match instruction:
            case Cursor():
                self._declare(instruction)
            case CursorVerb(verb="OPEN"):
                await self._open(self._find(instruction.name), frame, instruction.name)
            case CursorVerb(verb="CLOSE"):
                self._opened(instruction.name).rows = None
            case CursorVerb():
                self._find(instruction.name)
                del self.known[instruction.name]
            case Fetch():
                async with aclosing(self._fetch(instruction, frame)) as events:
                    async for event in events:
                        yield event
                return
        self.work.settings.count = 0
        yield Done()

    def _declare(self, instruction: Cursor) -> None:
        if instruction.name in self.known:
            raise SqlError(16915, f"A cursor with the name '{instruction.name}' already exists.")
        if len(self.known) >= _MOST:
            raise SqlError(16963, f"A session has at most {_MOST} cursors: deallocate some.")
        self.known[instruction.name] = _Opened(instruction.query)

    def _find(self, name: str) -> _Opened:
        if name not in self.known:
            raise SqlError(16916, f"A cursor with the name '{name}' does not exist.")
        return self.known[name]

    def _opened(self, name: str) -> _Opened:
        cursor = self._find(name)
        if cursor.rows is None:
            raise SqlError(16917, "Cursor is not open.")
        return cursor

    async def _open(self, cursor: _Opened, frame: Frame, name: str) -> None:
        if cursor.rows is not None:
            raise SqlError(16905, f"The cursor '{name}' is already open.")
        rows = list[Row]()
        async with aclosing(self.work.runner.run(cursor.query, frame.values)) as events:
            async for event in events:
                if isinstance(event, Columns):
                    cursor.columns = event.columns
                elif isinstance(event, Rows):
                    rows += event.rows
                    if len(rows) > _MOST_ROWS:
                        message = f"A cursor over more than {_MOST_ROWS} rows is not supported by this server."
                        raise SqlError(40510, message)
        cursor.rows, cursor.at = rows, -1
        self.work.settings.cursor_rows = len(rows)

    async def _fetch(self, instruction: Fetch, frame: Frame) -> Events:
        cursor = self._opened(instruction.name)
        number = 0
        if instruction.number is not None:
            found = await self.work.interpreter.value(instruction.number, frame)
            number = found if isinstance(found, int) else 0
        rows = cursor.rows or []
        moved = _MOVES[instruction.direction](cursor.at, len(rows), number)
        cursor.at = min(max(moved, -1), len(rows))
        settings = self.work.settings
        row = rows[cursor.at] if 0 <= cursor.at < len(rows) else None
        settings.fetch_status, settings.count = (0, 1) if row is not None else (-1, 0)
        if not instruction.into:
            yield Columns(cursor.columns)
            if row is not None:
                yield Rows([row])
            yield Done(None if settings.silent else settings.count)
            return
        if len(instruction.into) != len(cursor.columns):
            message = "The number of variables declared in the INTO list must match that of selected columns."
            raise SqlError(16924, message)
        for name, column, value in zip(instruction.into, cursor.columns, row or (), strict=False):
            target = frame.types[name]
            self.work.interpreter.assign(frame, name, await self.work.calls.converted(value, column.type, target))
        yield Done()


_MOVES: dict[str, Callable[[int, int, int], int]] = {
    "NEXT": lambda at, count, number: at + 1,
    "PRIOR": lambda at, count, number: at - 1,
    "FIRST": lambda at, count, number: 0,
    "LAST": lambda at, count, number: count - 1,
    "ABSOLUTE": lambda at, count, number: number - 1 if number > 0 else count + number if number < 0 else -1,
    "RELATIVE": lambda at, count, number: at + number,
}

"""The port to the database: one writer, inline reads, changes told after the commit.

Owns the words that providers use to persist (`Store`, `Tx`, `Migration`). Must not know any table of theirs.
`sqlite.py` is the embedded engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

SqlValue = str | int | float | bytes | None
Row = tuple[SqlValue, ...]
T = TypeVar("T")
C = TypeVar("C")


@dataclass(frozen=True)
class Migration:
    """The schema of one component: each step is a tuple of statements; a step that has landed never changes."""

    component: str
    steps: tuple[tuple[str, ...], ...]


class Tx(Protocol):
    """A transaction of the writer; lives in the writer's thread, for the time of one work function."""

    def execute(self, sql: str, params: Sequence[SqlValue] = ()) -> int:
        """Run a statement; the number of rows that it changed."""
        ...

    def rows(self, sql: str, params: Sequence[SqlValue] = ()) -> list[Row]:
        """All rows of a query."""
        ...

    def row(self, sql: str, params: Sequence[SqlValue] = ()) -> Row | None:
        """The first row of a query."""
        ...

    def emit(self, change: object) -> None:
        """Tell the subscribers of this change's type, once it is committed."""
        ...


class Store(Protocol):
    """The database."""

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in the writer's transaction and return once its result is durable.

        `work` checks its preconditions inside; what it raises undoes just its own changes. It must not touch
        anything but the transaction. Raises UNAVAILABLE when the disk is full or the writer is swamped.
        """
        ...

    async def rows(self, sql: str, params: Sequence[SqlValue] = ()) -> list[Row]:
        """All rows of a query over what is committed."""
        ...

    async def row(self, sql: str, params: Sequence[SqlValue] = ()) -> Row | None:
        """The first row of such a query."""
        ...

    def subscribe(self, kind: type[C], apply: Callable[[C], None]) -> None:
        """Call `apply` for every committed change of this type, on the event loop, before its writer is answered."""
        ...

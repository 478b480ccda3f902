"""Which cells one start of a program fills, and what is noted of them for the table that is printed in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tests.clients.matrix.cells import DEFAULT_CHAIN, Cell, Row, Whose, word
from tests.clients.matrix.commands import Answers
from tests.clients.matrix.rows import ROWS

Record = Callable[[str, object], None]


class Launch(NamedTuple):
    """One start of a program in one column."""

    program: str
    column: str
    options: tuple[str, ...]

    @property
    def cells(self) -> list[tuple[Row, Cell]]:
        rows = [row for row in ROWS if row.program == self.program]
        return [(row, row.cells[self.column]) for row in rows if row.cells[self.column].options == self.options]

    @property
    def ways(self) -> dict[str, str]:
        """What each way of asking of each client is to give."""
        return {f"{row.client} {kind}": whose for row, cell in self.cells for kind, whose in cell.ways.items()}

    @property
    def name(self) -> str:
        return "-".join((self.program, self.column, *(option.strip("-") for option in self.options)))


def launches(*columns: str) -> list[Launch]:
    """All that these columns need."""
    every = (Launch(row.program, column, row.cells[column].options) for column in columns for row in ROWS)
    return sorted(dict.fromkeys(launch for launch in every if launch.ways))


def record_cells(record: Record, launch: Launch, found: Answers) -> None:
    """Note each cell's word, and the seconds to its first token."""
    for row, cell in launch.cells:
        seconds = {kind: found[f"{row.client} {kind}"][1] for kind in cell.ways}
        got = (seconds[kind] for kind, whose in cell.ways.items() if whose in set(Whose))
        record("matrix", (row.title, launch.column, word(cell), next(got, None)))
        if "default" in seconds:
            record("matrix", (row.title, DEFAULT_CHAIN, word(cell), seconds["default"]))


def gathered(properties: Iterable[tuple[str, object]]) -> dict[tuple[str, str], tuple[str, float | None]]:
    """What was noted, by row and column: the word, and the longest time."""
    found: dict[tuple[str, str], tuple[str, float | None]] = {}
    for name, value in properties:
        if name == "matrix" and isinstance(value, tuple | list):
            title, column, said, seconds = value
            before = found.get((title, column), (said, seconds))
            longest = max((taken for taken in (before[1], seconds) if taken is not None), default=None)
            found[title, column] = (said if before[0] == said else "no", longest)
    return found

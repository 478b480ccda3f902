"""The matrix as a table: printed when the tests have ended, and kept in the documentation.

Owns the form, and the place in the page. `KEYLESS_WRITE_MATRIX=1` writes there what was found.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from tests.clients.matrix.cells import COLUMNS, Cell, word
from tests.clients.matrix.launches import gathered
from tests.clients.matrix.rows import ROWS

PAGE = Path(__file__).parents[3] / "docs" / "compatibility.md"
HEADING = "## Clients in every host"

#: By row and column: the cell's word.
Found = Mapping[tuple[str, str], str]


def expected() -> dict[tuple[str, str], str]:
    """What every cell is to say."""
    return {(row.title, column): word(row.cell(column)) for row in ROWS for column in COLUMNS}


def markdown(found: Found) -> str:
    """The table, and below it what differs and why."""
    notes: list[str] = []
    lines = [_line("", *COLUMNS.values()), _line("---", *("---" for _ in COLUMNS))]
    for row in ROWS:
        words = (_marked(found[row.title, column], row.cell(column), notes) for column in COLUMNS)
        lines.append(_line(row.title, *words))
    reasons = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join((*lines, "", *reasons, ""))


def _marked(said: str, cell: Cell, notes: list[str]) -> str:
    if not cell.note:
        return said
    if cell.note not in notes:
        notes.append(cell.note)
    return f"{said} ({notes.index(cell.note) + 1})"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def documented() -> str:
    """The table that the page has."""
    return _parts()[1]


def write(found: Found) -> None:
    """Put the table in the page."""
    before, _, after = _parts()
    PAGE.write_text(before + markdown(found) + after)


def _parts() -> tuple[str, str, str]:
    form = rf"(.*\n{HEADING}\n.*?\n\n)(\|.*?)(\n## .*)"
    match = re.fullmatch(form, PAGE.read_text(), re.DOTALL)
    assert match
    return match[1], match[2], match[3]


def show(reports: Iterable[pytest.TestReport], write_line: Callable[[str], object]) -> None:
    """Print what passing tests noted, each cell with the seconds to its token; put it in the page if so asked."""
    noted = gathered(one for report in reports if report.when == "call" for one in report.user_properties)
    if not noted:
        return
    # a client without a way at all is not started
    found = {at: said for at, said in expected().items() if not _is_run(at)} | {
        at: said for at, (said, _) in noted.items()
    }
    for line in _plain(found, {at: seconds for at, (_, seconds) in noted.items()}):
        write_line(line)
    if "KEYLESS_WRITE_MATRIX" in os.environ:
        missing = expected().keys() - found.keys()
        write_line(f"not written: these cells were not run: {sorted(missing)}" if missing else f"written to {PAGE}")
        if not missing:
            write(found)


def _is_run(at: tuple[str, str]) -> bool:
    title, column = at
    return any(row.title == title and row.cell(column).ways for row in ROWS)


def _plain(found: Found, seconds: Mapping[tuple[str, str], float | None]) -> Iterable[str]:
    width = max(len(row.title) for row in ROWS)
    yield " ".join((" " * width, *(f"{column[:9]:>9}" for column in COLUMNS)))
    for row in ROWS:
        cells = (_timed(found.get((row.title, c), "-"), seconds.get((row.title, c))) for c in COLUMNS)
        yield " ".join((f"{row.title:<{width}}", *(f"{cell:>9}" for cell in cells)))


def _timed(said: str, seconds: float | None) -> str:
    return said if seconds is None else f"{said} {seconds:.2f}"

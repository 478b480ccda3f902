"""The matrix as a table: printed when the tests have ended, and kept in the documentation.

Owns the form, and the place in the page. `KEYLESS_WRITE_MATRIX=1` writes there what was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.clients.matrix.cells import COLUMNS, Cell
from tests.clients.matrix.rows import ROWS

PAGE = Path(__file__).parents[3] / "docs" / "compatibility.md"
BEGIN, END = "<!-- matrix -->\n", "<!-- end of the matrix -->\n"

#: By row and column: the cell's word.
Found = Mapping[tuple[str, str], str]


def expected() -> dict[tuple[str, str], str]:
    """What every cell is to say."""
    return {(row.title, column): _word(row.cell(column)) for row in ROWS for column in COLUMNS}


def _word(cell: Cell) -> str:
    return "yes" if cell.works else "no"


def markdown(found: Found) -> str:
    """The table, and below it what differs and why."""
    notes: list[str] = []
    lines = [_line("", *COLUMNS.values()), _line("---", *("---" for _ in COLUMNS))]
    for row in ROWS:
        words = (_marked(found[row.title, column], row.cell(column), notes) for column in COLUMNS)
        lines.append(_line(row.title, *words))
    reasons = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join((*lines, "", *reasons, ""))


def _marked(word: str, cell: Cell, notes: list[str]) -> str:
    if not cell.note:
        return word
    if cell.note not in notes:
        notes.append(cell.note)
    return f"{word} ({notes.index(cell.note) + 1})"


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
    match = re.fullmatch(f"(.*{BEGIN})(.*)({END}.*)", PAGE.read_text(), re.DOTALL)
    assert match
    return match[1], match[2], match[3]


def plain(found: Found, seconds: Mapping[tuple[str, str], float]) -> Iterable[str]:
    """The table for a terminal: each cell with the seconds to its token, or what was not run."""
    width = max(len(row.title) for row in ROWS)
    yield " " * width + " ".join(f"{column[:10]:>10}" for column in COLUMNS)
    for row in ROWS:
        cells = (_timed(found.get((row.title, c), "-"), seconds.get((row.title, c))) for c in COLUMNS)
        yield f"{row.title:<{width}}" + " ".join(f"{cell:>10}" for cell in cells)


def _timed(word: str, seconds: float | None) -> str:
    return word if seconds is None else f"{word} {seconds:.2f}"

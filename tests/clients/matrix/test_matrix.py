"""Every client, wherever a token comes from: whose token it gets, at once, or by which rule of its own it cannot."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.clients.matrix.cells import COLUMNS, DEFAULT_CHAIN, SIGN_IN, Cell, Row, Whose
from tests.clients.matrix.commands import answers, command
from tests.clients.matrix.instant import instant_host
from tests.clients.matrix.rows import PROGRAMS, ROWS
from tests.clients.matrix.scene import Scene, let_each_read_one_secret, make_scene
from tests.clients.matrix.table import documented, expected, markdown
from tests.clients.tools import BUILD_SECONDS, need_namespaces
from tests.harness import Owner, free_environment

pytestmark = pytest.mark.timeout(BUILD_SECONDS)

#: They run commands that need more than a token: only what the server is asked can be compared.
WHOLE_PROGRAMS = ("dotnet", "az")
#: `az` signs in with one token, and then asks for the one that is wanted.
TOKENS_OF_A_WAY = {"az": 2}

Record = Callable[[str, object], None]
Instant = Callable[[str], dict[str, float]]


class Launch(NamedTuple):
    """Cells that one start of a program fills."""

    program: str
    column: str
    options: tuple[str, ...]

    @property
    def cells(self) -> list[tuple[Row, Cell]]:
        rows = [row for row in ROWS if row.program == self.program]
        return [(row, row.cells[self.column]) for row in rows if row.cells[self.column].options == self.options]

    @property
    def name(self) -> str:
        return "-".join((self.program, self.column, *(option.strip("-") for option in self.options)))


STARTED = [column for column in COLUMNS if column not in (DEFAULT_CHAIN, SIGN_IN)]
LAUNCHES = list(
    dict.fromkeys(
        Launch(program, column, row.cells[column].options)
        for program in PROGRAMS
        for column in STARTED
        for row in ROWS
        if row.program == program
    )
)


@pytest.fixture(scope="session")
def instant() -> Iterator[Instant]:
    """By the client of a program: the seconds to its first token where the host answers at once, without keyless."""
    known: dict[str, dict[str, float]] = {}
    with ExitStack() as stack:
        variables = stack.enter_context(instant_host())

        def measured(program: str) -> dict[str, float]:
            if program not in known:
                clients = [row.client for row in ROWS if row.program == program]
                wanted = ", ".join(f'"{client} managed identity"' for client in clients)
                environ = free_environment(Path("/nowhere"), Path("/nowhere"), **variables, WAYS=f"[{wanted}]")
                ran = subprocess.run(
                    [*map(str, command(program))], env=environ, capture_output=True, text=True, timeout=120, check=False
                )
                known[program] = {way.partition(" ")[0]: seconds for way, (_, seconds) in answers(ran).items()}
            return known[program]

        yield measured


@pytest.mark.parametrize("launch", LAUNCHES, ids=[launch.name for launch in LAUNCHES])
def test_first_tokens(
    owner: Owner, tmp_path: Path, instant: Instant, record_property: Record, launch: Launch
) -> None:
    if "--isolate" in launch.options:
        need_namespaces()
    starts = command(launch.program)
    scene = make_scene(owner, launch.column, tmp_path)
    ways = {f"{row.client} {kind}": whose for row, cell in launch.cells for kind, whose in cell.ways.items()}
    if launch.program == "dotnet":
        let_each_read_one_secret(scene, {Whose(whose) for whose in ways.values()})
    ran = scene.place.run(starts, *scene.options, *launch.options, **scene.environ(ways))
    found = answers(ran)
    assert set(found) == set(ways)
    for way, (got, _) in found.items():
        assert is_expected(scene, got, ways[way]), f"{way}: {got}"
    tokens = sum(whose in set(Whose) for whose in ways.values())
    assert scene.tokens() <= tokens * TOKENS_OF_A_WAY.get(launch.program, 1), "something was asked for again"
    for row, cell in launch.cells:
        seconds = {kind: found[f"{row.client} {kind}"][1] for kind in cell.ways}
        if launch.program not in WHOLE_PROGRAMS:
            at_once = 3 * instant(launch.program)[row.client] + 3
            assert all(taken < at_once for taken in seconds.values()), f"{seconds}, and at once would be {at_once}"
        record_cell(record_property, row, launch.column, cell, seconds)


def is_expected(scene: Scene, got: str, whose: str) -> bool:
    if isinstance(whose, Whose):
        return got == scene.principals[whose]
    return whose in got


def record_cell(record: Record, row: Row, column: str, cell: Cell, seconds: dict[str, float]) -> None:
    """For the table that is printed in the end."""
    word = "yes" if cell.works else "no"
    record("matrix", [row.title, column, word, next(iter(seconds.values()), None)])
    if "default" in cell.ways:
        record("matrix", [row.title, DEFAULT_CHAIN, word, seconds["default"]])


@pytest.mark.skipif("KEYLESS_WRITE_MATRIX" in os.environ, reason="it is being written")
def test_the_page_has_this_table() -> None:
    assert documented() == markdown(expected()), "write it anew: KEYLESS_WRITE_MATRIX=1 python -m pytest tests/clients/matrix"

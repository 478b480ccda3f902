"""Every client, wherever a token comes from: whose token it gets, at once, or by which rule of its own it cannot."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.matrix.cells import COLUMNS, DEFAULT_CHAIN, SIGN_IN, Whose
from tests.clients.matrix.commands import answers, command
from tests.clients.matrix.instant import instant_host
from tests.clients.matrix.launches import Launch, Record, launches, record_cells
from tests.clients.matrix.rows import ROWS
from tests.clients.matrix.scene import let_each_read_one_secret, make_scene
from tests.clients.matrix.table import documented, expected, markdown
from tests.clients.tools import BUILD_SECONDS, need_namespaces
from tests.harness import Owner, free_environment

pytestmark = pytest.mark.timeout(BUILD_SECONDS)

#: They run commands that need more than a token: only what the server is asked can be compared.
WHOLE_PROGRAMS = ("dotnet", "az")
#: At least and at most. `az` signs in with one token, on a busy machine with one for each of two threads, and then asks
#: for the one that is wanted.
TOKENS_OF_A_WAY = {"az": (2, 3)}
#: What a token may take besides, on a busy machine: three times as long, and these seconds.
TOLERANCE = 3.0

#: By the client of a program: seconds to its first token.
Instant = Callable[[str], dict[str, float]]


@pytest.fixture(scope="session")
def instant() -> Iterator[Instant]:
    """How long each client takes where the host answers at once, without keyless."""
    known: dict[str, dict[str, float]] = {}
    nowhere = Path("/nowhere")
    with instant_host() as variables:

        def measured(program: str) -> dict[str, float]:
            if program not in known:
                wanted = ", ".join(f'"{row.client} managed identity"' for row in ROWS if row.program == program)
                environ = free_environment(nowhere, nowhere, **variables, WAYS=f"[{wanted}]")
                starts = [*map(str, command(program))]
                ran = subprocess.run(starts, env=environ, capture_output=True, text=True, timeout=120, check=False)
                known[program] = {way.partition(" ")[0]: seconds for way, (_, seconds) in answers(ran).items()}
            return known[program]

        yield measured


@pytest.mark.parametrize("launch", launches(*(set(COLUMNS) - {DEFAULT_CHAIN, SIGN_IN})), ids=lambda launch: launch.name)
def test_first_tokens(owner: Owner, tmp_path: Path, instant: Instant, record_property: Record, launch: Launch) -> None:
    if "--isolate" in launch.options:
        need_namespaces()
    starts, ways = command(launch.program), launch.ways
    scene = make_scene(owner, launch.column, tmp_path)
    if launch.program == "dotnet":
        let_each_read_one_secret(scene, {Whose(whose) for whose in ways.values()})
    found = answers(scene.place.run(starts, *scene.options, *launch.options, **scene.environ(ways)))
    assert set(found) == set(ways)
    for way, (got, seconds) in found.items():
        assert scene.is_expected(got, ways[way]), f"{way}: {got}"
        if launch.program not in WHOLE_PROGRAMS:
            at_once = instant(launch.program)[way.partition(" ")[0]]
            assert seconds < TOLERANCE * (at_once + 1), f"{way}: {seconds}, and {at_once} where all is answered at once"
    # one for each way: nothing was asked for again, and no way lives on what another was given
    least, most = TOKENS_OF_A_WAY.get(launch.program, (1, 1))
    given = sum(whose in set(Whose) for whose in ways.values())
    assert least * given <= scene.tokens(least * given) <= most * given
    record_cells(record_property, launch, found)


@pytest.mark.skipif("KEYLESS_WRITE_MATRIX" in os.environ, reason="it is being written")
def test_the_page_has_this_table() -> None:
    assert documented() == markdown(expected()), (
        "write it anew: KEYLESS_WRITE_MATRIX=1 python -m pytest tests/clients/matrix tests/clients/browser"
    )

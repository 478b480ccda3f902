"""The last column of the matrix: a person signs in for each client, with the code of a device."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.clients.browser.people import Person, enter_code
from tests.clients.matrix.cells import SIGN_IN, Whose
from tests.clients.matrix.commands import command, parsed
from tests.clients.matrix.launches import Launch, Record, launches, record_cells
from tests.clients.matrix.scene import make_scene
from tests.clients.tools import BUILD_SECONDS, need_namespaces
from tests.harness import Owner

pytestmark = [pytest.mark.timeout(BUILD_SECONDS), pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("launch", launches(SIGN_IN), ids=lambda launch: launch.name)
def test_a_person(
    owner: Owner, tmp_path: Path, person: Person, page: Page, record_property: Record, launch: Launch
) -> None:
    if "--isolate" in launch.options:
        need_namespaces()
    starts = command(launch.program)
    scene = make_scene(owner, SIGN_IN, tmp_path, person.principal_id)
    with scene.place.start(starts, *launch.options, **scene.environ(launch.ways)) as process:
        try:
            for whose in launch.ways.values():
                if isinstance(whose, Whose):
                    enter_code(page, process, person)
                    page.context.clear_cookies()
            out, err = process.communicate(timeout=90)
        except BaseException:
            process.terminate()
            raise
    assert process.returncode == 0, err
    found = parsed(out.splitlines()[-1])
    for way, (got, _) in found.items():
        assert scene.is_expected(got, launch.ways[way]), f"{way}: {got}"
    record_cells(record_property, launch, found)

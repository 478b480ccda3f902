"""What the runs with `az` need: the program, in an environment of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.tools import az_program


@pytest.fixture(scope="session")
def az() -> Path:
    """The program, at the version of `requirements.txt`."""
    return az_program(Path(__file__).parent)

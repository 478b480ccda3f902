"""What the runs with Go need: the program of this folder, built with the versions of `go.mod`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.tools import go_program


@pytest.fixture(scope="session")
def go() -> Path:
    """The program; its first argument names its work."""
    return go_program(Path(__file__).parent)

"""What the runs with Java need: the classes of this folder, and the libraries at the versions of `pom.xml`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.place import Command
from tests.clients.tools import java_command


@pytest.fixture(scope="session")
def java() -> Callable[[str], Command]:
    """The command that does a work, by its name."""
    return lambda work: java_command(Path(__file__).parent, work)

"""What the runs with Java need: the classes of this folder, and the libraries at the versions of `pom.xml`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.place import Command
from tests.clients.tools import java_classpath, needed


@pytest.fixture(scope="session")
def java() -> Callable[[str], Command]:
    """The command that does a work, by its name."""
    program, classpath = needed("java", "Java 17 or newer"), java_classpath(Path(__file__).parent)
    return lambda work: [program, "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", classpath, "Main", work]

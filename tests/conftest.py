"""Fixtures that many tests share: one real server for each worker, and its owner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Owner, RunningServer, running_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that the tests of a worker share: each makes resources of its own names, and none stops it."""
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="session")
def owner(server: RunningServer) -> Iterator[Owner]:
    """The owner of that server."""
    one = Owner(server)
    yield one
    one.close()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server of one test's own, which may be stopped and killed."""
    with running_server(tmp_path) as running:
        yield running

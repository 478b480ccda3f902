"""Fixtures that many tests share: one real server for each worker, and its owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.clients.matrix.table import show
from tests.harness import ARM, HeldLease, Owner, RunningServer, running_server
from tests.manager import Manager


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the runs of the matrix of clients found, as a table."""
    show(terminalreporter.stats.get("passed", ()), terminalreporter.write_line)


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


@pytest.fixture
def arm(owner: Owner) -> Manager:
    return Manager(owner)


@pytest.fixture
def new_group(owner: Owner) -> str:
    """A resource group of the test's own."""
    path = f"{owner.subscription}/resourceGroups/g-{uuid4().hex[:8]}"
    owner.arm("PUT", path, {"location": "local"})
    return path


@pytest.fixture
def somebody(server: RunningServer, owner: Owner) -> Callable[..., Manager]:
    """A new principal with these roles at these scopes, and the resource manager as it sees it."""

    def make(*roles: tuple[str, str]) -> Manager:
        name = f"who-{uuid4().hex[:8]}"
        principal_id = owner.app(name, system=True)["identity"]["principalId"]
        for role, scope in roles:
            owner.assign(principal_id, role, scope)
        with HeldLease.open(server, name) as lease:
            return Manager(owner, lease.token(ARM), principal_id)

    return make

"""A server with its own engine, and for each test an app with a database that nobody else uses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keyless.model.errors import KeylessError
from keyless.providers.sql.postgres import process
from tests.clients.tools import lacking
from tests.harness import Owner
from tests.providers.sql.drivers.apps import App, make_app
from tests.providers.sql.harness import SqlServerProcess, make_place, running_sql


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder is a run with a real client."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.clients)


@pytest.fixture(scope="session")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlServerProcess]:
    try:
        process.programs()
    except KeylessError as error:
        lacking(str(error))
    with running_sql(tmp_path_factory.mktemp("drivers"), SqlServerProcess) as server:
        yield server


@pytest.fixture
def app(real_server: SqlServerProcess, real_owner: Owner) -> App:
    return make_app(make_place(real_owner, real_server))


@pytest.fixture(scope="session")
def real_owner(real_server: SqlServerProcess) -> Owner:
    return Owner(real_server)

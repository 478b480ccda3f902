from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import Owner
from tests.providers.sql.harness import SqlPlace, SqlServerProcess, make_place, running_sql


@pytest.fixture(scope="session")
def sql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlServerProcess]:
    with running_sql(tmp_path_factory.mktemp("sql")) as running:
        yield running


@pytest.fixture(scope="session")
def sql_owner(sql_server: SqlServerProcess) -> Owner:
    return Owner(sql_server)


@pytest.fixture
def place(sql_server: SqlServerProcess, sql_owner: Owner) -> SqlPlace:
    return make_place(sql_owner, sql_server)

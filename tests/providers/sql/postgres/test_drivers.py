"""SQL drivers as they come, under `keyless run`, against a server with its own engine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import pytest

from tests.clients.place import PROGRAMS, Command, Launcher, output_of
from tests.clients.tools import lacking
from tests.harness import Owner
from tests.providers.sql.harness import SqlPlace, SqlServerProcess, make_place, running_sql

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def place(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlPlace]:
    """A place on a server of its own; `filled` skips where PostgreSQL is not installed."""
    with running_sql(tmp_path_factory.mktemp("joined"), SqlServerProcess) as server:
        yield make_place(Owner(server), server)


@dataclass(frozen=True)
class App:
    """An app whose one identity has this client ID and this name."""

    place: SqlPlace
    app: str
    client_id: str

    def statements(self, driver: str, *arguments: str, token: str = "") -> str:
        """What the program prints: with a token, or by the app's identity."""
        way = {"TOKEN": token} if token else {"CLIENT": self.client_id, "WAY": "ActiveDirectoryMSI"}
        command: Command = [sys.executable, PROGRAMS / "sql_statements.py", driver, "yes", *arguments]
        where = {"SQL_SERVER": "localhost", "SQL_PORT": str(self.place.port), "SQL_DATABASE": self.place.database}
        return output_of(Launcher(self.place.server).run(self.app, command, **where | way))


@pytest.fixture
def app(place: SqlPlace) -> App:
    name = f"t{uuid4().hex[:10]}"
    identity = place.owner.identity(name)
    place.owner.app(name, identity["id"])
    return App(place, name, identity["clientId"])


def need(driver: str) -> None:
    for module in (driver.replace("-", "_"), "mssql_python_odbc"):
        try:
            import_module(module)
        except ImportError as error:
            lacking(f"{driver} ({error})")


@pytest.mark.parametrize("driver", ["pyodbc", "mssql-python", "pytds"])
def test_statements_by_the_administrator(app: App, driver: str) -> None:
    need(driver)
    assert app.statements(driver, "statements", token=app.place.token()) == "ok\n"


@pytest.mark.parametrize("driver", ["pyodbc", "mssql-python"])
def test_an_identity_is_let_in_as_a_user_and_may_do_what_it_was_granted(app: App, driver: str) -> None:
    need(driver)
    token = app.place.token()
    assert "it is no user of this database" in app.statements(driver, "refused")
    app.statements(driver, "let in", app.app, token=token)
    assert app.statements(driver, "read") == "ok\n"
    app.statements(driver, "let out", app.app, token=token)
    assert "it is no user of this database" in app.statements(driver, "refused")

"""What a driver's login stands on goes while it is connected: the next request is told, and the connection is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.clients.place import Dialogue
from tests.providers.sql.drivers.apps import App, Way, python


@contextmanager
def session(app: App, driver: str, way: Way) -> Iterator[Dialogue]:
    process = app.start(python(driver, "held"), way)
    yield Dialogue(process)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


def identity_deleted(app: App) -> None:
    app.place.owner.arm("DELETE", app.identity)


def user_dropped(app: App) -> None:
    app.batch(f"DROP USER [{app.name}]")


def connect_revoked(app: App) -> None:
    app.batch(f"REVOKE CONNECT TO [{app.name}]")


def connect_denied(app: App) -> None:
    app.batch(f"DENY CONNECT TO [{app.name}]")


def database_deleted(app: App) -> None:
    app.place.owner.arm("DELETE", f"{app.place.id}/databases/{app.place.database}")


def administrator_changed(app: App) -> None:
    other = {"login": app.name, "sid": app.object_id, "principalType": "Application", "tenantId": ""}
    app.place.owner.arm("PUT", app.place.id, {"properties": {"administrators": other}})


Change = Callable[[App], None]
OF_A_USER: tuple[Change, ...] = (identity_deleted, user_dropped, connect_revoked, connect_denied, database_deleted)


def ends(app: App, driver: str, way: Way, change: Change) -> None:
    with session(app, driver, way) as held:
        assert held.tell("before") == "ok"
        change(app)
        said = held.tell("after")
        assert "18456" in said or "The session is over" in said, said
        # the connection itself is gone, whatever the driver calls that
        assert held.tell("again") != "ok"


@pytest.mark.parametrize("change", OF_A_USER, ids=lambda change: change.__name__)
@pytest.mark.parametrize("driver", ["pyodbc", "mssql-python"])
def test_a_users_session_ends(app: App, driver: str, change: Change) -> None:
    mode = {"pyodbc": "ActiveDirectoryMsi", "mssql-python": "ActiveDirectoryMSI"}[driver]
    ends(app, driver, app.by_identity(mode, "db_datareader"), change)


@pytest.mark.parametrize("driver", ["pyodbc", "pytds"])
def test_the_administrators_session_ends_when_it_is_somebody_else(app: App, driver: str) -> None:
    ends(app, driver, app.token(), administrator_changed)

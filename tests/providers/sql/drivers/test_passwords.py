"""Drivers that come with a password are refused, and told what to do instead."""

from __future__ import annotations

import pytest

from tests.providers.sql.drivers.apps import App, python


@pytest.mark.parametrize("driver", ["pyodbc", "pymssql"])
def test_a_password_is_told_to_go_another_way(app: App, driver: str) -> None:
    ran = app.run(python(driver, "password"), {})
    assert "18456" in ran.stdout
    assert "There are no passwords here: connect with an access token" in ran.stdout
    assert "Secret-1" not in app.place.server.log.read_text()

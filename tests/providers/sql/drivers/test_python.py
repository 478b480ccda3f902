"""pyodbc with msodbcsql18, mssql-python and pytds against the engine: each way in, each kind of encryption."""

from __future__ import annotations

import pytest

from tests.clients.tools import need_namespaces
from tests.providers.sql.drivers.apps import App, python, with_systems_trust

ODBC = ("pyodbc", "mssql-python")


@pytest.mark.parametrize("encrypt", ["yes", "no", "strict"])
@pytest.mark.parametrize("driver", ODBC)
def test_a_token_with_each_encryption(app: App, driver: str, encrypt: str) -> None:
    app.passes(python(driver, "requests", encrypt), app.token())


def test_mssql_python_asks_a_provider_for_the_token(app: App) -> None:
    app.passes(python("mssql-python", "requests"), app.token(), PROVIDER="1")


def test_pytds_with_a_token(app: App) -> None:
    app.passes(python("pytds", "requests"), app.token())


def test_pyodbc_by_its_managed_identity(app: App) -> None:
    app.passes(python("pyodbc", "requests"), app.by_identity("ActiveDirectoryMsi"))


def test_mssql_python_by_its_managed_identity(app: App) -> None:
    app.passes(python("mssql-python", "requests"), app.by_identity("ActiveDirectoryMSI"))


def test_mssql_python_by_the_default_chain(app: App) -> None:
    app.passes(python("mssql-python", "requests"), app.by_default("ActiveDirectoryDefault"))


@pytest.mark.parametrize("driver", ODBC)
def test_an_application_with_its_secret(app: App, driver: str) -> None:
    way = app.by_secret("ActiveDirectoryServicePrincipal")
    app.passes(with_systems_trust(python(driver, "requests")), way)
    # elsewhere the driver does not believe that it talks to the authority
    refused = app.run(python(driver, "requests"), way)
    assert refused.returncode != 0
    assert "state 41360" in refused.stderr or "Error 60 sending request" in refused.stderr


def test_isolated_under_the_clouds_name_and_port(app: App) -> None:
    need_namespaces()
    cloud = {"SQL_SERVER": f"{app.place.name}.database.windows.net", "SQL_PORT": "1433", "PATH": "/nowhere"}
    # as on a virtual machine: there the driver calls it by its object ID
    way = app.by_identity("ActiveDirectoryMsi") | {"CLIENT": app.object_id}
    app.passes(python("pyodbc", "requests"), way, "--isolate", **cloud)


def test_isolated_under_its_own_name(app: App) -> None:
    need_namespaces()
    own = {"SQL_SERVER": app.place.host, "PATH": "/nowhere"}
    app.passes(python("mssql-python", "requests"), app.by_default("ActiveDirectoryMSI"), "--isolate", **own)


@pytest.mark.parametrize("driver", [*ODBC, "pytds"])
def test_procedures_and_control_flow(app: App, driver: str) -> None:
    app.passes(python(driver, "control"), app.token())


@pytest.mark.parametrize("driver", ODBC)
def test_what_the_database_has(app: App, driver: str) -> None:
    app.passes(python(driver, "catalog"), app.token())

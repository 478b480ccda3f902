"""SQL drivers as they come, against the gateway: with a token, by their own managed identity, and isolated."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import pytest

from tests.clients.place import PROGRAMS, Command, Launcher, Ran, output_of
from tests.clients.tools import go_program, java_classpath, lacking, need_namespaces, needed, npm_packages
from tests.providers.sql.harness import SqlPlace

CLIENTS = Path(__file__).parents[3] / "clients"
JAVASCRIPT = CLIENTS / "javascript"

pytestmark = pytest.mark.clients


@dataclass(frozen=True)
class App:
    """An app with one identity, whose client ID this is."""

    place: SqlPlace
    name: str
    client_id: str

    def run(self, command: Command, *options: str, server: str = "localhost", port: str = "", **environ: str) -> Ran:
        where = {"SQL_SERVER": server, "SQL_PORT": port or str(self.place.port), "SQL_DATABASE": self.place.database}
        return Launcher(self.place.server).run(self.name, command, *options, **where | environ)


@pytest.fixture
def app(place: SqlPlace) -> App:
    name = f"t{uuid4().hex[:10]}"
    identity = place.owner.identity(name)
    place.owner.app(name, identity["id"])
    return App(place, name, identity["clientId"])


def driver(name: str, encrypt: str) -> Command:
    try:
        import_module(name.replace("-", "_"))
        import_module("mssql_python_odbc")
    except ImportError as error:
        lacking(f"{name} ({error})")
    return [sys.executable, PROGRAMS / "sql_drivers.py", name, encrypt]


def javascript() -> Command:
    node = needed("node", "Node.js 20 or newer")
    npm_packages(JAVASCRIPT)
    return [node, JAVASCRIPT / "programs" / "sql.mjs"]


def authentication(kind: str, **options: str) -> Mapping[str, str]:
    return {"SQL_AUTHENTICATION": json.dumps({"type": f"azure-active-directory-{kind}", "options": options})}


@pytest.mark.parametrize("encrypt", ["yes", "no", "strict"])
@pytest.mark.parametrize("name", ["pyodbc", "mssql-python"])
def test_odbc_with_a_token(app: App, name: str, encrypt: str) -> None:
    assert output_of(app.run(driver(name, encrypt), TOKEN=app.place.token())) == "ok\n"


def test_pytds_with_a_token(app: App) -> None:
    assert output_of(app.run(driver("pytds", "yes"), TOKEN=app.place.token())) == "ok\n"


@pytest.mark.parametrize("way", ["ActiveDirectoryMSI", "ActiveDirectoryDefault"])
def test_mssql_python_by_its_managed_identity(app: App, way: str) -> None:
    client = {"CLIENT": app.client_id} if way == "ActiveDirectoryMSI" else {}
    assert output_of(app.run(driver("mssql-python", "yes"), WAY=way, **client)) == "ok\n"


def test_odbc_by_its_managed_identity(app: App) -> None:
    assert output_of(app.run(driver("pyodbc", "yes"), CLIENT=app.client_id)) == "ok\n"


@pytest.mark.parametrize("encrypt", ["yes", "strict"])
def test_tedious_and_mssql_with_a_token(app: App, encrypt: str) -> None:
    way = authentication("access-token", token=app.place.token())
    assert output_of(app.run(javascript(), SQL_ENCRYPT=encrypt, **way)) == "ok\n"


def test_tedious_and_mssql_by_their_managed_identity(app: App) -> None:
    way = authentication("msi-app-service", clientId=app.client_id)
    assert output_of(app.run(javascript(), SQL_ENCRYPT="yes", **way)) == "ok\n"


def go(encrypt: str) -> Command:
    return [go_program(CLIENTS / "go_sql"), encrypt]


def java(encrypt: str) -> Command:
    program, classpath = needed("java", "Java 17 or newer"), java_classpath(CLIENTS / "java_sql")
    return [program, "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", classpath, "Main", encrypt]


@pytest.mark.parametrize("encrypt", ["true", "false", "strict"])
def test_go_with_a_token(app: App, encrypt: str) -> None:
    assert output_of(app.run(go(encrypt), TOKEN=app.place.token(), CA=app.place.ca)) == "ok\n"


def test_go_by_its_managed_identity(app: App) -> None:
    assert output_of(app.run(go("true"), CLIENT=app.client_id, CA=app.place.ca)) == "ok\n"


@pytest.mark.parametrize("encrypt", ["true", "false", "strict"])
def test_java_with_a_token(app: App, encrypt: str) -> None:
    assert app.run(java(encrypt), TOKEN=app.place.token()).stdout == "ok\n"


def test_java_by_its_managed_identity(app: App) -> None:
    assert app.run(java("true"), CLIENT=app.client_id).stdout == "ok\n"


def test_isolated_under_the_clouds_name_and_port(app: App) -> None:
    need_namespaces()
    for name, server, port in (
        ("pyodbc", f"{app.place.name}.database.windows.net", "1433"),
        ("mssql-python", app.place.host, str(app.place.port)),
    ):
        ran = app.run(
            *(driver(name, "yes"), "--isolate"), server=server, port=port, WAY="ActiveDirectoryMSI", PATH="/nowhere"
        )
        assert (ran.returncode, ran.stdout) == (0, "ok\n"), ran.stderr


def test_a_password_is_told_to_go_another_way(app: App) -> None:
    driver("pyodbc", "yes")
    program = (
        "import os, pathlib, mssql_python_odbc, pyodbc\n"
        "folder = pathlib.Path(mssql_python_odbc.__file__).parent / 'libs' / 'linux' / 'debian_ubuntu'\n"
        "driver = next(folder.rglob('libmsodbcsql*.so*'))\n"
        "try:\n"
        "    pyodbc.connect(f\"Driver={driver};Server=localhost,{os.environ['SQL_PORT']};UID=sa;PWD=x;Encrypt=yes\")\n"
        "except pyodbc.Error as error:\n"
        "    print(error)\n"
    )
    ran = app.run([sys.executable, "-c", program])
    assert "There are no passwords here" in ran.stdout
    assert "18456" in ran.stdout

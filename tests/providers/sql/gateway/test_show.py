"""What `keyless sql show` prints, used as it is by the drivers that it is for."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.clients.place import PROGRAMS, Command, Launcher, Ran, output_of
from tests.clients.tools import go_program, java_classpath, lacking, need_namespaces, needed
from tests.providers.sql.harness import SqlPlace

CLIENTS = Path(__file__).parents[3] / "clients"
#: A name that has to be quoted, each driver in its own way.
ODD = "odd {shop} = 1"


def shown(place: SqlPlace) -> list[dict[str, Any]]:
    ran = place.server.keyless("sql", "show", place.name, "-o", "json")
    assert ran.returncode == 0, ran.stderr
    return list(json.loads(ran.stdout))


def test_each_database_has_its_strings(place: SqlPlace) -> None:
    place.owner.arm("PUT", f"{place.id}/databases/zoo", {"properties": {}})
    first, second = shown(place)
    assert (first["database"], second["database"]) == (place.database, "zoo")
    assert (first["host"], first["port"]) == (place.host, place.port)
    assert {"odbc", "jdbc", "adonet", "url"} < first.keys()
    text = place.server.keyless("sql", "show", place.name).stdout
    for one in (first, second):
        for name, value in one.items():
            assert f"{name}".ljust(8) + f"  {value}\n" in text


def test_an_administrator_is_whoever_the_word_stands_for(place: SqlPlace) -> None:
    person, group = f"ann{uuid4().hex[:6]}", f"dba{uuid4().hex[:6]}"
    for made in (("create-user", person), ("create-group", group)):
        assert place.server.keyless("principal", *made).returncode == 0
    words = {"owner": "Application", "me": "Application", f"user:{person}": "User", f"group:{group}": "Group"}
    for word, kind in words.items():
        ran = place.server.keyless("sql", "create", place.name, "--admin", word, "-o", "json")
        held = json.loads(ran.stdout)["properties"]["administrators"]
        assert held["principalType"] == kind
        assert (held["sid"] == place.server.instance.owner.principal_id) == (kind == "Application")
    kept = place.server.keyless("sql", "create", place.name, "-o", "json")
    assert json.loads(kept.stdout)["properties"]["administrators"]["login"] == group
    nobody = place.server.keyless("sql", "create", place.name, "--admin", "nobody")
    assert (nobody.returncode, "There is no principal 'nobody'" in nobody.stderr) == (1, True)


def run(place: SqlPlace, command: Command, kind: str, database: str, **environ: str) -> Ran:
    """Run a program that has nothing but a string of the server's; isolated, because its host has to resolve."""
    need_namespaces()
    place.owner.arm("PUT", f"{place.id}/databases/{database}", {"properties": {}})
    (string,) = (one[kind] for one in shown(place) if one["database"] == database)
    name = f"t{uuid4().hex[:10]}"
    place.owner.app(name, place.owner.identity(name)["id"])
    given = {"SQL_STRING": string} | environ
    return Launcher(place.server).run(name, command, "--isolate", **given)


names = pytest.mark.parametrize("database", ["shop", ODD])


@pytest.mark.clients
@names
def test_pyodbc_takes_the_odbc_string(place: SqlPlace, database: str, tmp_path: Path) -> None:
    try:
        import mssql_python_odbc
        import pyodbc
    except ImportError as error:
        lacking(f"pyodbc ({error})")
    assert pyodbc.version
    folder = Path(mssql_python_odbc.__file__).parent / "libs" / "linux" / "debian_ubuntu"
    driver = next(folder.rglob("libmsodbcsql*.so*"))
    (tmp_path / "odbcinst.ini").write_text(f"[ODBC Driver 18 for SQL Server]\nDriver={driver}\n")
    command: Command = [sys.executable, PROGRAMS / "sql_string.py"]
    assert output_of(run(place, command, "odbc", database, ODBCSYSINI=str(tmp_path))) == "ok\n"


@pytest.mark.clients
@names
def test_go_takes_the_url(place: SqlPlace, database: str) -> None:
    assert output_of(run(place, [go_program(CLIENTS / "go_sql"), "true"], "url", database)) == "ok\n"


@pytest.mark.clients
@names
def test_java_takes_the_jdbc_string(place: SqlPlace, database: str) -> None:
    program, classpath = needed("java", "Java 17 or newer"), java_classpath(CLIENTS / "java_sql")
    command: Command = [program, "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", classpath, "Main", "true"]
    ran = run(place, command, "jdbc", database)
    assert ran.stdout == "ok\n", ran.stderr

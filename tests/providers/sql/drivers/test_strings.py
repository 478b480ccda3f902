"""The strings that `keyless sql show` prints, used as they are: the driver has nothing else to go by."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clients.tools import need_namespaces
from tests.providers.sql.drivers.apps import App, go, java, python

#: The second name has to be quoted, for each driver in its own way.
names = pytest.mark.parametrize("database", ["shop", "odd {shop} = 1"])


def passes(app: App, kind: str, database: str, command: list[str | Path], **environ: str) -> None:
    """Isolated, because the server's name has to resolve."""
    need_namespaces()
    place = app.place
    place.owner.arm("PUT", f"{place.id}/databases/{database}", {"properties": {}})
    there = replace(app, place=replace(place, database=database))
    there.let_in()
    shown = json.loads(place.server.keyless("sql", "show", place.name, "-o", "json").stdout)
    (string,) = (one[kind] for one in shown if one["database"] == database)
    there.passes(command, {"SQL_STRING": string}, "--isolate", **environ)


@names
def test_pyodbc_takes_the_odbc_string(app: App, database: str, tmp_path: Path) -> None:
    command = python("pyodbc", "string")
    import mssql_python_odbc

    folder = Path(mssql_python_odbc.__file__).parent / "libs" / "linux" / "debian_ubuntu"
    driver = next(folder.rglob("libmsodbcsql*.so*"))
    (tmp_path / "odbcinst.ini").write_text(f"[ODBC Driver 18 for SQL Server]\nDriver={driver}\n")
    passes(app, "odbc", database, [*command], ODBCSYSINI=str(tmp_path))


@names
def test_go_takes_the_url(app: App, database: str) -> None:
    passes(app, "url", database, [*go()])


@names
def test_java_takes_the_jdbc_string(app: App, database: str) -> None:
    passes(app, "jdbc", database, [*java()])

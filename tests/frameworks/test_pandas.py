"""pandas over SQLAlchemy, by a managed identity."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.clients.place import Launcher
from tests.clients.tools import lacking
from tests.frameworks.odbc import odbc_drivers
from tests.harness import Owner
from tests.providers.sql.harness import SqlServerProcess, make_place, running_sql

pytestmark = [pytest.mark.frameworks, pytest.mark.timeout(300)]
PROGRAM = Path(__file__).with_name("pandas_tables") / "visit.py"


def test_tables_there_and_back(tmp_path: Path) -> None:
    for module in ("pandas", "sqlalchemy"):
        try:
            import_module(module)
        except ImportError as error:
            lacking(f"{module} ({error})")
    with running_sql(tmp_path, SqlServerProcess) as server:
        owner = Owner(server)
        identity = owner.identity("pandas")
        owner.app("pandas", identity["id"])
        place = make_place(owner, server, identity["principalId"])
        way = "driver=ODBC+Driver+18+for+SQL+Server&Authentication=ActiveDirectoryMsi"
        url = f"mssql+pyodbc://{identity['clientId']}@localhost:{place.port}/{place.database}?{way}"
        ran = subprocess.run(
            Launcher(server).command("pandas", [sys.executable, PROGRAM, url]),
            env=server.environ | {"ODBCSYSINI": str(odbc_drivers(tmp_path))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )
    assert ran.stdout == "ok\n", ran.stdout + ran.stderr[-5000:]

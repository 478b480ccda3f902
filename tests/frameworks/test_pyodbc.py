"""pyodbc's own tests for SQL Server, from its source package, as they are."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.clients.place import Command, Launcher
from tests.clients.tools import lacking
from tests.frameworks import forgetting
from tests.frameworks.compatibility import check, read_junit
from tests.harness import Owner
from tests.providers.sql.harness import SqlServerProcess, make_place, running_sql

pytestmark = [pytest.mark.frameworks, pytest.mark.timeout(900)]
_SECONDS = 800


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlServerProcess]:
    with running_sql(tmp_path_factory.mktemp("pyodbc"), SqlServerProcess) as running:
        yield running


@pytest.fixture(scope="module")
def tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of tests of the version that is installed."""
    folder = tmp_path_factory.mktemp("source")
    wanted = f"pyodbc=={version('pyodbc')}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "pyodbc"]
    ran = subprocess.run([*command, "--dest", folder, wanted], capture_output=True, text=True, check=False)
    if ran.returncode:
        lacking(f"the source package of {wanted} ({ran.stderr.strip()[-200:]})")
    (package,) = folder.glob("*.tar.gz")
    with tarfile.open(package) as archive:
        archive.extractall(folder, filter="data")
    (found,) = folder.glob("*/tests/sqlserver_test.py")
    return found


def test_what_it_finds_is_what_the_document_says(server: SqlServerProcess, tests: Path, tmp_path: Path) -> None:
    owner, app = Owner(server), "pyodbc"
    identity = owner.identity(app)
    owner.app(app, identity["id"])
    place = make_place(owner, server, identity["principalId"])
    report = tmp_path / "report.xml"
    where = f"Driver={odbc_driver()};Server=localhost,{place.port};Database={place.database}"
    way = f"Authentication=ActiveDirectoryMsi;UID={identity['clientId']}"
    shutil.copy(Path(forgetting.__file__), tmp_path)
    options = [
        "-q",
        "-p",
        "forgetting",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        f"--rootdir={tests.parent}",
        "--timeout=60",
    ]
    command: Command = [sys.executable, "-m", "pytest", *options, f"--junit-xml={report}", tests]
    ran = subprocess.run(
        Launcher(server).command(app, command),
        env=server.environ | {"PYODBC_SQLSERVER": f"{where};{way}"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    print(ran.stdout[-20_000:])
    assert report.exists(), ran.stderr[-3000:]
    check("pyodbc", read_junit(report))


def odbc_driver() -> str:
    """The library that comes with mssql-python."""
    try:
        import mssql_python_odbc
        import pyodbc  # noqa: F401 - it needs a library of the system's
    except ImportError as error:
        lacking(f"pyodbc and its driver ({error})")
    folder = Path(mssql_python_odbc.__file__).parent / "libs" / "linux" / "debian_ubuntu"
    return str(next(folder.rglob("libmsodbcsql*.so*")))

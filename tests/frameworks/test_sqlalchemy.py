"""SQLAlchemy's own suite for dialects, over mssql+pyodbc."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from tests.clients.tools import lacking
from tests.frameworks.compatibility import check, read_junit
from tests.frameworks.odbc import odbc_drivers
from tests.harness import Owner
from tests.providers.sql.harness import SqlPlace, SqlServerProcess, make_place, running_sql

pytestmark = [pytest.mark.frameworks, pytest.mark.timeout(1200)]
SUITE = Path(__file__).with_name("sqlalchemy_suite")
_SECONDS = 1000
# hundreds of tests of which each reflects all tables again: a run of their own
_LEFT_OUT = "not ComponentReflectionTest"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlPlace]:
    try:
        import_module("sqlalchemy")
    except ImportError as error:
        lacking(f"SQLAlchemy ({error})")
    with running_sql(tmp_path_factory.mktemp("sqlalchemy"), SqlServerProcess) as server:
        yield make_place(Owner(server), server)


def test_what_it_finds_is_what_the_document_says(place: SqlPlace, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    where = f"localhost:{place.port}/{place.database}?driver=ODBC+Driver+18+for+SQL+Server&Encrypt=yes"
    url = f"mssql+pyodbc://{where}"
    environment = place.server.environ | {
        "ODBCSYSINI": str(odbc_drivers(tmp_path)), "SSL_CERT_FILE": place.ca, "KEYLESS_TEST_TOKEN": place.token()
    }  # fmt: skip

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command], env=environment, cwd=SUITE, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip

    made = run("schemas.py", url)
    assert made.returncode == 0, made.stderr[-3000:]
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "setup.cfg",
        "--rootdir=.",
        "--timeout=60",
        "--tb=short",
        "-k",
        _LEFT_OUT,
    ]
    ran = run("-m", "pytest", *options, f"--junit-xml={report}", "--dburi", url)
    print(ran.stdout[-20_000:])
    assert report.exists(), ran.stderr[-3000:]
    check("SQLAlchemy", read_junit(report, by_class=True))

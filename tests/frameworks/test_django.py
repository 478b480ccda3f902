"""Django on SQL by a managed identity: migrations, the admin, its models' queries, and models out of a database."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from tests.clients.place import Launcher
from tests.clients.tools import lacking
from tests.frameworks.compatibility import said
from tests.frameworks.odbc import odbc_drivers
from tests.harness import Owner
from tests.providers.sql.harness import SqlServerProcess, make_place, running_sql

pytestmark = [pytest.mark.frameworks, pytest.mark.timeout(600)]
PROJECT = Path(__file__).with_name("django_project")


@dataclass(frozen=True)
class Project:
    """The project with a database of its own."""

    launcher: Launcher
    app: str
    environment: dict[str, str]

    def run(self, *command: str) -> str:
        ran = subprocess.run(
            self.launcher.command(self.app, [sys.executable, *command]),
            env=self.launcher.server.environ | self.environment,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-6000:]
        return ran.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    for module in ("mssql", "mssql_python_odbc", "pyodbc"):
        try:
            import_module(module)
        except ImportError as error:
            lacking(f"mssql-django ({error})")
    odbc = odbc_drivers(tmp_path_factory.mktemp("odbc"))
    with running_sql(tmp_path_factory.mktemp("django"), SqlServerProcess) as server:
        owner = Owner(server)
        identity = owner.identity("django")
        owner.app("django", identity["id"])
        place = make_place(owner, server, identity["principalId"])
        where = {"SQL_SERVER": "localhost", "SQL_PORT": str(place.port), "SQL_DATABASE": place.database}
        more = {"CLIENT": identity["clientId"], "DJANGO_SETTINGS_MODULE": "settings", "ODBCSYSINI": str(odbc)}
        yield Project(Launcher(server), "django", where | more)


def test_migrate(project: Project) -> None:
    assert "Applying auth.0012_alter_user_first_name_max_length... OK" in project.run("-m", "django", "migrate")
    assert "No changes detected" in project.run("-m", "django", "makemigrations", "--check", "--dry-run")
    assert "[ ]" not in project.run("-m", "django", "showmigrations")


def test_the_admin_and_queries(project: Project) -> None:
    project.run("-m", "django", "migrate")
    assert project.run("visit.py") == "ok\n"


def test_a_changed_model_is_migrated_with_its_rows(project: Project) -> None:
    project.run("-m", "django", "migrate")
    assert project.run("change.py") == "ok\n"


def test_inspectdb(project: Project) -> None:
    project.run("-m", "django", "migrate")
    models = project.run("-m", "django", "inspectdb")
    for line in (
        "class ShopProduct(models.Model):",
        "    price = models.DecimalField(max_digits=10, decimal_places=2)",
        "    shelf = models.ForeignKey('ShopShelf', models.DO_NOTHING)",
        "    made = models.DateField(blank=True, null=True)",
        "        unique_together = (('name', 'shelf'),)",
        "        db_table = 'shop_product'",
    ):
        assert line in models, models


def test_the_document_tells_how_many() -> None:
    others = sum(name.startswith("test_") for name in globals()) - 1
    assert said("Django")[0] == f"{others} passed, 0 failed, 0 skipped"

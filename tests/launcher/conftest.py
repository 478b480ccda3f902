from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import keyless
from tests.launcher.fake_server import FakeServer, TestAuthority

SOURCE = str(Path(keyless.__file__).parent.parent)


class Started:
    """Starts `keyless run` as a user would, and ends what is left of it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._processes: list[asyncio.subprocess.Process] = []

    async def launch(
        self, *command: str, environ: dict[str, str] | None = None, options: tuple[str, ...] = ("--app", "shop")
    ) -> asyncio.subprocess.Process:
        inherited = {k: v for k, v in os.environ.items() if "proxy" not in k.lower() and not k.startswith("AZURE_")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "keyless", "run", *options, "--data", str(self.data), "--", *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**inherited, "PYTHONPATH": SOURCE, **(environ or {})},
        )
        self._processes.append(process)
        return process

    async def run(
        self, *command: str, environ: dict[str, str] | None = None, options: tuple[str, ...] = ("--app", "shop")
    ) -> tuple[int | None, str, str]:
        """Exit code, standard output and standard error of a whole run."""
        process = await self.launch(*command, environ=environ, options=options)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode, out.decode(), err.decode()

    async def python(self, program: str, **options: dict[str, str]) -> tuple[int | None, str, str]:
        return await self.run(sys.executable, "-c", program, **options)  # type: ignore[arg-type]

    async def end(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.communicate()


@pytest.fixture(scope="session")
def authority() -> TestAuthority:
    return TestAuthority("keyless test CA")


@pytest.fixture
def data() -> Iterator[Path]:
    # pytest's own folders have long names; one test asks for such a one
    with tempfile.TemporaryDirectory(prefix="kl") as folder:
        yield Path(folder)


@pytest.fixture
async def server(data: Path, authority: TestAuthority) -> AsyncIterator[FakeServer]:
    fake = FakeServer(data, authority)
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
async def keyless_run(server: FakeServer) -> AsyncIterator[Started]:
    started = Started(server.data)
    yield started
    await started.end()

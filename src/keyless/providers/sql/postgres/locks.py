"""What a PostgreSQL that was killed has left on its folder: a lock file with the number of its process.

Owns telling that number from one that another process has now. PostgreSQL itself only asks whether there is a process
of that number, so after a reboot it may wait for a stranger for ever. That no process of the dead one is left over it
finds out by its shared memory, which the same file names: so the file stays, and only the number changes.

Source: PostgreSQL's files, "postmaster.pid": the process's number, the folder, the time, the port, the sockets' folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

SOCKETS = "keyless-sql-"
_LOCK = "postmaster.pid"
_SOCKET_LOCK = ".s.PGSQL.5432.lock"
_SOCKET_LINE = 4


def holder(folder: Path) -> int | None:
    """The process that runs on the folder, if one does."""
    lines = _lines(folder)
    number = int(lines[0]) if lines and lines[0].isdigit() else 0
    with contextlib.suppress(OSError):
        if number and os.path.samefile(f"/proc/{number}/cwd", folder):
            return number
    return None


def free(folder: Path) -> None:
    """Make the lock of one that has ended one that PostgreSQL takes over: its parent's number is no other server's."""
    if not Path("/proc/self").exists():
        return
    (folder / _SOCKET_LOCK).unlink(missing_ok=True)  # a copy of another machine's folder has one too
    lines = _lines(folder)
    if not lines:
        return
    (folder / _LOCK).write_text("\n".join([str(os.getpid()), *lines[1:], ""]), encoding="utf-8")
    sockets = Path(lines[_SOCKET_LINE]) if len(lines) > _SOCKET_LINE else folder
    if sockets.parent == Path(tempfile.gettempdir()) and sockets.name.startswith(SOCKETS):
        shutil.rmtree(sockets, ignore_errors=True)


def _lines(folder: Path) -> list[str]:
    try:
        return (folder / _LOCK).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []

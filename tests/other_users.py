"""Programs that run as another user of this machine, for tests that run as root.

An interpreter in root's home is closed to others; the system's own does as well, because the launcher needs the
standard library only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import keyless
from tests.clients.tools import lacking

#: A user who is nobody in particular: no account of this machine has this number.
UID = 54_321
OTHER_UID = 54_322

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@cache
def _found() -> str:
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        command = [candidate, "-c", "import sys, asyncio; assert sys.version_info >= (3, 11)"]
        try:
            if subprocess.run(command, user=UID, group=UID, extra_groups=[], check=False).returncode == 0:
                return candidate
        except OSError:
            continue
    return ""


def anybodys_python() -> str:
    """An interpreter that every user may run."""
    return _found() or lacking("a Python 3.11 that other users may run")


def environment(**more: str) -> dict[str, str]:
    """What a program of another user finds: nothing of root's."""
    source = Path(keyless.__file__).parents[1]
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(source), "HOME": "/nonexistent", **more}

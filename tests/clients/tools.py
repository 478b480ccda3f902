"""The tools of other languages that the runs need, and programs built with them.

A test whose tool the machine lacks is skipped, and fails where CI is set. What is built lies in `build` folders beside
the sources, made by one worker and used by all.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

#: What building may take where nothing is in the tools' caches yet, on a busy machine.
BUILD_SECONDS = 900


def lacking(what: str) -> NoReturn:
    """Skip the test: the machine lacks `what`. A machine of CI must not."""
    if os.environ.get("CI"):
        pytest.fail(f"needed here: {what}")
    pytest.skip(f"needs {what}")


def needed(command: str, what: str) -> str:
    """The path of a command, or the test is skipped."""
    return shutil.which(command) or lacking(what)


@contextmanager
def alone(file: Path) -> Iterator[bytes]:
    """One worker at a time; the content of the file that they take turns by."""
    with file.open("rb") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield opened.read()


def go_program(module: Path) -> Path:
    """The program of a Go module, built: Go's own cache tells whether anything has to be done."""
    wanted = re.findall(r"^go (\d+)\.(\d+)", (module / "go.mod").read_text(), re.MULTILINE)[0]
    what = f"Go {'.'.join(wanted)} or newer"
    go = needed("go", what)
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, timeout=60, check=True).stdout
    version = re.match(r"go(\d+)\.(\d+)", said)
    if not version or tuple(map(int, version.groups())) < tuple(map(int, wanted)):
        lacking(what)
    program = module / "build" / module.name
    with alone(module / "main.go"):  # go itself locks go.mod
        build = [go, "build", "-mod=readonly", "-o", str(program), "."]
        done = subprocess.run(build, cwd=module, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return program


def npm_packages(folder: Path) -> Path:
    """`node_modules` of a folder, at the versions of its `package-lock.json`."""
    npm = needed("npm", "npm")
    installed = folder / "node_modules"
    stamp = installed / ".installed"
    with alone(folder / "package-lock.json") as lock:
        wanted = hashlib.sha256(lock).hexdigest()
        if not stamp.exists() or stamp.read_text() != wanted:
            done = subprocess.run([npm, "ci"], cwd=folder, capture_output=True, text=True, timeout=170, check=False)
            assert done.returncode == 0, done.stderr
            stamp.write_text(wanted)
    return installed

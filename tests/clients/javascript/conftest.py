"""What the runs with JavaScript need: Node.js, and the libraries at the versions of `package-lock.json`."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def node() -> str:
    """Node's path; the libraries lie in `node_modules` beside the programs, installed once for all workers."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if not found or not npm:
        if os.environ.get("CI"):
            pytest.fail("Node.js and npm are needed here: install Node.js 20 or newer")
        pytest.skip("needs Node.js and npm")
    lock = HERE / "package-lock.json"
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        stamp = HERE / "node_modules" / ".installed"
        wanted = hashlib.sha256(file.read()).hexdigest()
        if not stamp.exists() or stamp.read_text() != wanted:
            done = subprocess.run([npm, "ci"], cwd=HERE, capture_output=True, text=True, timeout=170, check=False)
            assert done.returncode == 0, done.stderr
            stamp.write_text(wanted)
    return found

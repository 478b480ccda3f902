"""azcopy, as its makers release it in a package for npm."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest

from tests.clients.tools import lacking, npm_packages

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def azcopy() -> Path:
    """The program, for Linux on x86-64; it is there for no other machine in a package."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        lacking("Linux on x86-64")
    program = npm_packages(HERE) / "@azure-tools" / "azcopy-linux" / "dist" / "bin" / "azcopy_linux_amd64"
    program.chmod(0o755)
    ran = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    if "libsecret" in ran.stderr:
        lacking("libsecret (on Debian and Ubuntu: libsecret-1-0)")
    return program

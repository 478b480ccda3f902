"""The two rclones that the tests run."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.clients.place import Command
from tests.clients.tools import go_program, need_namespaces, needed

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Rclone:
    """How one version of rclone is started, and what it calls an endpoint."""

    command: Command
    old: bool

    def endpoint(self, account_url: str) -> str:
        """The setting for an account that is not at a cloud's name: older versions put the account before it."""
        return urlsplit(account_url).netloc.partition(".")[2] if self.old else account_url


@pytest.fixture(scope="session", params=["installed", "current"])
def rclone(request: pytest.FixtureRequest) -> Rclone:
    """The installed one (Debian has 1.60), and the version of `go.mod`."""
    if request.param == "current":
        return Rclone([go_program(HERE)], old=False)
    found = needed("rclone", "rclone")
    said = subprocess.run([found, "version"], capture_output=True, text=True, timeout=60, check=True).stdout
    if tuple(map(int, said.split()[1].lstrip("v").split(".")[:2])) > (1, 60):
        return Rclone([found], old=False)
    # up to 1.60 it asks 169.254.169.254 for its token, and nothing else: it runs isolated
    need_namespaces()
    return Rclone([found], old=True)

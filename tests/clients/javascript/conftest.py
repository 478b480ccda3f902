"""What the runs with JavaScript need: Node.js, and the libraries at the versions of `package-lock.json`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.tools import needed, npm_packages

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def node() -> str:
    """Node's path; the libraries lie in `node_modules` beside the programs, installed once for all workers."""
    found = needed("node", "Node.js 20 or newer")
    npm_packages(HERE)
    return found

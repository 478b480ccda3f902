"""Fixtures of the runs with real clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.place import Place, make_place
from tests.harness import Owner

pytest.register_assert_rewrite("tests.clients.themes")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder is a run with a real client."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.clients)


@pytest.fixture
def place(owner: Owner) -> Place:
    """An app, its identity, a vault and an account of this test's own."""
    return make_place(owner)

"""One world for each worker; tests that break it for others make their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.refusals.world import World, new_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Shared: its contents stay as they are."""
    with new_world(tmp_path_factory.mktemp("world")) as one:
        yield one


@pytest.fixture
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One test's own: keys may be revoked there, and the clock moved."""
    with new_world(tmp_path_factory.mktemp("world")) as one:
        yield one

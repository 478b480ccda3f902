"""A platform for all tests of a module, and a user on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from keyless.directory.users import User
from tests.harness import ARM, VAULT
from tests.inprocess import PlatformOwner, running_platform
from tests.people import World


@pytest.fixture(scope="module")
def whole_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_platform(tmp_path_factory.mktemp("platform")) as platform:
        owner = PlatformOwner(platform)
        for resource in (ARM, VAULT):
            owner.token(resource)
        yield World(platform, owner)
        owner.close()


@pytest.fixture
def world(whole_module: World) -> Iterator[World]:
    """The clock goes back to the present after every test that moved it."""
    present = whole_module.platform.clock.now
    yield whole_module
    whole_module.platform.clock.now = present


@pytest.fixture
def alice(world: World) -> User:
    return world.user(name="alice")

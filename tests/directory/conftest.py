"""A directory on a real store, with IDs that count up."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from keyless.bootstrap.schema import MIGRATIONS
from keyless.directory.applications import Applications
from keyless.directory.groups import Groups
from keyless.directory.principals import Directory
from keyless.directory.users import Users
from keyless.store.engine import Tx
from keyless.store.sqlite import SqliteStore, open_store

T = TypeVar("T")


@dataclass
class Tenant:
    """The directory as it is in memory, and its database."""

    path: Path
    store: SqliteStore
    directory: Directory
    applications: Applications
    users: Users
    groups: Groups

    async def write(self, work: Callable[[Tx], T]) -> T:
        return await self.store.write(work)

    async def after_restart(self) -> Tenant:
        """What a new process reads."""
        again = tenant_of(self.path, self.store)
        for one in (again.directory, again.applications, again.users, again.groups):
            await one.load()
        return again


def tenant_of(path: Path, store: SqliteStore) -> Tenant:
    numbers = itertools.count(1)

    def new_guid() -> str:
        return f"00000000-0000-4000-8000-{next(numbers):012}"

    directory = Directory(store, new_guid)
    applications = Applications(store, directory, new_guid)
    return Tenant(path, store, directory, applications, Users(store, directory), Groups(store, directory))


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[Tenant]:
    store = open_store(tmp_path / "db", MIGRATIONS)
    yield tenant_of(tmp_path / "db", store)
    await store.close()

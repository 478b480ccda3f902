"""One embedded PostgreSQL for the tests of this folder; a database of its own for each module."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from keyless.model.errors import KeylessError
from keyless.model.identity import Principal, PrincipalKind
from keyless.model.resource_id import parse_resource_id
from keyless.providers.sql.engine import Database, Login
from keyless.providers.sql.postgres import process
from keyless.providers.sql.postgres.engine import PostgresEngine
from keyless.providers.sql.postgres.session import PostgresSession

SERVER = parse_resource_id(
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Sql/servers/shop"
)
_NUMBERS = count()


def principal(name: str) -> Principal:
    """A principal of the directory."""
    kind = PrincipalKind.GROUP if name.startswith("group") else next(iter(PrincipalKind))
    return Principal(f"id-of-{name}", "", name, kind)


def named(name: str) -> Database:
    """A database of the server."""
    return Database(SERVER.child("databases", name), f"guid of {name}")


async def find(name: str, identity: str) -> Principal | None:
    """Everybody is in the directory but `nobody`; groups are called so."""
    return None if name == "nobody" else principal(identity.removeprefix("id-of-") or name)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the template in it, made once."""
    try:
        process.programs()
    except KeylessError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    return tmp_path_factory.mktemp("pg") / "data"


@pytest.fixture
async def engine(filled: Path) -> AsyncIterator[PostgresEngine]:
    """The engine, started for a test and stopped after it."""
    made = PostgresEngine(await process.start(filled), find)
    yield made
    await made.close()


@pytest.fixture
async def database(engine: PostgresEngine) -> Database:
    """A database."""
    return named(f"d{next(_NUMBERS)}")


@pytest.fixture
async def owner(engine: PostgresEngine, database: Database) -> PostgresSession:
    """A session of the server's administrator."""
    return await engine.open(Login(SERVER, database, principal("owner"), True, "host", "app"))

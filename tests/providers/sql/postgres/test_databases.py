"""Databases in PostgreSQL: whole, or not there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from keyless.providers.sql.engine import Database, Login
from keyless.providers.sql.postgres import databases
from keyless.providers.sql.postgres.connections import Connection
from keyless.providers.sql.postgres.databases import Databases, database_name
from keyless.providers.sql.postgres.engine import PostgresEngine
from tests.providers.sql.postgres.conftest import SERVER, named, principal


class Crash(Exception):
    """Stands for the end of the process."""


async def found(engine: PostgresEngine, name: str) -> list[str]:
    """What PostgreSQL has of a database, roles too."""
    async with await engine._connections.administrator("postgres") as connection:
        rows = await connection.execute(
            "SELECT datname::text FROM pg_database WHERE starts_with(datname, $1)"
            " UNION ALL SELECT rolname::text FROM pg_roles WHERE starts_with(rolname, $1) ORDER BY 1",
            [name],
        )
        return [str(row[0]) for row in await rows.fetchall()]


def steps(monkeypatch: pytest.MonkeyPatch, allowed: int, words: Sequence[str]) -> None:
    """From here on the process ends before the statement after `allowed` ones that begin with one of the words."""
    execute: Any = Connection.execute
    left = [allowed]

    async def counting(self: Connection, query: str, *rest: object, **more: object) -> object:
        if query.startswith(tuple(words)):
            left[0] -= 1
            if left[0] < 0:
                raise Crash
        return await execute(self, query, *rest, **more)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", counting)


async def test_a_creation_that_was_cut_off_leaves_nothing_that_counts(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Databases(engine._connections, alone=True)
    await made.create("k" + "0" * 20, "a test")  # the template is there
    for allowed in range(40):
        database = named(f"cut off after {allowed}")
        name = database_name(database)
        with monkeypatch.context() as patch:
            steps(patch, allowed, ("CREATE", "ALTER", "GRANT", "REVOKE"))
            try:
                await made.create(name, "a test")
            except Crash:
                pass
            else:
                break
        if allowed % 2:  # at the next start
            assert name in await made.clean([name])
            assert await found(engine, name) == []
        session = await engine.open(Login(SERVER, database, principal("owner"), True))
        async for _ in session.run("CREATE TABLE t (a INT); INSERT INTO t VALUES (1)"):
            pass
        await session.close()
        assert name not in await made.clean([name])
    assert 5 < allowed < 40


@pytest.mark.parametrize("allowed", range(2))
async def test_a_removal_that_was_cut_off_is_finished_at_the_next_start(
    engine: PostgresEngine, database: Database, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    name = database_name(database)
    made = Databases(engine._connections, alone=True)
    await made.create(name, "a test")
    with monkeypatch.context() as patch:
        steps(patch, allowed, ("DROP",))
        with pytest.raises(Crash):
            await made.remove(name)
    assert await found(engine, name)
    assert name in await made.clean([])
    assert await found(engine, name) == []


async def test_a_template_of_another_version_is_left_for_the_right_one(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = Databases(engine._connections, alone=True)
    await made.create("k" + "0" * 20, "a test")
    (tmp_path / "more.sql").write_text("CREATE FUNCTION tsql.newer() RETURNS int LANGUAGE sql AS 'SELECT 7'")
    monkeypatch.setattr(databases, "_LIBRARY", (*databases._LIBRARY, tmp_path / "more.sql"))
    await made.create("k" + "3" * 20, "a test")
    async with await engine._connections.administrator("k" + "3" * 20) as connection:
        assert await (await connection.execute("SELECT tsql.newer()")).fetchone() == (7,)
    async with await engine._connections.administrator("postgres") as connection:
        rows = await connection.execute("SELECT count(*) FROM pg_database WHERE datname ~ 'template_'")
        assert await rows.fetchone() == (1,)

"""Rows that UPDATE and DELETE mean stay meant while others change them: none is left out in silence."""

from __future__ import annotations

import asyncio

import pytest

from keyless.providers.sql.engine import Database, Done, Login, Rows
from keyless.providers.sql.postgres.engine import PostgresEngine
from keyless.providers.sql.postgres.session import PostgresSession
from tests.providers.sql.postgres.conftest import SERVER, principal


async def changed(session: PostgresSession, statement: str) -> int | None:
    counts = [event.count async for event in session.run(statement) if isinstance(event, Done)]
    return counts[-1]


async def first(session: PostgresSession, query: str) -> object:
    found = [row async for event in session.run(query) if isinstance(event, Rows) for row in event.rows]
    return found[0][0]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE TOP (1) t SET n = n + 1",
        "UPDATE a SET n = a.n + 1 FROM t a LEFT JOIN u ON u.id = a.id",
        "UPDATE a SET n = a.n + 1 FROM t a JOIN u ON u.id = a.id",
        "UPDATE a SET n = a.n + x.one FROM t a CROSS APPLY (SELECT 1 AS one) x",
        "WITH c AS (SELECT id, n FROM t) UPDATE c SET n = n + 1",
        "MERGE t WITH (HOLDLOCK) USING u ON u.id = t.id WHEN MATCHED THEN UPDATE SET n = t.n + 1;",
    ],
)
async def test_a_row_that_another_transaction_has_just_changed_is_changed_again(
    owner: PostgresSession, engine: PostgresEngine, database: Database, statement: str
) -> None:
    other = await engine.open(Login(SERVER, database, principal("owner"), True, "host", "app"))
    for text in (
        "CREATE TABLE t (id INT PRIMARY KEY, n INT)",
        "CREATE TABLE u (id INT)",
        "INSERT INTO t VALUES (1, 0)",
    ):
        await changed(owner, text)
    await changed(owner, "INSERT INTO u VALUES (1)")
    await changed(owner, "BEGIN TRAN")
    assert await changed(owner, statement) == 1
    waiting = asyncio.create_task(changed(other, statement))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await changed(owner, "COMMIT")
    assert await waiting == 1
    assert await first(other, "SELECT n FROM t") == 2


async def test_what_another_transaction_holds_is_passed_over_if_a_hint_says_so(
    owner: PostgresSession, engine: PostgresEngine, database: Database
) -> None:
    other = await engine.open(Login(SERVER, database, principal("owner"), True, "host", "app"))
    await changed(owner, "CREATE TABLE q (id INT PRIMARY KEY)")
    await changed(owner, "INSERT INTO q VALUES (1), (2)")
    await changed(owner, "BEGIN TRAN")
    taken = "DELETE TOP (1) FROM q WITH (READPAST) OUTPUT deleted.id"
    found = {await first(owner, taken), await first(other, taken)}
    assert found == {1, 2}
    await changed(owner, "COMMIT")
    assert await first(other, "SELECT COUNT(*) FROM q") == 0


async def test_a_lock_is_waited_for_as_long_as_was_said(
    owner: PostgresSession, engine: PostgresEngine, database: Database
) -> None:
    other = await engine.open(Login(SERVER, database, principal("owner"), True, "host", "app"))
    await changed(owner, "CREATE TABLE t (id INT PRIMARY KEY)")
    await changed(owner, "INSERT INTO t VALUES (1)")
    await changed(owner, "BEGIN TRAN")
    await changed(owner, "UPDATE t SET id = 2")
    await changed(other, "SET LOCK_TIMEOUT 50")
    with pytest.raises(Exception, match="Lock request time out period exceeded"):
        await changed(other, "UPDATE t SET id = 3")

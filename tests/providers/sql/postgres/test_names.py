"""Names longer than PostgreSQL keeps them."""

from __future__ import annotations

import pytest

from keyless.providers.sql.engine import Columns, Rows, SqlError
from keyless.providers.sql.postgres.session import PostgresSession
from keyless.providers.sql.tsql.names import fold

LONG = "A_name_" + "x" * 100
OTHER = LONG + "y"


async def rows(session: PostgresSession, text: str) -> list[tuple[object, ...]]:
    return [tuple(row) async for event in session.run(text) if isinstance(event, Rows) for row in event.rows]


async def test_long_names_are_kept_whole_and_apart(owner: PostgresSession) -> None:
    await rows(owner, f"CREATE TABLE {LONG} ({LONG} INT CONSTRAINT {LONG}p PRIMARY KEY, {OTHER} INT)")
    await rows(owner, f"CREATE TABLE {OTHER} (a INT)")
    await rows(owner, f"CREATE INDEX {LONG}i ON {LONG} ({OTHER})")
    await rows(owner, f"INSERT INTO {LONG} VALUES (1, 2)")
    assert await rows(owner, f"SELECT {LONG}, {OTHER.upper()} FROM {LONG.lower()}") == [(1, 2)]
    assert [
        event.columns[0].name async for event in owner.run(f"SELECT * FROM {LONG}") if isinstance(event, Columns)
    ] == [LONG]
    assert await rows(owner, "SELECT name FROM sys.tables ORDER BY LEN(name)") == [(LONG,), (OTHER,)]
    assert await rows(
        owner, f"SELECT name FROM sys.columns WHERE object_id = OBJECT_ID('{LONG}') ORDER BY column_id"
    ) == [
        (LONG,),
        (OTHER,),
    ]
    assert await rows(owner, f"SELECT name FROM sys.indexes WHERE object_id = OBJECT_ID('{LONG}') ORDER BY name") == [
        (LONG + "i",),
        (LONG + "p",),
    ]
    await rows(owner, f"DROP INDEX {LONG}i ON {LONG}")
    await rows(owner, f"ALTER TABLE {LONG} DROP CONSTRAINT {LONG}p")
    await rows(owner, f"DROP TABLE {LONG}")


def test_a_long_name_ends_within_a_character() -> None:
    assert len(fold("茶" * 100).encode()) <= 63


def test_a_name_beyond_every_limit_is_refused() -> None:
    with pytest.raises(SqlError, match="is too long"):
        fold("x" * 300)

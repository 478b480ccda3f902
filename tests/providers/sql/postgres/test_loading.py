"""Bulk load against the embedded PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from keyless.providers.sql.engine import Isolation, Rows, SqlError
from keyless.providers.sql.postgres.session import PostgresSession
from keyless.providers.sql.types import Column, Kind, Row, SqlType

INT = SqlType(Kind.INT)
NAME = SqlType(Kind.NVARCHAR, 50)
TABLE = (
    "CREATE TABLE loaded (id INT IDENTITY PRIMARY KEY, name NVARCHAR(5), n DECIMAL(6, 2) DEFAULT 1.5, c CHAR(3),"
    " at DATETIME, far DATETIMEOFFSET, b BINARY(2), ok BIT, x XML, u UNIQUEIDENTIFIER, m MONEY CHECK (m > 0))"
)


async def rows(*parts: Sequence[Row]) -> AsyncIterator[Sequence[Row]]:
    for part in parts:
        yield part


async def select(session: PostgresSession, statement: str) -> list[Row]:
    return [row async for event in session.run(statement) if isinstance(event, Rows) for row in event.rows]


@pytest.fixture
async def session(owner: PostgresSession) -> PostgresSession:
    await select(owner, TABLE)
    return owner


async def load(session: PostgresSession, text: str, types: Sequence[SqlType], *parts: Sequence[Row]) -> int:
    return await session.load(text, [Column(f"c{place}", one) for place, one in enumerate(types)], rows(*parts))


async def test_values_become_what_the_columns_are(session: PostgresSession) -> None:
    far = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    key = UUID(int=5)
    types = [
        *(NAME, SqlType(Kind.DECIMAL, precision=18, scale=6), SqlType(Kind.VARCHAR, 3), SqlType(Kind.DATETIME)),
        *(SqlType(Kind.DATETIMEOFFSET, scale=7), SqlType(Kind.VARBINARY, 2), SqlType(Kind.BIT), SqlType(Kind.XML)),
        *(SqlType(Kind.UNIQUEIDENTIFIER), SqlType(Kind.MONEY)),
    ]
    given = ("Kä\t\\", Decimal("2.345"), "a", datetime(2024, 1, 2, 3, 4, 5, 3333), far, b"\x01", True, "<a/>", key, 1)
    text = "INSERT BULK dbo.loaded (name, n, c, at, far, b, ok, x, u, m) WITH (CHECK_CONSTRAINTS, TABLOCK)"
    assert await load(session, text, types, [given], [given]) == 2
    found = await select(session, "SELECT id, name, n, c + '|', at, far, b, ok, x, u, m FROM loaded")
    at = datetime(2024, 1, 2, 3, 4, 5, 3000)
    row = ("Kä\t\\", Decimal("2.35"), "a  |", at, far, b"\x01\x00", True, "<a/>", key, Decimal("1.0000"))
    assert found == [(1, *row), (2, *row)]


async def test_a_missing_value_is_the_default_unless_nulls_are_kept(session: PostgresSession) -> None:
    types = [NAME, SqlType(Kind.DECIMAL)]
    await load(session, "INSERT BULK loaded ([name] nvarchar(5), [n] decimal(6,2))", types, [("a", None)])
    await load(session, "INSERT BULK [loaded] (name, n) WITH (KEEP_NULLS)", types, [("b", None)])
    assert await select(session, "SELECT name, n FROM loaded") == [("a", Decimal("1.50")), ("b", None)]


async def test_an_identity_that_is_given_is_kept(session: PostgresSession) -> None:
    await load(session, "INSERT BULK loaded (id, name)", [INT, NAME], [(7, "a")])
    assert await select(session, "SELECT id, name FROM loaded") == [(7, "a")]


@pytest.mark.parametrize(
    ("text", "row", "number"),
    [
        ("INSERT BULK loaded (name)", ("longer",), 2628),
        ("INSERT BULK loaded (id)", ("x",), 245),
        ("INSERT BULK loaded (m)", ("-1",), 8114),
        ("INSERT BULK nothere (name)", ("a",), 208),
        ("INSERT BULK loaded (other)", ("a",), 207),
        ("INSERT BULK loaded (name, n)", ("a",), 4816),
        ("INSERT BULK loaded (name) WITH (NOTHING)", ("a",), 40510),
        ("INSERT BULK loaded (name", ("a",), 102),
        ("INSERT BULK loaded (name)", ("a\0",), 9833),
    ],
)
async def test_an_error_leaves_nothing_behind(session: PostgresSession, text: str, row: Row, number: int) -> None:
    with pytest.raises(SqlError) as caught:
        await load(session, text, [NAME], [("fine",), row])
    assert caught.value.number == number
    await session.begin(Isolation.UNCHANGED, "")
    await load(session, "INSERT BULK loaded (name)", [NAME], [("kept",)])
    with pytest.raises(SqlError):
        await load(session, text, [NAME], [("fine",), row])
    await session.commit("")
    assert await select(session, "SELECT name FROM loaded") == [("kept",)]


async def test_a_temporary_table_can_be_loaded(owner: PostgresSession) -> None:
    await select(owner, "CREATE TABLE #t (n INT)")
    assert await load(owner, "INSERT BULK #t ([n] int)", [INT], [(1,), (2,)], [(3,)]) == 3
    assert await select(owner, "SELECT SUM(n) FROM #t") == [(6,)]

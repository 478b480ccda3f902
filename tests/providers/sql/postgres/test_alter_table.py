"""ALTER TABLE, with rows in the table."""

from __future__ import annotations

import pytest

from keyless.providers.sql.engine import Database, Rows, SqlError
from keyless.providers.sql.postgres.engine import PostgresEngine
from keyless.providers.sql.postgres.session import PostgresSession
from tests.providers.sql.postgres.people import People


async def rows(session: PostgresSession, text: str) -> list[tuple[object, ...]]:
    return [tuple(row) async for event in session.run(text) if isinstance(event, Rows) for row in event.rows]


@pytest.fixture(params=["dbo", "db_ddladmin"])
async def table(
    request: pytest.FixtureRequest, engine: PostgresEngine, database: Database, owner: PostgresSession
) -> PostgresSession:
    """The administrator's session, or that of somebody who may define tables."""
    columns = "Id INT PRIMARY KEY, Name NVARCHAR(5) NULL CONSTRAINT DF_Name DEFAULT 'ab', N INT"
    await rows(owner, f"CREATE TABLE dbo.T ({columns})")
    await rows(owner, "INSERT INTO T (Id, N) VALUES (1, 10)")
    if request.param == "dbo":
        return owner
    more = [f"ALTER ROLE {role} ADD MEMBER {{0}}" for role in (request.param, "db_datareader", "db_datawriter")]
    return await People(engine, database, owner).user("ada", *more)


async def number(session: PostgresSession, text: str) -> int:
    with pytest.raises(SqlError) as caught:
        await rows(session, text)
    return caught.value.number


async def test_a_longer_text(table: PostgresSession) -> None:
    assert await number(table, "INSERT INTO T (Id, Name) VALUES (2, 'abcdef')") == 2628
    await rows(table, "ALTER TABLE T ALTER COLUMN name NVARCHAR(8) NOT NULL")
    await rows(table, "INSERT INTO T (Id, Name) VALUES (2, 'abcdefgh')")
    assert await number(table, "INSERT INTO T (Id, Name) VALUES (3, 'abcdefghi')") == 2628
    assert await number(table, "INSERT INTO T (Id, Name) VALUES (3, NULL)") == 515
    await rows(table, "INSERT INTO T (Id) VALUES (3)")
    assert await rows(table, "SELECT Name FROM T WHERE Id = 3") == [("ab",)]
    told = "SELECT name, max_length, is_nullable FROM sys.columns WHERE object_id = OBJECT_ID('T') AND column_id = 2"
    assert await rows(table, told) == [("Name", 16, False)]


async def test_a_shorter_text_loses_nothing(table: PostgresSession) -> None:
    await rows(table, "UPDATE T SET Name = 'abcde'")
    assert await number(table, "ALTER TABLE T ALTER COLUMN Name NVARCHAR(3)") == 2628
    assert await rows(table, "SELECT Name FROM T") == [("abcde",)]


async def test_another_type(table: PostgresSession) -> None:
    await rows(table, "ALTER TABLE T ALTER COLUMN N BIGINT")
    await rows(table, "INSERT INTO T (Id, N) VALUES (2, 5000000000)")
    await rows(table, "ALTER TABLE T ALTER COLUMN N NVARCHAR(20)")
    assert await rows(table, "SELECT N FROM T ORDER BY Id") == [("10",), ("5000000000",)]
    assert await number(table, "ALTER TABLE T ALTER COLUMN N INT") in {248, 8115}


async def test_defaults_by_name(table: PostgresSession) -> None:
    await rows(table, "ALTER TABLE T ADD CONSTRAINT DF_N DEFAULT 7 FOR N, CONSTRAINT CK_N CHECK (N < 100)")
    await rows(table, "INSERT INTO T (Id) VALUES (2)")
    assert await rows(table, "SELECT N FROM T WHERE Id = 2") == [(7,)]
    names = "SELECT name FROM sys.default_constraints ORDER BY name"
    assert await rows(table, names) == [("DF_N",), ("DF_Name",)]
    assert await number(table, "ALTER TABLE T ADD DEFAULT 8 FOR N") == 1781
    assert await number(table, "ALTER TABLE T DROP COLUMN N") == 5074
    await rows(table, "ALTER TABLE T DROP CONSTRAINT df_n, CK_N, CONSTRAINT DF_Name")
    assert await rows(table, names) == []
    assert await number(table, "ALTER TABLE T DROP CONSTRAINT DF_N") == 3728
    await rows(table, "ALTER TABLE T DROP CONSTRAINT IF EXISTS DF_N")
    await rows(table, "ALTER TABLE T DROP COLUMN N, Name")
    assert await rows(table, "SELECT * FROM T") == [(1,), (2,)]


async def test_what_a_column_holds_up_is_not_taken_away(table: PostgresSession) -> None:
    await rows(table, "CREATE INDEX by_n ON T (N)")
    for column in ("Id", "N", "Name"):
        assert await number(table, f"ALTER TABLE T DROP COLUMN {column}") == 5074
    assert await number(table, "ALTER TABLE T DROP COLUMN nothing") == 4924
    assert await number(table, "ALTER TABLE nothing DROP COLUMN a") == 4902
    await rows(table, "ALTER TABLE T DROP COLUMN IF EXISTS nothing")


async def test_a_default_ends_before_not_null(table: PostgresSession) -> None:
    await rows(table, "ALTER TABLE T ADD P DECIMAL(8, 3) DEFAULT 2 NOT NULL, Q INT DEFAULT (1 + 2) * 3 NULL")
    assert await rows(table, "SELECT P, Q FROM T") == [(2, 9)]
    assert await number(table, "INSERT INTO T (Id, P) VALUES (5, NULL)") == 515


async def test_a_temporary_table(table: PostgresSession) -> None:
    await rows(table, "CREATE TABLE #t (a INT, b NVARCHAR(3))")
    await rows(table, "ALTER TABLE #t ALTER COLUMN b NVARCHAR(30) NOT NULL")
    await rows(table, "ALTER TABLE #t ADD CONSTRAINT DF_a DEFAULT 5 FOR a")
    await rows(table, "INSERT INTO #t (b) VALUES ('a long text')")
    await rows(table, "ALTER TABLE #t DROP COLUMN b")
    assert await rows(table, "SELECT * FROM #t") == [(5,)]


async def test_who_may_not_alter_a_table(engine: PostgresEngine, database: Database, owner: PostgresSession) -> None:
    await rows(owner, "CREATE TABLE dbo.T (Id INT PRIMARY KEY, N INT NOT NULL CONSTRAINT DF_N DEFAULT 1)")
    people = People(engine, database, owner)
    await people.user(
        "ada", "GRANT SELECT, INSERT ON dbo.T TO {0}", "GRANT CREATE TABLE TO {0}", "CREATE SCHEMA s AUTHORIZATION {0}"
    )
    for what in (
        "ALTER COLUMN N BIGINT",
        "ALTER COLUMN N INT NULL",
        "DROP CONSTRAINT DF_N",
        "DROP COLUMN N",
        "ADD DEFAULT 1 FOR Id",
    ):
        assert await people.says("ada", f"ALTER TABLE dbo.T {what}") in {1088, 15247, 4902, 3701}, what
    assert await rows(owner, "SELECT is_nullable FROM sys.columns WHERE object_id = OBJECT_ID('T') AND name = 'N'") == [
        (False,)
    ]


@pytest.mark.parametrize(
    "statement", ["WITH NOCHECK ADD CHECK (N > 0)", "NOCHECK CONSTRAINT ALL", "ALTER COLUMN N ADD SPARSE", "REBUILD"]
)
async def test_what_is_not_there_is_refused(table: PostgresSession, statement: str) -> None:
    assert await number(table, f"ALTER TABLE T {statement}") in {102, 40510}


async def test_a_computed_column(table: PostgresSession) -> None:
    await rows(table, "ALTER TABLE T ADD Twice AS N * 2 PERSISTED NOT NULL, Said AS CONCAT(Name, N'; ''%', N)")
    await rows(table, "INSERT INTO T VALUES (2, 'cd', 20)")
    assert await rows(table, "SELECT Twice, Said FROM T ORDER BY Id") == [(20, "ab; '%10"), (40, "cd; '%20")]
    assert await number(table, "UPDATE T SET Twice = 1") == 271
    assert await number(table, "ALTER TABLE T DROP COLUMN N") == 5074
    await rows(table, "ALTER TABLE T DROP COLUMN Twice, COLUMN Said, COLUMN N")
    assert await rows(table, "SELECT * FROM T WHERE Id = 1") == [(1, "ab")]

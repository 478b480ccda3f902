"""The engine: who may do what, parameters, cancelling, descriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from keyless.providers.sql.engine import Columns, Command, Database, Done, Isolation, Login, Rows, SqlError
from keyless.providers.sql.postgres.databases import database_name
from keyless.providers.sql.postgres.engine import PostgresEngine
from keyless.providers.sql.postgres.session import PostgresSession
from keyless.providers.sql.types import Kind, Parameter, Row, SqlType
from tests.providers.sql.postgres.conftest import SERVER, named, principal


async def rows(session: PostgresSession, statement: str, *parameters: Parameter) -> list[Row]:
    found: list[Row] = []
    async for event in session.run(statement, parameters):
        if isinstance(event, Rows):
            found += event.rows
    return found


async def number(session: PostgresSession, statement: str) -> int:
    with pytest.raises(SqlError) as caught:
        await rows(session, statement)
    return caught.value.number


async def open_as(engine: PostgresEngine, database: Database, name: str) -> PostgresSession:
    return await engine.open(Login(SERVER, database, principal(name), False))


async def test_who_is_no_user_is_refused(engine: PostgresEngine, database: Database) -> None:
    with pytest.raises(SqlError) as caught:
        await open_as(engine, database, "eve")
    assert caught.value.number == 18456


async def test_at_the_start_what_is_left_of_others_goes(
    engine: PostgresEngine, database: Database, owner: PostgresSession
) -> None:
    await rows(owner, "CREATE TABLE t (a INT)")
    await engine.start([database])
    assert await rows(owner, "SELECT COUNT(*) FROM t") == [(0,)]
    await engine.start([])
    again = await engine.open(Login(SERVER, database, principal("owner"), True))
    assert await number(again, "SELECT * FROM t") == 208


async def test_rights_are_postgresqls_to_enforce(
    engine: PostgresEngine, database: Database, owner: PostgresSession
) -> None:
    await rows(owner, "CREATE TABLE t (a INT); INSERT INTO t VALUES (1)")
    await rows(owner, "CREATE USER [bob smith] FROM EXTERNAL PROVIDER")
    bob = await open_as(engine, database, "bob smith")
    assert await number(bob, "SELECT a FROM t") == 229
    await rows(owner, "ALTER ROLE db_datareader ADD MEMBER [bob smith]")
    assert await rows(bob, "SELECT a FROM t") == [(1,)]
    assert await number(bob, "DELETE FROM t") == 229
    assert await number(bob, "CREATE TABLE u (a INT)") == 262
    assert await number(bob, "GRANT SELECT ON t TO [bob smith]") == 15151
    assert await number(bob, "ALTER ROLE db_owner ADD MEMBER [bob smith]") == 15151
    await rows(owner, "GRANT DELETE ON dbo.t TO [bob smith]")
    await rows(bob, "DELETE FROM t WHERE a = 2")
    await rows(owner, "REVOKE DELETE ON dbo.t FROM [bob smith]")
    assert await number(bob, "DELETE FROM t WHERE a = 2") == 229
    await rows(owner, "ALTER ROLE db_owner ADD MEMBER [bob smith]")
    again = await open_as(engine, database, "bob smith")
    await rows(again, "CREATE TABLE made (a INT)")
    await rows(owner, "DROP TABLE made")
    assert await number(owner, "CREATE USER nobody FROM EXTERNAL PROVIDER") == 33130
    await bob.close()
    await again.close()
    await rows(owner, "DROP USER [bob smith]")
    with pytest.raises(SqlError):
        await open_as(engine, database, "bob smith")


async def test_a_role_reaches_neither_files_nor_another_database(
    engine: PostgresEngine, database: Database, owner: PostgresSession
) -> None:
    other = named("other")
    await engine.open(Login(SERVER, other, principal("owner"), True))
    role = f"{database_name(database)}_o"
    # straight to PostgreSQL, past the translation: what the role itself may do
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        await engine._connections.open(database_name(other), role)
    direct = await engine._connections.open(database_name(database), role)
    for statement in (
        "SELECT pg_read_file('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/x'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT lo_import('/etc/passwd')",
        "CREATE EXTENSION dblink",
        "SELECT rolpassword FROM pg_authid",
        "SET ROLE keyless",
        "SET SESSION AUTHORIZATION keyless",
        "CREATE ROLE x SUPERUSER",
    ):
        with pytest.raises(psycopg.Error) as caught:
            await direct.execute(statement)
        assert caught.value.sqlstate == "42501", statement
    await direct.close()


async def test_parameters_have_their_declared_types(owner: PostgresSession) -> None:
    cases: Sequence[tuple[Kind, object]] = [
        (Kind.INT, 7), (Kind.BIGINT, 1 << 40), (Kind.BIT, True), (Kind.DECIMAL, Decimal("1.50")), (Kind.FLOAT, 0.5),
        (Kind.NVARCHAR, "O'Hara ß"), (Kind.VARBINARY, b"\x00\xff"), (Kind.DATETIME2, datetime(2024, 1, 2, 3, 4, 5, 6)),
        (Kind.DATETIME, datetime(2024, 1, 2, 3, 4, 5)), (Kind.UNIQUEIDENTIFIER, UUID(int=5)), (Kind.INT, None),
    ]  # fmt: skip
    for kind, value in cases:
        parameter = Parameter("@p1", SqlType(kind), value)  # type: ignore[arg-type]
        assert await rows(owner, "SELECT @P1 AS v", parameter) == [(value,)]


async def test_columns_are_described_as_declared(owner: PostgresSession) -> None:
    await rows(owner, "CREATE TABLE t (Id INT IDENTITY NOT NULL, Name NVARCHAR(50) NULL, d DECIMAL(9,3))")
    id_, name, number_ = await owner.describe("SELECT * FROM t")
    assert (id_.name, id_.type.kind, id_.nullable, id_.identity) == ("Id", Kind.INT, False, True)
    assert (name.name, name.type, name.nullable) == ("Name", SqlType(Kind.NVARCHAR, length=50), True)
    assert number_.type == SqlType(Kind.DECIMAL, precision=9, scale=3)
    events = [event async for event in owner.run("SELECT * FROM t")]
    assert events[0] == Columns((id_, name, number_))


async def test_missing_parameters_are_named(owner: PostgresSession) -> None:
    found = await owner.describe_parameters("SELECT @a + @b", [Parameter("@a", SqlType(Kind.INT))])
    assert [parameter.name for parameter in found] == ["@b"]


async def test_a_large_result_comes_in_parts_and_can_be_left(owner: PostgresSession) -> None:
    numbers = (
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n OPTION (MAXRECURSION 0)"
    )
    sizes = [len(event.rows) async for event in owner.run(numbers) if isinstance(event, Rows)]
    assert sum(sizes) == 5000
    assert max(sizes) <= 500
    stream = owner.run(numbers)
    async for event in stream:
        if isinstance(event, Rows):
            break
    await stream.aclose()
    assert await rows(owner, "SELECT 1") == [(1,)]


async def test_a_running_statement_is_cancelled_and_the_transaction_goes_on(owner: PostgresSession) -> None:
    await owner.begin(Isolation.READ_COMMITTED, "")
    await rows(owner, "CREATE TABLE t (a INT)")
    endless = (
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i % 10 + 1 FROM n) SELECT COUNT(*) FROM n OPTION (MAXRECURSION 0)"
    )
    running = asyncio.create_task(rows(owner, endless))
    await asyncio.sleep(0.3)
    await owner.cancel()
    with pytest.raises(SqlError):
        await running
    assert await rows(owner, "SELECT COUNT(*), @@TRANCOUNT FROM t") == [(0, 1)]
    assert owner.transaction
    await owner.rollback("")
    assert not owner.transaction
    assert await number(owner, "SELECT * FROM t") == 208


async def test_reset_forgets_what_the_session_had(owner: PostgresSession) -> None:
    await rows(owner, "CREATE TABLE #t (a INT)")
    await owner.begin(Isolation.SERIALIZABLE, "")
    await owner.reset(keep_transaction=False)
    assert not owner.transaction
    assert await number(owner, "SELECT * FROM #t") == 208


async def test_a_deadlock_ends_one_transaction(
    engine: PostgresEngine, database: Database, owner: PostgresSession
) -> None:
    other = await engine.open(Login(SERVER, database, principal("owner"), True))
    await rows(owner, "CREATE TABLE t (a INT PRIMARY KEY, b INT); INSERT INTO t VALUES (1, 0), (2, 0)")
    for session, row in ((owner, 1), (other, 2)):
        await session.begin(Isolation.READ_COMMITTED, "")
        await rows(session, f"UPDATE t SET b = 1 WHERE a = {row}")
    ends = await asyncio.gather(
        rows(owner, "UPDATE t SET b = 1 WHERE a = 2"),
        rows(other, "UPDATE t SET b = 1 WHERE a = 1"),
        return_exceptions=True,
    )
    (victim,) = [index for index, end in enumerate(ends) if isinstance(end, SqlError) and end.number == 1205]
    assert not (owner, other)[victim].transaction
    assert (owner, other)[1 - victim].transaction


async def test_deleting_a_database_ends_its_sessions(
    engine: PostgresEngine, database: Database, owner: PostgresSession
) -> None:
    await engine.delete_database(database)
    with pytest.raises(SqlError) as caught:
        await rows(owner, "SELECT 1")
    assert caught.value.severity >= 20
    with pytest.raises(SqlError):
        await open_as(engine, database, "a")


async def transactions(session: PostgresSession, *statements: str) -> list[bool]:
    """Whether there is a transaction after each statement."""
    found = []
    for statement in statements:
        await rows(session, statement)
        found.append(session.transaction > 0)
    return found


async def test_implicit_transactions_begin_with_what_touches_a_table(owner: PostgresSession) -> None:
    await rows(owner, "CREATE TABLE t (a INT); SET IMPLICIT_TRANSACTIONS ON")
    assert await transactions(owner, "SELECT 1", "INSERT INTO t VALUES (1)", "ROLLBACK") == [False, True, False]
    assert await transactions(owner, "SELECT a FROM t", "IF @@TRANCOUNT > 0 COMMIT TRAN") == [True, False]
    assert await rows(owner, "SELECT @@TRANCOUNT") == [(0,)]
    off = "IF @@TRANCOUNT > 0 COMMIT TRAN set implicit_transactions off"
    assert await transactions(owner, "DELETE FROM t", off, "DELETE FROM t") == [True, False, False]


async def test_the_end_names_what_ended(owner: PostgresSession) -> None:
    batch = (
        "CREATE TABLE t (a INT); INSERT INTO t VALUES (1); SELECT a FROM t; UPDATE t SET a = 2; DELETE FROM t;"
        " WITH n AS (SELECT 1 AS a) INSERT INTO t SELECT a FROM n;"
        " ALTER TABLE t ADD b INT; DROP TABLE t; SET NOCOUNT ON"
    )
    ends = [event.command for event in [one async for one in owner.run(batch)] if isinstance(event, Done)]
    assert ends == [
        Command.CREATE_TABLE,
        Command.INSERT,
        Command.SELECT,
        Command.UPDATE,
        Command.DELETE,
        Command.INSERT,
        Command.ALTER_TABLE,
        Command.DROP_TABLE,
        Command.OTHER,
    ]


async def test_a_text_with_a_nul_is_refused_and_the_session_goes_on(owner: PostgresSession) -> None:
    parameter = Parameter("@p1", SqlType(Kind.NVARCHAR), "a\0b")
    with pytest.raises(SqlError) as caught:
        await rows(owner, "SELECT @p1", parameter)
    assert (caught.value.number, caught.value.severity) == (9833, 16)
    assert await number(owner, "SELECT 1 \0 WHERE 1 = 0") == 40510
    assert await rows(owner, "SELECT 1") == [(1,)]


async def test_two_can_open_a_new_database_at_once(engine: PostgresEngine) -> None:
    login = Login(SERVER, named("at once"), principal("owner"), True)
    sessions = await asyncio.gather(engine.open(login), engine.open(login), engine.prepare(named("another")))
    assert await rows(sessions[0], "SELECT DB_NAME()") == [("at once",)]


async def test_quantified_comparisons(owner: PostgresSession) -> None:
    some = "(SELECT 1 AS a UNION ALL SELECT 2) AS t WHERE a"
    assert await rows(owner, f"SELECT a FROM {some} >= ALL (SELECT 1 UNION SELECT 2)") == [(2,)]
    assert await rows(owner, f"SELECT a FROM {some} = SOME (SELECT 1) AND a < ANY (SELECT 3)") == [(1,)]

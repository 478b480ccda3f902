"""Control flow as a client sees it: what goes on after which error, what is said, that everything can be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest

from keyless.providers.sql.engine import (
    Database,
    Done,
    Event,
    Login,
    Message,
    Output,
    ReturnStatus,
    Rows,
    SqlError,
)
from keyless.providers.sql.postgres.engine import PostgresEngine
from keyless.providers.sql.postgres.session import PostgresSession
from keyless.providers.sql.types import Kind, Parameter, SqlType, Value
from tests.providers.sql.postgres.conftest import SERVER, principal

INT, TEXT = SqlType(Kind.INT), SqlType(Kind.NVARCHAR, 20)


async def all_of(session: PostgresSession, text: str, *parameters: Parameter) -> list[Event]:
    return [event async for event in session.run(text, parameters)]


async def said(session: PostgresSession, text: str) -> list[str | int]:
    """What comes of a batch: texts of PRINT, numbers of errors, and the first value of each row."""
    found: list[str | int] = []
    try:
        async for event in session.run(text):
            if isinstance(event, Message):
                found.append(event.number or event.message)
            elif isinstance(event, Rows):
                found += [str(row[0]) for row in event.rows]
    except SqlError as error:
        found += [error.number, "end"]
    return found


async def values(session: PostgresSession, text: str) -> list[Value]:
    return [row[0] for event in await all_of(session, text) if isinstance(event, Rows) for row in event.rows]


@pytest.mark.parametrize(
    ("statement", "after"),
    [
        ("SELECT 1/0", [8134, "on"]),
        ("INSERT INTO t VALUES (1, NULL)", [515, "on"]),
        ("INSERT INTO t VALUES (1, 'x')", [2627, "on"]),
        ("INSERT INTO t VALUES (2, REPLICATE('x', 30))", [2628, "on"]),
        ("DROP TABLE nosuch", [3701, "on"]),
        ("EXEC nosuch", [2812, "on"]),
        ("COMMIT", [3902, "on"]),
        ("RAISERROR('own', 16, 1)", [50000, "on"]),
        ("SELECT CAST('x' AS INT)", [245, "end"]),
        ("SELECT * FROM nosuch", [208, "end"]),
        ("SELECT nosuch FROM t", [207, "end"]),
        ("THROW 50001, 'own', 1", [50001, "end"]),
    ],
)
async def test_what_an_error_ends(owner: PostgresSession, statement: str, after: Sequence[object]) -> None:
    await all_of(owner, "CREATE TABLE t (a INT PRIMARY KEY, b NVARCHAR(20) NOT NULL); INSERT INTO t VALUES (1, 'one')")
    assert await said(owner, f"{statement}; PRINT 'on'") == after


async def test_an_error_that_is_the_last_is_raised_and_one_before_is_told(owner: PostgresSession) -> None:
    events = await all_of(owner, "SELECT 1/0\nPRINT 'on'")
    errors = [event for event in events if isinstance(event, Message) and event.number]
    assert [(error.number, error.severity, error.line) for error in errors] == [(8134, 16, 1)]
    assert isinstance(events[events.index(errors[0]) + 1], Done)
    with pytest.raises(SqlError) as caught:
        await all_of(owner, "PRINT 'on'\nSELECT 1/0")
    assert (caught.value.number, caught.value.line) == (8134, 2)


async def test_what_a_procedure_calls_off_is_the_procedure(owner: PostgresSession) -> None:
    await all_of(owner, "CREATE PROCEDURE inner_one AS BEGIN PRINT 'in'; SELECT * FROM nosuch; PRINT 'never' END")
    await all_of(owner, "CREATE PROCEDURE outer_one AS BEGIN EXEC inner_one; PRINT 'out' END")
    assert await said(owner, "EXEC outer_one; PRINT 'on'") == ["in", 208, "out", "on"]
    assert await said(owner, "BEGIN TRY EXEC outer_one END TRY BEGIN CATCH PRINT ERROR_PROCEDURE() END CATCH") == [
        "in",
        "inner_one",
    ]


async def test_a_batch_ending_error_rolls_back_and_the_transaction_is_over(owner: PostgresSession) -> None:
    await all_of(owner, "CREATE TABLE t (a INT)")
    await all_of(owner, "BEGIN TRANSACTION; INSERT INTO t VALUES (1)")
    assert owner.transaction
    assert await said(owner, "SELECT CAST('x' AS INT); PRINT 'never'") == [245, "end"]
    assert not owner.transaction
    assert await values(owner, "SELECT COUNT(*) FROM t") == [0]
    await all_of(owner, "BEGIN TRANSACTION; INSERT INTO t VALUES (1)")
    assert await said(owner, "SELECT 1/0; COMMIT") == [8134]
    assert await values(owner, "SELECT COUNT(*) FROM t") == [1]


async def test_a_loop_without_an_end_is_stopped(owner: PostgresSession) -> None:
    for loop in ("WHILE 1 = 1 SELECT 1", "DECLARE @i INT = 0; WHILE 1 = 1 SET @i = 1", "WAITFOR DELAY '00:01'"):
        # a CATCH does not catch it
        text = f"BEGIN TRY {loop} END TRY BEGIN CATCH PRINT 'caught' END CATCH; PRINT 'on'"
        run = asyncio.create_task(said(owner, text))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(5):
            await owner.cancel()
            found = await run
        assert found[-2:] == [3621, "end"], loop
        assert "caught" not in found
    assert await said(owner, "PRINT 'goes on'") == ["goes on"]


async def test_others_get_their_turn_beside_a_loop(owner: PostgresSession) -> None:
    run = asyncio.create_task(said(owner, "DECLARE @i INT = 0; WHILE 1 = 1 SET @i = 1"))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        for _ in range(100):
            await asyncio.sleep(0)
    await owner.cancel()
    await run


async def test_a_call_gives_outputs_and_a_status(owner: PostgresSession) -> None:
    await all_of(
        owner,
        "CREATE PROCEDURE dbo.half @of DECIMAL(10,2), @half DECIMAL(10,1) OUTPUT, @note NVARCHAR(5) = N'plain' OUTPUT"
        " AS BEGIN SET @half = @of / 2; SELECT @note AS note; SET @note = N'done and done'; RETURN -3 END",
    )
    given = [Parameter("", TEXT, "3"), Parameter("", INT, None, True), Parameter("@note", TEXT, None, True)]
    events = [event async for event in owner.call("dbo.half", given)]
    outputs = [event.parameter for event in events if isinstance(event, Output)]
    assert [(one.name, one.value) for one in outputs] == [("", Decimal("1.5")), ("@note", "done ")]
    assert outputs[0].type == SqlType(Kind.DECIMAL, precision=10, scale=1)
    assert [event.status for event in events if isinstance(event, ReturnStatus)] == [-3]
    for name, parameters, number in (
        ("half", given[:1], 201),
        ("[dbo].[half]", [*given, given[0]], 8144),
        ("half", [Parameter("@no", INT, 1)], 8145),
        ("half", [Parameter("@of", INT, 1, True), Parameter("@half", INT, 1)], 8162),
        ("nosuch", [], 2812),
        ("other.dbo.half", [], 40515),
    ):
        with pytest.raises(SqlError) as caught:
            [event async for event in owner.call(name, parameters)]
        assert caught.value.number == number, name


async def test_output_parameters_of_a_text(owner: PostgresSession) -> None:
    given = [Parameter("@a", INT, 4), Parameter("@b", INT, None, True)]
    events = await all_of(owner, "SET @b = @a * 2", *given)
    assert [event.parameter.value for event in events if isinstance(event, Output)] == [8]


async def test_settings_of_a_procedure_end_with_it(owner: PostgresSession) -> None:
    await all_of(owner, "CREATE TABLE t (a INT)")
    await all_of(
        owner, "CREATE PROCEDURE quiet AS BEGIN SET NOCOUNT ON; SET XACT_ABORT ON; INSERT INTO t VALUES (1) END"
    )
    events = await all_of(owner, "EXEC quiet; INSERT INTO t VALUES (2)")
    assert [event.count for event in events if isinstance(event, Done) and event.count is not None] == [1]
    assert await said(owner, "SELECT 1/0; PRINT 'on'") == [8134, "on"]


async def test_asking_for_columns_only_ends_with_the_text_that_asked(owner: PostgresSession) -> None:
    assert await said(owner, "EXEC sp_executesql N'SET FMTONLY ON SELECT 1 AS a'") == []
    assert await said(owner, "SELECT 1 AS a") == ["1"]


async def test_a_procedure_that_leaves_a_transaction_is_told_of(owner: PostgresSession) -> None:
    await all_of(owner, "CREATE PROCEDURE opens AS BEGIN TRANSACTION")
    assert await said(owner, "EXEC opens; ROLLBACK") == [266]


async def test_who_may_execute_is_postgresqls_to_decide(
    engine: PostgresEngine, database: Database, owner: PostgresSession
) -> None:
    await all_of(owner, "CREATE TABLE t (a INT); CREATE USER bob FROM EXTERNAL PROVIDER")
    await all_of(owner, "CREATE PROCEDURE told AS SELECT 'told'")
    await all_of(owner, "CREATE PROCEDURE counts AS SELECT COUNT(*) FROM t")
    await all_of(owner, "CREATE FUNCTION dbo.one () RETURNS INT AS BEGIN RETURN 1 END")
    bob = await engine.open(Login(SERVER, database, principal("bob"), False))
    assert await said(bob, "EXEC told") == [229, "end"]
    assert await said(bob, "SELECT dbo.one()") == [229, "end"]
    await all_of(owner, "GRANT EXECUTE ON told TO bob; GRANT EXECUTE ON counts TO bob; GRANT EXECUTE ON dbo.one TO bob")
    assert await said(bob, "EXEC told; SELECT dbo.one()") == ["told", "1"]
    # its body runs with the caller's own rights
    assert await said(bob, "EXEC counts") == [229, "end"]
    await all_of(owner, "GRANT SELECT ON t TO bob")
    assert await said(bob, "EXEC counts") == ["0"]
    assert await said(bob, "CREATE PROCEDURE own AS SELECT 1") != []
    assert await said(bob, "ALTER PROCEDURE told AS SELECT 'mine'") != []
    assert await said(owner, "EXEC told") == ["told"]


async def test_a_procedure_is_part_of_the_transaction(owner: PostgresSession) -> None:
    await all_of(owner, "BEGIN TRANSACTION")
    await all_of(owner, "CREATE PROCEDURE here AS SELECT 1")
    assert await said(owner, "EXEC here") == ["1"]
    await all_of(owner, "ROLLBACK")
    assert await said(owner, "EXEC here") == [2812, "end"]


async def test_the_catalog_knows_definitions(owner: PostgresSession) -> None:
    for text in (
        "CREATE VIEW dbo.V AS SELECT 1 AS One",
        "-- why\nCREATE OR ALTER PROCEDURE dbo.P @a INT = 1 AS SELECT @a",
        "CREATE FUNCTION dbo.F (@a INT) RETURNS INT AS BEGIN RETURN @a END",
    ):
        await all_of(owner, text)
    told = "SELECT definition FROM sys.sql_modules WHERE object_id = OBJECT_ID('dbo.{}')"
    assert await values(owner, told.format("V")) == ["CREATE VIEW dbo.V AS SELECT 1 AS One"]
    assert await values(owner, told.format("P")) == ["-- why\nCREATE PROCEDURE dbo.P @a INT = 1 AS SELECT @a"]
    assert await values(owner, told.format("F")) == [
        "CREATE FUNCTION dbo.F (@a INT) RETURNS INT AS BEGIN RETURN @a END"
    ]


async def test_a_deep_text_is_refused_and_not_run(owner: PostgresSession) -> None:
    deep = "IF 1 = 1 " * 100 + "SELECT 1"
    assert await said(owner, f"PRINT 'never'; {deep}") == [191, "end"]
    assert await said(owner, "BEGIN " * 40 + "SELECT 1" + " END" * 40) == ["1"]


async def test_a_large_variable_is_refused(owner: PostgresSession) -> None:
    text = "DECLARE @s NVARCHAR(MAX) = REPLICATE(CAST('x' AS NVARCHAR(MAX)), 8000); WHILE 1 = 1 SET @s = @s + @s"
    assert (await said(owner, text))[-2:] == [701, "end"]


async def test_a_deadlock_can_be_caught_and_has_to_be_rolled_back(
    engine: PostgresEngine, database: Database, owner: PostgresSession
) -> None:
    await all_of(owner, "CREATE TABLE t (a INT PRIMARY KEY, b INT); INSERT INTO t VALUES (1, 0), (2, 0)")
    other = await engine.open(Login(SERVER, database, principal("owner"), True))
    update = "UPDATE t SET b = b + 1 WHERE a = {}"
    await all_of(owner, f"BEGIN TRANSACTION; {update.format(1)}")
    await all_of(other, f"BEGIN TRANSACTION; {update.format(2)}")
    caught = "SELECT ERROR_NUMBER(); SELECT XACT_STATE(); ROLLBACK; SELECT @@TRANCOUNT"
    text = "BEGIN TRY {}; COMMIT; SELECT 'done' END TRY BEGIN CATCH " + caught + " END CATCH"
    found = await asyncio.gather(said(owner, text.format(update.format(2))), said(other, text.format(update.format(1))))
    assert sorted(found, key=len) == [["done"], ["1205", "-1", "0"]]
    assert await values(owner, "SELECT SUM(b) FROM t") == [2]

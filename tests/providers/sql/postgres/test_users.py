"""Users and groups: who gets in, whose sessions end, and that all of it belongs to the transaction."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from keyless.model.identity import Principal, PrincipalKind
from keyless.providers.sql.engine import Database, Login, SqlError
from keyless.providers.sql.postgres.engine import PostgresEngine
from keyless.providers.sql.postgres.session import PostgresSession
from tests.providers.sql.postgres.conftest import SERVER
from tests.providers.sql.postgres.people import People, failure, run

DOCUMENT = Path(__file__).parents[4] / "docs" / "sql.md"


@pytest.fixture
async def people(engine: PostgresEngine, database: Database, owner: PostgresSession) -> People:
    """Everybody, with two tables."""
    await run(owner, "CREATE TABLE t (a INT); CREATE TABLE u (a INT)")
    return People(engine, database, owner)


async def refused(people: People, name: str, *groups: str) -> int:
    with pytest.raises(SqlError) as caught:
        await people.come(name, *groups)
    return caught.value.number


async def test_a_member_of_a_group_has_what_the_group_has(people: People) -> None:
    assert await refused(people, "ann", "group readers") == 18456
    await run(people.dbo, "CREATE USER [group readers] FROM EXTERNAL PROVIDER; GRANT SELECT ON t TO [group readers]")
    await people.come("ann", "group readers")
    assert await people.says("ann", "SELECT a FROM t") == 0
    assert await people.says("ann", "SELECT a FROM u") == 229
    assert await refused(people, "ben", "group others") == 18456


async def test_groups_and_an_own_user_add_up_and_a_denial_of_one_counts(people: People) -> None:
    for name, table in (("group a", "t"), ("group b", "u")):
        await run(people.dbo, f"CREATE USER [{name}] FROM EXTERNAL PROVIDER; GRANT SELECT ON {table} TO [{name}]")
    await people.come("ann", "group a", "group b")
    assert await people.says("ann", "SELECT t.a FROM t CROSS JOIN u") == 0
    await run(people.dbo, "CREATE USER ann FROM EXTERNAL PROVIDER; GRANT INSERT ON t TO ann")
    assert await people.says("ann", "INSERT INTO t SELECT a FROM u") == 0
    await run(people.dbo, "DENY SELECT ON u TO [group b]")
    assert await people.says("ann", "SELECT a FROM u") == 229
    await people.come("ann", "group a")  # out of group b: its denial counts no more, and neither did its grant
    assert await people.says("ann", "SELECT a FROM u") == 229
    await run(people.dbo, "GRANT SELECT ON u TO ann")
    assert await people.says("ann", "SELECT a FROM u") == 0
    await people.come("ann", "group a", "group b")
    assert await people.says("ann", "SELECT a FROM u") == 229


async def test_a_session_ends_once_its_user_is_dropped_for_good(people: People) -> None:
    await people.user("ann", "GRANT SELECT ON t TO {0}")
    await run(people.dbo, "BEGIN TRANSACTION; DROP USER ann; ROLLBACK")
    assert await people.says("ann", "SELECT a FROM t") == 0
    await run(people.dbo, "BEGIN TRANSACTION; DROP USER ann")
    assert await people.says("ann", "SELECT a FROM t") == 0
    await run(people.dbo, "COMMIT")
    error = await failure(people.sessions["ann"], "SELECT 1")
    assert error is not None
    assert (error.number, error.severity) == (18456, 20)
    assert await refused(people, "ann") == 18456


@pytest.mark.parametrize("how", ["REVOKE CONNECT FROM {0}", "DENY CONNECT TO {0}", "DENY CONNECT TO [group a]"])
async def test_without_connect_nobody_gets_in_or_stays(people: People, how: str) -> None:
    await run(people.dbo, "CREATE USER [group a] FROM EXTERNAL PROVIDER; REVOKE CONNECT FROM [group a]")
    await run(people.dbo, "CREATE USER ann FROM EXTERNAL PROVIDER")
    await people.come("ann", "group a")
    await run(people.dbo, how.format("ann"))
    assert await people.says("ann", "SELECT 1") == 18456
    assert await refused(people, "ann", "group a") == 18456
    await run(people.dbo, "GRANT CONNECT TO ann, [group a]")
    await people.come("ann", "group a")


async def test_a_new_identity_of_the_same_name_inherits_nothing(engine: PostgresEngine, people: People) -> None:
    await people.user("ann", "GRANT SELECT ON t TO {0}")
    other = Principal("another id", "", "ann", PrincipalKind.APPLICATION)
    with pytest.raises(SqlError) as caught:
        await engine.open(Login(SERVER, people.database, other, False))
    assert caught.value.number == 18456
    assert await failure(people.dbo, "CREATE USER ann FROM EXTERNAL PROVIDER")


async def test_a_user_that_comes_back_has_nothing_of_what_it_had(people: People) -> None:
    await people.user("ann", "GRANT SELECT ON t TO {0}", "ALTER ROLE db_datawriter ADD MEMBER {0}")
    await run(people.dbo, "DROP USER ann")
    await people.user("ann")
    assert await people.says("ann", "SELECT a FROM t") == 229
    assert await people.says("ann", "INSERT INTO t VALUES (1)") == 229


async def test_everything_belongs_to_the_transaction(people: People) -> None:
    await people.user("ann")
    await run(
        people.dbo,
        "BEGIN TRANSACTION; CREATE USER ben FROM EXTERNAL PROVIDER; CREATE ROLE r; ALTER ROLE r ADD MEMBER ann;"
        " GRANT SELECT ON t TO r; ALTER ROLE db_datawriter ADD MEMBER ann",
    )
    await run(people.dbo, "SAVE TRANSACTION s; DENY SELECT ON t TO ann; ROLLBACK TRANSACTION s")
    assert await people.says("ann", "SELECT a FROM t") == 229
    await run(people.dbo, "ROLLBACK")
    assert await people.says("ann", "INSERT INTO t VALUES (1)") == 229
    assert await refused(people, "ben") == 18456
    await run(
        people.dbo, "BEGIN TRANSACTION; CREATE ROLE r; ALTER ROLE r ADD MEMBER ann; GRANT SELECT ON t TO r; COMMIT"
    )
    assert await people.says("ann", "SELECT a FROM t") == 0


async def test_two_who_administer_at_once_wait_for_each_other_or_are_told(people: People) -> None:
    await people.user("ann", "ALTER ROLE db_owner ADD MEMBER {0}")
    await run(people.dbo, "BEGIN TRANSACTION; GRANT SELECT ON t TO public")
    async with asyncio.timeout(20):
        assert await people.says("ann", "GRANT SELECT ON u TO public") == 1222
    waiting = asyncio.create_task(people.says("ann", "GRANT SELECT ON u TO public"))
    await asyncio.sleep(0.2)
    await run(people.dbo, "COMMIT")
    assert await waiting == 0


async def test_what_is_made_later_is_permitted_at_once(people: People) -> None:
    await people.user("ann", "GRANT SELECT ON SCHEMA::dbo TO {0}")
    await run(people.dbo, "CREATE TABLE later (a INT)")
    await run(people.dbo, "CREATE VIEW v AS SELECT a FROM later")
    assert await people.says("ann", "SELECT a FROM later; SELECT a FROM v") == 0
    await run(people.dbo, "DENY SELECT ON later TO ann")
    assert await people.says("ann", "SELECT a FROM later") == 229
    assert await people.says("ann", "SELECT a FROM v") == 0  # an ownership chain: one owner, and the view is permitted
    await run(people.dbo, "DROP VIEW v; DROP TABLE later; CREATE TABLE later (a INT)")
    assert await people.says("ann", "SELECT a FROM later") == 0  # a table of its own, with nothing of the old one's


async def test_a_column_that_is_added_later_is_no_exception(people: People) -> None:
    await people.user("ann", "GRANT SELECT ON t TO {0}")
    await run(people.dbo, "ALTER TABLE t ADD b INT; DENY SELECT ON t (b) TO ann; ALTER TABLE t ADD c INT")
    assert await people.says("ann", "SELECT a, c FROM t") == 0
    assert await people.says("ann", "SELECT b FROM t") == 230
    await run(people.dbo, "ALTER TABLE t DROP COLUMN b; ALTER TABLE t ADD b INT")
    assert await people.says("ann", "SELECT * FROM t") == 0


async def test_an_ownership_chain_breaks_where_owners_differ(people: People) -> None:
    await people.user("ann")
    await run(people.dbo, "CREATE SCHEMA own AUTHORIZATION ann; GRANT CREATE VIEW TO ann")
    assert await people.says("ann", "CREATE VIEW own.v AS SELECT a FROM dbo.t") == 0
    assert await people.says("ann", "SELECT a FROM own.v") == 229
    await run(people.dbo, "GRANT SELECT ON t TO ann")
    assert await people.says("ann", "SELECT a FROM own.v") == 0
    await people.user("ben", "GRANT SELECT ON SCHEMA::own TO {0}")
    assert await people.says("ben", "SELECT a FROM own.v") == 229
    await run(people.dbo, "ALTER AUTHORIZATION ON SCHEMA::own TO dbo; GRANT SELECT ON SCHEMA::own TO ben")
    assert await people.says("ben", "SELECT a FROM own.v") == 0


async def test_what_is_passed_on_is_taken_back_with_it(people: People) -> None:
    await people.user("ann", "GRANT SELECT ON t TO {0} WITH GRANT OPTION")
    await people.user("ben")
    assert await people.says("ann", "GRANT SELECT ON t TO ben WITH GRANT OPTION") == 0
    assert await people.says("ben", "SELECT a FROM t; GRANT SELECT ON t TO public") == 0
    assert (await failure(people.dbo, "DROP USER ann") or SqlError(0, "")).number == 15284
    assert (await failure(people.dbo, "REVOKE SELECT ON t FROM ann") or SqlError(0, "")).number == 4611
    await run(people.dbo, "REVOKE SELECT ON t FROM ann CASCADE")
    assert await people.says("ben", "SELECT a FROM t") == 229
    await run(people.dbo, "DROP USER ann")


_REFUSED = [
    ("CREATE USER nobody FROM EXTERNAL PROVIDER", 33130),
    ("CREATE USER ann FROM EXTERNAL PROVIDER", 15023),
    ("CREATE USER db_owner FROM EXTERNAL PROVIDER", 15023),
    ("CREATE USER x FROM EXTERNAL PROVIDER WITH OBJECT_ID = 'x'", 33130),
    ("CREATE USER x FROM EXTERNAL PROVIDER WITH DEFAULT_SCHEMA = sales", 40510),
    ("CREATE USER x WITHOUT LOGIN", 40510),
    ("CREATE USER x FROM LOGIN y", 40510),
    ("CREATE USER x WITH PASSWORD = 'y'", 40510),
    ("ALTER USER x WITH NAME = y", 15151),
    ("ALTER USER dbo WITH NAME = y", 15151),
    ("ALTER USER ann WITH NAME = ben", 15023),
    ("DROP USER x", 15151),
    ("DROP USER dbo", 15150),
    ("DROP ROLE db_owner", 15150),
    ("DROP ROLE r", 15144),
    ("DROP ROLE ann", 15151),
    ("CREATE ROLE r", 15023),
    ("CREATE ROLE x AUTHORIZATION y", 15151),
    ("ALTER ROLE r ADD MEMBER r", 15413),
    ("ALTER ROLE r ADD MEMBER x", 15151),
    ("ALTER ROLE x ADD MEMBER ann", 15151),
    ("ALTER ROLE r ADD MEMBER dbo", 15405),
    ("ALTER ROLE r ADD MEMBER db_owner", 15405),
    ("ALTER ROLE public ADD MEMBER ann", 15081),
    ("ALTER ROLE db_backupoperator ADD MEMBER ann", 40510),
    ("GRANT SELECT ON missing TO ann", 15151),
    ("GRANT SELECT ON SCHEMA::missing TO ann", 15151),
    ("GRANT SELECT ON DATABASE::other TO ann", 15151),
    ("GRANT SELECT ON t TO missing", 15151),
    ("GRANT SELECT ON t TO dbo", 4624),
    ("GRANT SELECT ON t TO db_datareader", 4617),
    ("GRANT SELECT ON t (missing) TO ann", 4615),
    ("GRANT DELETE ON t (a) TO ann", 1020),
    ("GRANT EXECUTE ON t TO ann", 4606),
    ("GRANT CREATE TABLE ON t TO ann", 4606),
    ("GRANT CONNECT TO r", 4627),
    ("GRANT ALL ON SCHEMA::dbo TO ann", 4623),
    ("GRANT IMPERSONATE ON USER::dbo TO ann", 40510),
    ("GRANT SELECT ON t TO ann AS dbo", 40510),
    ("GRANT SHUTDOWN TO ann", 40510),
    ("GRANT SELECT ON #t TO ann", 4606),
    ("EXECUTE AS USER = 'ann'", 40510),
    ("REVERT", 40510),
    ("CREATE LOGIN x WITH PASSWORD = 'y'", 40510),
    ("CREATE APPLICATION ROLE x WITH PASSWORD = 'y'", 40510),
    ("ALTER AUTHORIZATION ON DATABASE::x TO ann", 40510),
    ("ALTER AUTHORIZATION ON SCHEMA::dbo TO ann", 15150),
]


async def test_refusals(people: People) -> None:
    await run(people.dbo, "CREATE USER ann FROM EXTERNAL PROVIDER; CREATE USER ben FROM EXTERNAL PROVIDER")
    await run(people.dbo, "CREATE ROLE r; CREATE ROLE r2; ALTER ROLE r ADD MEMBER ann")
    for statement, number in _REFUSED:
        error = await failure(people.dbo, statement)
        assert (error.number if error else 0) == number, (statement, error)


async def test_the_documents_example(people: People) -> None:
    await run(people.dbo, "CREATE SCHEMA sales; CREATE TABLE sales.orders (id INT, card INT)")
    await people.user("worker")
    example = [part for part in DOCUMENT.read_text(encoding="utf-8").split("```") if "CREATE ROLE clerks" in part]
    await run(people.dbo, example[0].removeprefix("sql"))
    assert await people.says("worker", "INSERT INTO sales.orders VALUES (1, 2); SELECT id FROM sales.orders") == 0
    assert await people.says("worker", "SELECT card FROM sales.orders") == 230

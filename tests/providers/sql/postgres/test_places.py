"""The engine behaves alike with the embedded PostgreSQL and with the operator's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from keyless.bootstrap.schema import SQL
from keyless.model.errors import KeylessError
from keyless.model.secretstr import SecretStr
from keyless.providers.sql.engine import Database, Login, Rows, Session, SqlError
from keyless.providers.sql.postgres import operators_own
from keyless.providers.sql.postgres.access import Place
from keyless.providers.sql.postgres.connections import Connections
from keyless.providers.sql.postgres.databases import database_name
from keyless.providers.sql.postgres.embedded import Embedded
from keyless.providers.sql.postgres.late import LateEngine
from keyless.providers.sql.postgres.operators_own import OperatorsOwn
from tests.harness import Owner, free_environment
from tests.providers.sql.driver import connect, rows
from tests.providers.sql.harness import SqlServerProcess, free_port, make_place
from tests.providers.sql.postgres.conftest import SERVER, find, named, principal
from tests.providers.sql.postgres.second import PASSWORD, Second

SECRET = SecretStr("the instance's own")


@pytest.fixture(scope="module")
def second(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Second]:
    """The operator's PostgreSQL; it logs all that it is told."""
    server = Second(tmp_path_factory.mktemp("second") / "pg", ("-c", "log_statement=all"))
    yield server
    server.stop()


@pytest.fixture
def operators(second: Second, tmp_path: Path) -> Callable[[], Place]:
    return lambda: OperatorsOwn(second.conninfo(), SECRET, tmp_path / "marker")


@pytest.fixture(params=["embedded", "operators"])
def make(request: pytest.FixtureRequest, filled: Path) -> Callable[[], Place]:
    """Makes the same place again and again."""
    if request.param == "embedded":
        return lambda: Embedded(filled)
    operators: Callable[[], Place] = request.getfixturevalue("operators")
    return operators


async def opened(engine: LateEngine, database: Database, name: str = "") -> Session:
    return await engine.open(Login(SERVER, database, principal(name or "owner"), not name))


async def found(session: Session, statement: str) -> list[object]:
    return [row async for event in session.run(statement) if isinstance(event, Rows) for row in event.rows]


async def number(session: Session, statement: str) -> int:
    with pytest.raises(SqlError) as caught:
        await found(session, statement)
    return caught.value.number


async def test_users_have_their_rights_and_no_others(make: Callable[[], Place]) -> None:
    one, other = named("contract one"), named("contract other")
    engine = LateEngine(make(), find)
    await engine.start([one, other])
    owner = await opened(engine, one)
    await found(owner, "CREATE TABLE t (a INT, b NVARCHAR(9)); INSERT INTO t VALUES (1, N'Käse')")
    await found(owner, "CREATE USER reader FROM EXTERNAL PROVIDER; ALTER ROLE db_datareader ADD MEMBER reader")
    reader = await opened(engine, one, "reader")
    assert await found(reader, "SELECT a FROM t WHERE b = 'KÄSE'") == [(1,)]
    assert await number(reader, "DELETE FROM t") == 229
    with pytest.raises(SqlError) as caught:
        await opened(engine, other, "reader")
    assert caught.value.number == 18456
    await found(owner, "DROP USER reader")
    with pytest.raises(SqlError):
        await opened(engine, one, "reader")
    await engine.close()


async def test_what_is_there_stays_and_what_is_deleted_goes(make: Callable[[], Place]) -> None:
    kept, gone, again = named("kept"), named("gone"), Database(named("gone").id, "another guid")
    engine = LateEngine(make(), find)
    await engine.start([kept, gone])
    await found(await opened(engine, kept), "CREATE TABLE t (a INT); INSERT INTO t VALUES (1)")
    session = await opened(engine, gone)
    await found(session, "CREATE TABLE t (a INT); INSERT INTO t VALUES (1)")
    await engine.delete_database(gone)
    assert await number(session, "SELECT a FROM t") == 40197
    assert await number(await opened(engine, again), "SELECT a FROM t") == 208
    await engine.delete_database(again)
    await engine.close()
    later = LateEngine(make(), find)
    await later.start([kept])
    assert await found(await opened(later, kept), "SELECT a FROM t") == [(1,)]
    server = later._server
    assert server is not None
    async with await Connections(server.access).administrator("postgres") as connection:
        for database in (gone, again):
            query = "SELECT 1 FROM pg_database WHERE datname = $1 UNION SELECT 1 FROM pg_roles WHERE rolname ^@ $1"
            assert await (await connection.execute(query, [database_name(database)])).fetchone() is None
    await later.delete_database(kept)
    await later.close()


async def test_the_operators_own_keeps_what_is_not_known(operators: Callable[[], Place], second: Second) -> None:
    foreign, half = "k" + "f" * 20, "k" + "e" * 20
    with second.connect() as connection:
        for name in (foreign, half):
            connection.execute(f"CREATE DATABASE {name}")
        connection.execute(f"REVOKE ALL ON DATABASE {foreign} FROM PUBLIC")
    engine = LateEngine(operators(), find)
    await engine.start([])
    await opened(engine, named("x"))
    await engine.close()
    assert second.process.poll() is None
    with second.connect() as connection:
        names = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        assert foreign in names
        assert half not in names
        (comment,) = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [database_name(named("x"))],
        ).fetchone() or ("",)
        assert str(comment).endswith("/servers/shop/databases/x")
        connection.execute(f"DROP DATABASE {foreign}")


async def test_roles_log_in_with_passwords_that_are_in_no_log(
    operators: Callable[[], Place], second: Second, filled: Path
) -> None:
    engine = LateEngine(operators(), find)
    await engine.start([named("secret")])
    await opened(engine, named("secret"))
    await engine.close()
    role = f"{database_name(named('secret'))}_o"
    password = Connections((await operators().start()).access)._password(role)
    assert password
    for wrong in ("", PASSWORD, "x"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(host="127.0.0.1", port=second.port, user=role, password=wrong, dbname="postgres")
    psycopg.connect(host="127.0.0.1", port=second.port, user=role, password=password, dbname="postgres").close()
    log = second.log.read_text()
    assert "SCRAM-SHA-256$" in log
    assert password not in log
    assert PASSWORD not in log


async def test_after_its_restart_sessions_end_cleanly_and_logins_go_on(
    operators: Callable[[], Place], second: Second
) -> None:
    engine = LateEngine(operators(), find)
    await engine.start([named("restarted")])
    session = await opened(engine, named("restarted"))
    second.stop()
    with pytest.raises(SqlError) as caught:
        await found(session, "SELECT 1")
    assert (caught.value.number, caught.value.severity) == (40197, 20)
    with pytest.raises(SqlError) as caught:
        await opened(engine, named("restarted"))
    assert caught.value.number == 40613
    second.start()
    assert await found(await opened(engine, named("restarted")), "SELECT 1") == [(1,)]
    await engine.close()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("postgresql://dba:hunter2@db.example.com/?sslmode=verify-full", "put that into a file"),
        ("host=db.example.com user=dba password=hunter2", "put that into a file"),
        ("postgresql://dba@db.example.com/", "add sslmode=verify-full"),
        ("postgresql://dba@db.example.com/?sslmode=require", "add sslmode=verify-full"),
        ("host=/run/postgresql,db.example.com user=dba", "add sslmode=verify-full"),
        ("postgresql://db.example.com/?sslmode=verify-full", "name a host and a user"),
        ("user=dba hunter2", "is no connection string"),
        ("service=prod user=dba host=x", "name a host and a user"),
    ],
)
def test_a_connection_string_that_will_not_do(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(KeylessError) as caught:
        OperatorsOwn(text, SECRET, tmp_path / "marker")
    assert told in caught.value.message
    assert "hunter2" not in caught.value.message


async def test_a_server_that_is_not_the_right_one(
    second: Second, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def why(text: str) -> str:
        with pytest.raises(KeylessError) as caught:
            await OperatorsOwn(text, SECRET, tmp_path / "marker").start()
        assert not (tmp_path / "marker").exists()
        return caught.value.message

    assert "certificate verify failed" in await why(second.conninfo(ca=second.other_ca))
    assert "does not match host name" in await why(second.conninfo(host="127.0.0.1"))
    assert "cannot be reached" in await why(second.conninfo().replace(f":{second.tls_port}/", f":{free_port()}/"))
    with second.connect() as connection:
        connection.execute("CREATE ROLE weak LOGIN PASSWORD 'weak' CREATEDB CREATEROLE")
    (tmp_path / "weak").write_text("*:*:*:weak:weak\n")
    (tmp_path / "weak").chmod(0o600)
    weak = (
        second.conninfo().replace("//dba@", "//weak@").replace(str(second.folder / "passfile"), str(tmp_path / "weak"))
    )
    assert "is no superuser" in await why(weak)
    monkeypatch.setattr(operators_own, "OLDEST", 99)
    assert "has to be 99 or later" in await why(second.conninfo())


def test_a_whole_server_with_the_operators_own(second: Second, tmp_path: Path) -> None:
    data, config = tmp_path / "data", tmp_path / "config"
    port = free_port()
    environ = free_environment(data, config, KEYLESS_SQL_PORT=str(port), KEYLESS_SQL_POSTGRES=second.conninfo())
    server = SqlServerProcess(data, config, environ, sql_port=port)
    server.start()
    try:
        place = make_place(Owner(server), server)
        with connect(server, port, place.database, place.token()) as connection:
            rows(connection, "CREATE TABLE t (a INT); INSERT INTO t VALUES (7)")
        assert server.keyless("backup", str(tmp_path / "archive")).returncode == 0
        assert not (data / SQL).exists()
        assert "in another PostgreSQL: " in server.keyless("status").stdout
        server.stop()
        server.start()
        with connect(server, port, place.database, place.token()) as connection:
            assert rows(connection, "SELECT a FROM t") == [(7,)]
    finally:
        server.stop()
    there = tmp_path / "there"
    shutil.copytree(config, there / "config")
    left_out = free_environment(there / "data", there / "config", KEYLESS_SQL_PORT=str(port))
    restored = SqlServerProcess(there / "data", there / "config", left_out)
    assert restored.keyless("restore", str(tmp_path / "archive")).returncode == 0
    refused = restored.keyless("up", "--port", "0")
    assert refused.returncode == 1
    assert "set KEYLESS_SQL_POSTGRES" in refused.stderr
    assert PASSWORD not in refused.stderr
    (data / SQL).mkdir()
    refused = server.keyless("up", "--port", "0")
    assert "unset KEYLESS_SQL_POSTGRES" in refused.stderr

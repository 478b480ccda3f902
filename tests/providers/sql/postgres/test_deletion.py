"""What is deleted is gone: its content, its users, its files; what is made again under the same name is empty."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyless.bootstrap.schema import SQL
from keyless.providers.sql.postgres import locks
from tests.harness import Owner
from tests.providers.sql.driver import connect, rows
from tests.providers.sql.harness import SqlServerProcess, running_sql

# PostgreSQL's own three, and the one that others are copied from
_STANDING = 4


@pytest.fixture(scope="module")
def owner(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """The owner of a server of its own; `filled` skips where PostgreSQL is not installed."""
    with running_sql(tmp_path_factory.mktemp("deletion"), SqlServerProcess) as server:
        yield Owner(server)


def databases(owner: Owner) -> set[str]:
    """The folders of all databases that PostgreSQL has."""
    return {path.name for path in (owner.server.data / SQL / "base").iterdir()}


def left(owner: Owner) -> set[str]:
    """The folders when no database of ours is there any more; deleting goes on after its answer."""
    deadline = time.monotonic() + 10
    while len(found := databases(owner)) > _STANDING:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("what", ["database", "server", "group"])
def test_what_is_deleted_is_gone(owner: Owner, what: str) -> None:
    server = owner.server
    assert isinstance(server, SqlServerProcess)
    port, token = server.sql_port, owner.token("https://database.windows.net")

    def keyless(*arguments: str) -> None:
        done = server.keyless(*arguments)
        assert done.returncode == 0, done.stderr

    def make() -> None:
        keyless("group", "create", "shelf")
        keyless("sql", "create", "shop", "--group", "shelf", "--database", "orders")

    def delete() -> None:
        if what == "database":
            path = f"{owner.subscription}/resourceGroups/shelf/providers/Microsoft.Sql/servers/shop/databases/orders"
            owner.arm("DELETE", path)
        elif what == "server":
            keyless("sql", "delete", "shop", "--group", "shelf", "--yes")
        else:
            keyless("group", "delete", "shelf", "--yes")

    make()
    connect(server, port, "orders", token).close()
    assert f"in PostgreSQL, process {locks.holder(server.data / SQL)}" in server.keyless("status").stdout
    delete()
    before = left(owner)
    make()
    with connect(server, port, "orders", token) as connection:
        rows(connection, "CREATE TABLE t (a INT); INSERT INTO t VALUES (1)")
        delete()
        assert left(owner) == before
        with pytest.raises(Exception, match=r"over|ended|closed"):
            rows(connection, "SELECT a FROM t")
    make()
    with connect(server, port, "orders", token) as connection, pytest.raises(Exception, match="Invalid object name"):
        rows(connection, "SELECT a FROM t")
    delete()
    assert left(owner) == before

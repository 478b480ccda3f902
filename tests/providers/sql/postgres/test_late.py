"""The engine that starts when it is first needed."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.sql.engine import Login, Rows, Session, SqlError
from keyless.providers.sql.postgres import process
from keyless.providers.sql.postgres.embedded import Embedded
from keyless.providers.sql.postgres.late import LateEngine
from tests.providers.sql.postgres.conftest import SERVER, find, named, principal

LOGIN = Login(SERVER, named("late"), principal("owner"), True)


async def rows(session: Session, statement: str) -> list[object]:
    return [row async for event in session.run(statement) if isinstance(event, Rows) for row in event.rows]


async def test_nothing_starts_until_it_is_needed(tmp_path: Path) -> None:
    engine = LateEngine(Embedded(tmp_path / "sql"), find)
    await engine.start([named("late")])
    await engine.delete_database(named("gone"))
    await engine.close()
    assert not (tmp_path / "sql").exists()


async def test_it_starts_once_for_all_and_again_after_a_crash(filled: Path) -> None:
    engine = LateEngine(Embedded(filled), find)
    await engine.start([named("late")])
    first, second = await asyncio.gather(engine.open(LOGIN), engine.open(LOGIN))
    await rows(first, "CREATE TABLE t (a INT); INSERT INTO t VALUES (1)")
    assert await rows(second, "SELECT a FROM t") == [(1,)]
    assert isinstance(engine._server, process.Process)
    engine._server._child.send_signal(signal.SIGINT)
    await engine._server._child.wait()
    again = await engine.open(LOGIN)
    assert await rows(again, "SELECT a FROM t") == [(1,)]
    await engine.close()


async def test_what_was_deleted_while_it_did_not_run_goes_with_the_next_start(filled: Path) -> None:
    engine = LateEngine(Embedded(filled), find)
    await engine.start([named("late")])
    await rows(await engine.open(LOGIN), "CREATE TABLE s (a INT)")
    await engine.close()
    later = LateEngine(Embedded(filled), find)
    await later.start([named("late")])
    await later.delete_database(named("late"))
    session = await later.open(Login(SERVER, named("other"), principal("owner"), True))
    await session.close()
    with pytest.raises(SqlError) as caught:
        await rows(await later.open(LOGIN), "SELECT a FROM s")
    assert caught.value.number == 208
    await later.close()


async def test_a_start_that_fails_is_told_and_tried_again(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = process.start

    async def fail(_folder: Path, _connections: int) -> process.Process:
        raise KeylessError(ErrorKind.UNAVAILABLE, "It is too early.")

    engine = LateEngine(Embedded(filled), find)
    await engine.start([named("late")])
    monkeypatch.setattr(process, "start", fail)
    with pytest.raises(SqlError, match="too early") as caught:
        await engine.open(LOGIN)
    assert caught.value.number == 40613
    monkeypatch.setattr(process, "start", start)
    await (await engine.open(LOGIN)).close()
    await engine.close()

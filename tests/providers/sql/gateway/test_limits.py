"""How many connections and sessions there may be at once; a login that takes too long."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.gateway.channel import Contexts
from keyless.providers.sql.gateway.gateway import Gateway
from keyless.providers.sql.gateway.limits import Limits, Room
from keyless.providers.sql.gateway.logins import Logins
from keyless.providers.sql.tds import packets
from tests.harness import Owner
from tests.providers.sql.harness import SqlPlace, make_place, running_sql
from tests.providers.sql.memory_engine import MemoryEngine
from tests.providers.sql.wire import PRELOGIN, Client, error_in, login7

LIMITS = Limits(sessions=2, strangers=5, login_seconds=0.5)
GREETING = packets.message(packets.PRELOGIN, PRELOGIN)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The port of a gateway that nobody can log in to: what is tested comes before."""
    contexts = Contexts(*(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2)))
    logins: Logins = None  # type: ignore[assignment]
    gateway = Gateway(MemoryEngine(), logins, contexts, LIMITS)
    listener = socket.create_server(("127.0.0.1", 0))
    gateway.start(listener)
    yield int(listener.getsockname()[1])
    await gateway.stop()


@pytest.mark.parametrize("begun", [b"", b"\x12", GREETING, b"\x16\x03\x01"], ids=["none", "some", "prelogin", "tls"])
async def test_a_login_that_is_not_gone_on_with_ends(port: int, begun: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(begun)
    await reader.read()
    assert 0.4 < time.monotonic() - began < 3
    writer.close()


async def test_who_is_at_it_longest_makes_room(port: int) -> None:
    tasks = len(asyncio.all_tasks())
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(LIMITS.strangers)]
    await asyncio.sleep(0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GREETING)
    assert (await reader.readexactly(1))[0] == packets.REPLY
    assert await held[0][0].read() == b""
    for _, one in [*held, (reader, writer)]:
        one.close()
    async with asyncio.timeout(3):
        while len(asyncio.all_tasks()) > tasks:
            await asyncio.sleep(0.01)


def test_places_of_sessions_come_back() -> None:
    room = Room(LIMITS)
    with ExitStack() as stack:
        stack.enter_context(room.session())
        stack.enter_context(room.session())
        with pytest.raises(SqlError, match="The session limit for the server is 2") as caught, room.session():
            raise AssertionError
        assert caught.value.number == 10928
    with room.session():
        pass


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlPlace]:
    with running_sql(tmp_path_factory.mktemp("small"), KEYLESS_SQL_SESSIONS="2") as server:
        yield make_place(Owner(server), server)


def test_a_session_too_many_is_told_to_try_later(small: SqlPlace) -> None:
    def enter() -> tuple[Client, tuple[int, str]]:
        client = Client(small.port, small.ca)
        login = login7(token=small.token(), server=small.host, database=small.database)
        return client, error_in(client.ask(packets.LOGIN7, login))

    for _ in range(2):
        sessions = [enter() for _ in range(2)]
        assert [error for _, error in sessions] == [(0, "")] * 2
        refused, (number, said) = enter()
        refused.socket.close()
        assert number == 10928
        assert "try later" in said
        assert error_in(sessions[0][0].batch("SELECT 1")) == (0, "")
        for client, _ in sessions:
            client.socket.close()
        time.sleep(0.3)

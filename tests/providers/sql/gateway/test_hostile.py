"""Bytes that no driver sends, at every point of a connection: it ends, its own session at most, and nothing stays.

`KEYLESS_TEST_CONNECTIONS` sets how many connections are opened and dropped (500).
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keyless.providers.sql.tds import packets
from tests.providers.sql.harness import SqlPlace, SqlServerProcess
from tests.providers.sql.wire import HEADERS, PRELOGIN, Client, error_in, login7

CONNECTIONS = int(os.environ.get("KEYLESS_TEST_CONNECTIONS", "500"))
#: What may stay of one dropped connection, in KiB: nothing but the allocator's crumbs.
CRUMBS = 2
ATTENTION = packets.message(packets.ATTENTION, b"")
HELLO = bytes.fromhex("16030100c8010000c4")


@pytest.fixture(scope="module", autouse=True)
def _unharmed(sql_server: SqlServerProcess) -> Iterator[None]:
    """Afterwards the log tells of nothing that was not foreseen, and quotes nothing that was sent."""
    yield
    log = sql_server.log.read_text()
    for word in ("Traceback", "failed", "Exception", "eyJ", "not-a-token"):
        assert word not in log, log[-3000:]


def enter(place: SqlPlace, **said: str) -> Client:
    client = Client(place.port, place.ca)
    given = {"token": place.token(), "server": place.host, "database": place.database} | said
    assert error_in(client.ask(packets.LOGIN7, login7(**given))) == (0, "")  # type: ignore[arg-type]
    return client


def still_serves(client: Client) -> bool:
    return error_in(client.batch("SELECT 1")) == (0, "")


def plain(place: SqlPlace) -> socket.socket:
    return socket.create_connection(("127.0.0.1", place.port), timeout=15)


def end_of(one: socket.socket) -> bytes:
    """What comes until the server closes."""
    found = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while part := one.recv(65536):
            found += part
    return found


def refuses(place: SqlPlace, *parts: bytes) -> None:
    """A connection that says this is closed by the server."""
    with plain(place) as one:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                one.sendall(part)
        end_of(one)


OTHERS = sorted(packets.REQUESTS - {packets.PRELOGIN})


@pytest.mark.parametrize("kind", OTHERS)
def test_a_connection_begins_with_prelogin(place: SqlPlace, kind: int) -> None:
    refuses(place, packets.message(kind, b"\x01" * 40))


@pytest.mark.parametrize("kind", OTHERS)
def test_after_prelogin_tls_has_to_follow(place: SqlPlace, kind: int) -> None:
    refuses(place, packets.message(packets.PRELOGIN, PRELOGIN), packets.message(kind, b"\x01" * 40))


@pytest.mark.parametrize("body", [b"", b"\x00" * 300, HELLO, b"\x16\x03\x03\x40\x00" + bytes(4000)])
def test_what_is_no_tls_within_packets(place: SqlPlace, body: bytes) -> None:
    greeting = packets.message(packets.PRELOGIN, PRELOGIN)
    with plain(place) as one:
        one.sendall(greeting + packets.message(packets.PRELOGIN, body))
        one.shutdown(socket.SHUT_WR)
        end_of(one)


@pytest.mark.parametrize("kind", sorted(packets.REQUESTS - {packets.LOGIN7}))
def test_nothing_but_a_login_follows_the_greeting(place: SqlPlace, kind: int) -> None:
    with Client(place.port, place.ca) as client:
        assert client.ask(kind, b"\x01" * 40) == b""


@pytest.mark.parametrize("kind", sorted(packets.REQUESTS - {packets.FEDAUTH_TOKEN}))
def test_a_client_that_was_told_where_to_ask_has_to_bring_a_token(place: SqlPlace, kind: int) -> None:
    with Client(place.port, place.ca) as client:
        assert client.ask(packets.LOGIN7, login7(workflow=3, server=place.host))[0] == 0xEE
        assert client.ask(kind, b"\x01" * 40) == b""


@pytest.mark.parametrize("kind", [packets.PRELOGIN, packets.LOGIN7, packets.FEDAUTH_TOKEN, packets.SSPI])
def test_nobody_logs_in_twice(place: SqlPlace, kind: int) -> None:
    with enter(place) as client:
        assert error_in(client.ask(kind, b"\x01" * 40))[0] == 4002
        assert client.answer() == b""


@pytest.mark.parametrize(
    "head",
    [
        bytes((packets.SQL_BATCH, 1, 0, 7)),
        bytes((packets.SQL_BATCH, 1, 0xFF, 0xFF)),
        bytes((packets.SQL_BATCH, 1, 0, 0)),
        b"\x99\x01\x00\x09",
    ],
    ids=["short", "long", "empty", "type"],
)
def test_an_impossible_packet_ends_a_session(place: SqlPlace, head: bytes) -> None:
    with enter(place) as client, enter(place) as other:
        client.socket.sendall(head + bytes(60))
        assert client.answer() == b""
        assert still_serves(other)


def test_packets_of_two_messages_do_not_mix(place: SqlPlace) -> None:
    with enter(place) as client:
        first = bytes((packets.SQL_BATCH, 0, 0, 12, 0, 0, 1, 0)) + b"abcd"
        client.socket.sendall(first + packets.message(packets.RPC, b"efgh"))
        assert client.answer() == b""


def test_a_message_that_its_client_takes_back_is_not_carried_out(place: SqlPlace) -> None:
    with enter(place) as client:
        taken_back = bytearray(packets.message(packets.SQL_BATCH, HEADERS + "FAIL 50001 16".encode("utf-16-le")))
        taken_back[1] |= 0x02
        client.socket.sendall(bytes(taken_back) + ATTENTION)
        assert client.answer()[:3] == b"\xfd\x20\x00"
        assert still_serves(client)


@pytest.mark.parametrize("size", [40_000, 64_000, 140_000], ids=["long", "longest", "too long"])
def test_a_login_as_large_as_may_be(place: SqlPlace, size: int) -> None:
    with Client(place.port, place.ca) as client:
        with contextlib.suppress(OSError):
            client.send(packets.LOGIN7, login7(token="not-a-token" + "x" * (size // 2), server=place.host))
        number, _ = error_in(client.answer())
        assert number == (18456 if size <= 64_000 else 0)


def test_a_slow_sender_is_waited_for(place: SqlPlace) -> None:
    with Client(place.port, place.ca) as client:
        body = login7(token=place.token(), server=place.host, database=place.database)
        for byte in packets.message(packets.LOGIN7, body, 512):
            client.socket.sendall(bytes((byte,)))
        assert error_in(client.answer()) == (0, "")
        for byte in packets.message(packets.SQL_BATCH, HEADERS + "SELECT 1".encode("utf-16-le")):
            client.socket.sendall(bytes((byte,)))
        assert error_in(client.answer()) == (0, "")


def test_a_message_cut_off_at_any_byte(place: SqlPlace) -> None:
    whole = packets.message(packets.PRELOGIN, PRELOGIN)
    for at in range(1, len(whole)):
        with plain(place) as one:
            one.sendall(whole[:at])
            one.shutdown(socket.SHUT_WR)
            assert end_of(one) == b""
    whole = packets.message(packets.SQL_BATCH, HEADERS + "SELECT 1".encode("utf-16-le"))
    for at in range(1, len(whole), 7):
        client = enter(place)
        client.socket.sendall(whole[:at])
        client.socket.close()


def test_attentions_at_every_point(place: SqlPlace) -> None:
    batch = packets.message(packets.SQL_BATCH, HEADERS + "ROWS 20000".encode("utf-16-le"))
    for read in (0, 1, 5000, 100_000):
        with enter(place) as client:
            client.socket.sendall(batch)
            seen = client.socket.recv(read) if read else b""
            client.socket.sendall(ATTENTION)
            while not seen.endswith(b"\xfd\x20\x00" + bytes(10)):
                part = client.socket.recv(65536)
                assert part, "it was closed"
                seen += part
            assert still_serves(client)
    with enter(place) as client:
        # nothing is under way; and more of them than make sense
        client.socket.sendall(ATTENTION * 3)
        assert [client.answer()[:3] for _ in range(3)] == [b"\xfd\x20\x00"] * 3
        client.socket.sendall(packets.message(packets.SQL_BATCH, HEADERS + "WAIT".encode("utf-16-le")) + ATTENTION)
        answers = client.answer(), client.answer()
        assert answers[1][:3] == b"\xfd\x20\x00"
        assert still_serves(client)


def test_rows_that_nobody_announced_leave_nothing_behind(place: SqlPlace) -> None:
    with enter(place) as client:
        client.socket.sendall(packets.message(packets.BULK_LOAD, b"\xff" * 20_000))
        assert error_in(client.answer())[0] == 4002
        client.socket.sendall(ATTENTION)
        assert client.answer()[:3] == b"\xfd\x20\x00"
        assert still_serves(client)


# very many connections


def said(*parts: bytes) -> Callable[[SqlPlace], None]:
    def drop(place: SqlPlace) -> None:
        with plain(place) as one:
            for part in parts:
                one.sendall(part)

    return drop


def strict(place: SqlPlace) -> None:
    Client(place.port, place.ca).socket.close()


def half_a_login(place: SqlPlace) -> None:
    with Client(place.port, place.ca) as client:
        client.socket.sendall(packets.message(packets.LOGIN7, login7(token="not-a-token"))[:200])


def a_bad_login(place: SqlPlace) -> None:
    with Client(place.port, place.ca) as client:
        assert error_in(client.ask(packets.LOGIN7, login7(token="not-a-token", server=place.host)))[0] == 18456


def asked_for_a_token(place: SqlPlace) -> None:
    with Client(place.port, place.ca) as client:
        client.ask(packets.LOGIN7, login7(workflow=3, server=place.host))


def a_session(place: SqlPlace) -> None:
    enter(place).socket.close()


def in_the_middle_of_an_answer(place: SqlPlace) -> None:
    with enter(place) as client:
        client.send(packets.SQL_BATCH, HEADERS + "ROWS 100000".encode("utf-16-le"))
        client.socket.recv(1000)


STAGES: tuple[Callable[[SqlPlace], None], ...] = (
    *(said(), said(b"\x12"), said(packets.message(packets.PRELOGIN, PRELOGIN)), said(HELLO), said(b"\xff" * 100)),
    said(packets.message(packets.PRELOGIN, PRELOGIN), packets.message(packets.PRELOGIN, HELLO)),
    *(strict, half_a_login, a_bad_login, asked_for_a_token, a_session, in_the_middle_of_an_answer),
)


def descriptors(server: SqlServerProcess) -> int:
    assert server.process
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def resident(server: SqlServerProcess) -> int:
    assert server.process
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


@pytest.mark.timeout(900)
def test_very_many_connections_opened_and_dropped_at_every_stage(place: SqlPlace, sql_server: SqlServerProcess) -> None:
    chance = random.Random(20240607)
    with enter(place) as other:
        for stage in STAGES * 3:
            stage(place)
        time.sleep(1)
        before, memory = descriptors(sql_server), resident(sql_server)
        longest = 0.0
        for number in range(CONNECTIONS):
            chance.choice(STAGES)(place)
            if number % 10 == 0:
                began = time.monotonic()
                assert still_serves(other)
                longest = max(longest, time.monotonic() - began)
        deadline = time.monotonic() + 15
        while descriptors(sql_server) > before and time.monotonic() < deadline:
            time.sleep(0.1)
        assert descriptors(sql_server) <= before
        grown = resident(sql_server) - memory
        print(f"{CONNECTIONS} connections: {grown} KiB more, the other session waited {longest * 1000:.0f} ms at most")
        assert grown < 16 * 1024 + CRUMBS * CONNECTIONS
        assert longest < 2

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.providers.sql.engine import Isolation, SqlError
from keyless.providers.sql.tds import encoding, packets, prelogin, reader, requests, tokens
from keyless.providers.sql.tds.login7 import FedAuth, read_login7, read_token
from keyless.providers.sql.tds.packets import PacketReader
from keyless.providers.sql.tds.reader import Malformed
from keyless.providers.sql.types import Kind, SqlType
from tests.providers.sql.wire import HEADERS, login7, rpc

BODIES = st.binary(max_size=5000)


@given(BODIES, st.integers(packets.MIN_SIZE, 1200), st.lists(st.integers(0, 6000), max_size=6))
def test_a_message_comes_back_however_it_is_cut(body: bytes, size: int, cuts: list[int]) -> None:
    data = packets.message(packets.SQL_BATCH, body, size)
    reading = PacketReader(limit=10_000)
    found, at = [], 0
    for cut in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
        reading.feed(data[at:cut])
        at = cut
        if message := reading.next():
            found.append(message)
    assert [(one.type, one.body) for one in found] == [(packets.SQL_BATCH, body)]


def test_what_follows_a_message_stays() -> None:
    reading = PacketReader(limit=100)
    reading.feed(packets.message(packets.PRELOGIN, b"x") + b"\x16\x03\x01")
    assert reading.next()
    assert reading.rest() == b"\x16\x03\x01"


def test_resetting_is_said_by_the_first_packet() -> None:
    first = bytes((packets.SQL_BATCH, 0x10, 0, 9, 0, 0, 1, 0)) + b"a"
    last = bytes((packets.SQL_BATCH, 0x01, 0, 9, 0, 0, 2, 0)) + b"b"
    reading = PacketReader(limit=100)
    reading.feed(first + last)
    message = reading.next()
    assert message
    assert (message.body, message.reset, message.keep_transaction) == (b"ab", True, True)


@pytest.mark.parametrize(
    "data",
    [
        b"\x99\x01\x00\x08\0\0\0\0",
        b"\x01\x01\x00\x07\0\0\0\0",
        b"\x01\x01\xff\xff\0\0\0\0",
        b"\x01\x00\x00\x09\0\0\0\0a" + b"\x03\x01\x00\x09\0\0\0\0b",
        b"\x01\x01\x00\xc8\0\0\0\0" + bytes(192),
    ],
    ids=["type", "short", "long", "mixed", "limit"],
)
def test_impossible_packets_are_refused(data: bytes) -> None:
    reading = PacketReader(limit=100)
    reading.feed(data)
    with pytest.raises(Malformed):
        while reading.next():
            pass


@given(st.binary(max_size=80))
def test_any_bytes_are_a_message_or_refused(body: bytes) -> None:
    for read in (
        prelogin.read_prelogin,
        read_login7,
        read_token,
        requests.read_batch,
        requests.read_calls,
        requests.read_transaction_request,
    ):
        with contextlib.suppress(Malformed, SqlError):
            read(body)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_login_is_one_or_refused(at: int, byte: int) -> None:
    body = bytearray(login7(token="t" * 40))
    body[at % len(body)] = byte
    with contextlib.suppress(Malformed):
        read_login7(bytes(body))


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_call_is_one_or_refused(at: int, byte: int) -> None:
    body = bytearray(rpc("sp_executesql", ("", SqlType(Kind.NVARCHAR, 40), "SELECT 1"), ("", SqlType(Kind.INT), 7)))
    body[at % len(body)] = byte
    with contextlib.suppress(Malformed, SqlError):
        requests.read_calls(bytes(body))


def test_a_login_with_a_token() -> None:
    login = read_login7(login7(token="abc\0", server="tcp:shop.database.windows.net,1433", database="shop"))
    assert login.fedauth is FedAuth.SECURITY_TOKEN
    assert login.token
    assert login.token.reveal() == "abc"
    assert (login.server, login.database) == ("tcp:shop.database.windows.net,1433", "shop")
    assert "abc" not in repr(login)


def test_a_login_that_asks_where_to_go() -> None:
    login = read_login7(login7(workflow=1))
    assert (login.fedauth, login.token) == (FedAuth.ADAL, None)


def test_a_login_with_a_password_has_neither() -> None:
    assert read_login7(login7()).fedauth is None


def test_a_token_that_comes_later() -> None:
    token = "abc\0".encode("utf-16-le")
    body = len(token).to_bytes(4, "little") + token
    assert read_token(len(body).to_bytes(4, "little") + body).reveal() == "abc"


@pytest.mark.parametrize(
    ("asked", "told", "goes_on"), [(0, 3, True), (1, 1, True), (2, 3, False), (3, 3, True), (4, 3, True)]
)
def test_nothing_goes_in_the_clear(asked: int, told: int, goes_on: bool) -> None:
    option = bytes((1, 0, 6, 0, 1, 0xFF, asked))
    answer, on = prelogin.answer(prelogin.read_prelogin(option), strict=False)
    found = prelogin.read_prelogin(answer)
    assert (found.encryption, found.mars, on) == (told, False, goes_on)


def test_calls_by_name_and_by_number() -> None:
    one = rpc("sp_tables", ("@table", SqlType(Kind.NVARCHAR, 10), "t"))
    two = b"\xff\xff\x0a\x00\x00\x00" + b"\x00\x00" + encoding.type_info(SqlType(Kind.INT)) + b"\x00"
    first, second = requests.read_calls(one + b"\xff" + two)
    assert (first.procedure, first.parameters[0].name, first.parameters[0].value) == ("sp_tables", "@table", "t")
    assert (second.procedure, second.parameters[0].value) == ("sp_executesql", None)


def test_requests_to_the_transaction_manager() -> None:
    begin = requests.read_transaction_request(HEADERS + b"\x05\x00\x05\x02" + "ab".encode("utf-16-le"))
    assert (begin.isolation, begin.begin_name) == (Isolation.SNAPSHOT, "ab")
    again = requests.read_transaction_request(HEADERS + b"\x08\x00\x00\x01\x02\x00")
    assert (again.work, again.begin, again.isolation) == (requests.Work.ROLLBACK, True, Isolation.READ_COMMITTED)
    with pytest.raises(Malformed):
        requests.read_transaction_request(HEADERS + b"\x00\x00\x00\x00")


def test_where_to_ask_is_told_by_offsets_from_the_count() -> None:
    info = tokens.fedauth_info("https://login/t", "https://database.windows.net/")[5:]
    for entry, text in ((4, "https://login/t"), (13, "https://database.windows.net/")):
        size, offset = (int.from_bytes(info[entry + i : entry + i + 4], "little") for i in (1, 5))
        assert info[offset : offset + size].decode("utf-16-le") == text


def test_a_long_error_fits_its_token() -> None:
    said = tokens.said(50_000, 1, 16, "x" * 100_000, "s" * 300, 1)
    assert len(said) == 3 + int.from_bytes(said[1:3], "little")
    assert reader.Reader(said, 9).text() == "x" * 2048

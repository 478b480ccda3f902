"""Bytes that neither an upstream nor a client should send: malformed, or with a meaning, and nothing else happens."""

from __future__ import annotations

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.tds import packets, prelogin_request
from keyless.providers.sql.tds.login7_request import LoginRequest, read_request, write_login7
from keyless.providers.sql.tds.login_answer import handed_on, read_login_answer
from keyless.providers.sql.tds.packet_stream import PacketStream
from keyless.providers.sql.tds.reader import Malformed
from keyless.providers.sql.tds.responses import ResponseReader
from tests.providers.sql.tds.test_client_messages import ANSWER

LOGIN = write_login7(LoginRequest("server", "database", user="u", features={1: b"", 10: b"\x01"}))


@given(st.binary(max_size=400))
def test_noise(data: bytes) -> None:
    for read in (
        lambda: ResponseReader().feed(data, last=True),
        lambda: ResponseReader().feed(data, last=False),
        lambda: handed_on(read_login_answer(data), 0),
        lambda: prelogin_request.is_encrypted(data),
        lambda: read_request(data),
        lambda: PacketStream(packets.REPLIES).feed(data),
    ):
        with contextlib.suppress(Malformed, SqlError):
            read()


@pytest.mark.parametrize("whole", [ANSWER, LOGIN], ids=["answer", "login"])
def test_a_byte_that_is_another(whole: bytes) -> None:
    chance = random.Random(7)
    for _ in range(3000):
        changed = bytearray(whole[: chance.randrange(len(whole)) + 1] if chance.random() < 0.3 else whole)
        changed[chance.randrange(len(changed))] = chance.randrange(256)
        with contextlib.suppress(Malformed, SqlError):
            if whole is ANSWER:
                ResponseReader().feed(bytes(changed), last=True)
            else:
                write_login7(read_request(bytes(changed)))


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_packets_hold_back_no_more_than_one(parts: list[bytes]) -> None:
    stream = PacketStream(packets.REQUESTS)
    with contextlib.suppress(Malformed):
        for part in parts:
            stream.feed(part)
    assert len(stream._buffer) <= packets.MAX_SIZE + 1 + 20

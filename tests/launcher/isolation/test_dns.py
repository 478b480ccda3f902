from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.launcher.isolation import dns
from keyless.model.errors import KeylessError

#: As `dig shop.vault.azure.net` sends it, without its options.
SENT = bytes.fromhex("1f2e 0120 0001 0000 0000 0000") + b"\4Shop\5vault\5azure\3net\0" + bytes.fromhex("0001 0001")


def changed(at: int, *values: int) -> bytes:
    return SENT[:at] + bytes(values) + SENT[at + len(values) :]


def test_a_question_is_read_and_answered() -> None:
    query = dns.read_query(SENT)
    assert (query.id, query.name, query.type) == (0x1F2E, "shop.vault.azure.net", dns.A)
    answer = dns.answer(query, ["127.0.0.1", "127.0.0.2"])
    assert struct.unpack_from("!HHHHHH", answer) == (0x1F2E, 0x8580, 1, 2, 0, 0)
    assert answer[12:].startswith(SENT[12:])  # in the case in which it was asked: clients compare
    records = answer[len(SENT) :]
    assert records == bytes.fromhex("c00c 0001 0001 0000003c 0004 7f000001 c00c 0001 0001 0000003c 0004 7f000002")


@pytest.mark.parametrize("kind", [28, 65, 16])  # AAAA, HTTPS, TXT
def test_there_are_no_records_of_other_types(kind: int) -> None:
    asked = changed(len(SENT) - 3, kind)
    answer = dns.answer(dns.read_query(asked), ["127.0.0.1"])
    assert answer == bytes.fromhex("1f2e 8580 0001 0000 0000 0000") + asked[12:]


@pytest.mark.parametrize("code", [dns.SERVER_FAILURE, dns.REFUSED])
def test_a_failure(code: int) -> None:
    assert dns.failure(dns.read_query(SENT), code)[2:4] == bytes([0x81, 0x80 | code])


def test_options_after_the_question_do_no_harm() -> None:
    with_options = changed(11, 1) + bytes.fromhex("00 0029 1000 0000 0000 0000")
    assert dns.read_query(with_options) == dns.read_query(SENT)


def test_the_root_has_an_empty_name() -> None:
    assert dns.read_query(SENT[:12] + bytes.fromhex("00 0002 0001")).name == ""


@pytest.mark.parametrize(
    "message",
    [
        b"",
        SENT[:11],
        SENT[:20],
        SENT[:-1],
        changed(2, 0x81),  # an answer
        changed(2, 0x29),  # another operation
        changed(5, 0),  # no question
        changed(5, 2),  # two
        changed(12, 0xC0, 0x0C),  # a pointer, to itself
        changed(12, 64),  # a label that is too long
        changed(13, ord(".")),  # "a.b" in one label is not "a" and "b"
        changed(len(SENT) - 1, 3),  # the class of Chaosnet
        SENT[:12] + b"\1a" * 129 + SENT[-5:],
    ],
)
def test_what_is_no_question_is_refused(message: bytes) -> None:
    with pytest.raises(KeylessError):
        dns.read_query(message)


@given(st.binary(max_size=600))
def test_any_bytes_are_a_question_or_refused(message: bytes) -> None:
    try:
        query = dns.read_query(message)
    except KeylessError:
        return
    assert message[12:].startswith(query.raw)
    assert dns.answers(dns.answer(query, ["127.0.0.1"]), query)


def test_an_answer_is_told_from_others() -> None:
    query = dns.read_query(SENT)
    good = dns.answer(query, ["127.0.0.1"])
    assert dns.answers(good, query)
    assert dns.answers(good.replace(b"Shop", b"shop"), query)
    assert not dns.answers(b"\0" + good[1:], query)  # another number
    assert not dns.answers(SENT, query)  # a question
    assert not dns.answers(good.replace(b"Shop", b"evil"), query)
    assert not dns.answers(good[:5], query)


def test_messages_over_tcp_say_how_long_they_are() -> None:
    framed = dns.frame(SENT)
    assert framed[2:] == SENT
    assert dns.length_of(framed[:2]) == len(SENT)

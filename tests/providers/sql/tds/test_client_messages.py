"""The client's side of the codec against the server's, and answers cut anywhere."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from keyless.model.secretstr import SecretStr
from keyless.providers.sql.engine import Columns, Done, Message, Rows
from keyless.providers.sql.tds import encoding, login7, packets, prelogin, prelogin_request, tokens
from keyless.providers.sql.tds.login7_request import LoginRequest, read_request, with_token, write_login7
from keyless.providers.sql.tds.login_answer import handed_on, read_login_answer
from keyless.providers.sql.tds.packet_stream import PacketStream
from keyless.providers.sql.tds.prelogin import Encryption
from keyless.providers.sql.tds.reader import Malformed
from keyless.providers.sql.tds.requests import read_batch, write_batch
from keyless.providers.sql.tds.responses import ResponseReader
from keyless.providers.sql.tds.rows import row_writer
from keyless.providers.sql.tds.tokens import Change, Status
from keyless.providers.sql.types import Column, Kind, SqlType

COLUMNS = (
    Column("id", SqlType(Kind.INT), identity=True),
    Column("name", SqlType(Kind.NVARCHAR, 50)),
    Column("text", SqlType(Kind.NVARCHAR)),
    Column("price", SqlType(Kind.DECIMAL, precision=10, scale=2)),
    Column("at", SqlType(Kind.DATETIME2, scale=6)),
)
ROWS = [
    (1, "Tee", "x" * 9000, Decimal("3.50"), datetime(2026, 1, 2, 3, 4, 5, 6)),
    (2, None, None, None, None),
    (3, "茶", "", Decimal("-0.01"), datetime(1, 1, 1)),
]
ANSWER = (
    tokens.bytes_change(Change.BEGIN, (7).to_bytes(8, "little"))
    + encoding.column_metadata(COLUMNS)
    + row_writer(COLUMNS).rows(ROWS)
    + tokens.done(tokens.Done.DONE, Status.COUNT | Status.MORE, 0xC1, 3)
    + tokens.said(207, 1, 16, "Invalid column name 'x'.", "shop", 4)
    + tokens.done(tokens.Done.DONE, Status.ERROR)
)


@pytest.mark.parametrize("size", [1, 7, 100, 4088, 1_000_000])
def test_an_answer_says_the_same_however_it_is_cut(size: int) -> None:
    reader = ResponseReader()
    events = []
    for at in range(0, len(ANSWER), size):
        events += reader.feed(ANSWER[at : at + size], last=at + size >= len(ANSWER))
    rows = [row for event in events if isinstance(event, Rows) for row in event.rows]
    assert rows == ROWS
    assert [event for event in events if not isinstance(event, Rows)] == [
        Columns(COLUMNS),
        Done(3),
        Message(207, "Invalid column name 'x'.", 16, 1, 4),
        Done(None),
    ]
    assert reader.transaction == 7


def test_an_answer_that_breaks_off_or_is_none_is_malformed() -> None:
    for broken in (ANSWER[:-1], ANSWER[:400], b"\x00", b"\xd3\x00"):
        with pytest.raises(Malformed):
            ResponseReader().feed(broken, last=True)


def test_a_row_has_a_limit() -> None:
    reader = ResponseReader(limit=5000)
    with pytest.raises(Malformed):
        reader.feed(ANSWER[:8000], last=False)


def test_a_row_that_leaves_out_its_nulls() -> None:
    columns = (Column("a", SqlType(Kind.INT)), Column("b", SqlType(Kind.INT)))
    body = encoding.column_metadata(columns) + b"\xd2\x01" + b"\x04" + (5).to_bytes(4, "little")
    (_, rows, _) = ResponseReader().feed(body + tokens.done(tokens.Done.DONE, 0), last=True)
    assert rows == Rows([(None, 5)])


def test_text_behind_a_pointer_as_old_columns_have_it() -> None:
    text = b"\x23\xff\xff\xff\x7f" + bytes.fromhex("0904d00034") + b"\x01\x01\x00t\x00"
    metadata = b"\x81\x02\x00" + (bytes(4) + b"\x01\x00" + text + b"\x01n\x00") * 2
    row = b"\xd1\x10" + bytes(24) + b"\x02\x00\x00\x00hi" + b"\x00"
    (_, rows, _) = ResponseReader().feed(metadata + row + tokens.done(tokens.Done.DONE, 0), last=True)
    assert rows == Rows([("hi", None)])


def test_what_we_ask_in_prelogin_a_server_understands() -> None:
    plain = prelogin.read_prelogin(prelogin_request.ask(strict=False, token=False))
    assert (plain.encryption, plain.fedauth_required) == (Encryption.ON, None)
    assert prelogin.read_prelogin(prelogin_request.ask(strict=True, token=True)).fedauth_required
    answered, _ = prelogin.answer(plain, strict=False)
    assert prelogin_request.is_encrypted(answered)
    for said in (Encryption.OFF, Encryption.NOT_SUPPORTED):
        assert not prelogin_request.is_encrypted(prelogin.write_options({prelogin.ENCRYPTION: bytes((said,))}))
    with pytest.raises(Malformed):
        prelogin_request.is_encrypted(prelogin.write_options({prelogin.MARS: b"\x00"}))


def test_a_login_with_a_token_is_read_as_it_was_meant() -> None:
    token = SecretStr("ey.x.y")
    asked = LoginRequest("shop.example", "orders", packet_size=8000, host="here", features=with_token(token))
    read = login7.read_login7(write_login7(asked))
    assert (read.server, read.database, read.host, read.application) == ("shop.example", "orders", "here", "keyless")
    assert (read.packet_size, read.fedauth) == (8000, login7.FedAuth.SECURITY_TOKEN)
    assert read.token == token
    assert "ey.x.y" not in repr(asked)


def test_a_clients_login_is_handed_on_without_its_proof() -> None:
    features = {**with_token(SecretStr("ey.x.y")), login7.UTF8: b"", 0x01: b""}
    body = bytearray(write_login7(LoginRequest("a", "orders", application="app", language="de", features=features)))
    body[25] |= 0x80  # integrated security
    body[27] |= 0x01  # changes its password
    read = read_request(bytes(body))
    assert (read.database, read.application, read.language) == ("orders", "app", "de")
    assert dict(read.features) == {login7.UTF8: b"", 0x01: b""}
    written = write_login7(read)
    assert "ey.x.y".encode("utf-16-le") not in written
    assert written[25] & 0x80 == 0
    assert written[27] & 0x01 == 0


def test_a_password_is_veiled_as_the_protocol_has_it() -> None:
    written = write_login7(LoginRequest("a", "b", user="sa", password=SecretStr("foo")))
    # "f" is 0x66 and "o" 0x6F: the halves of each byte change places, then 0xA5 is added without carry
    assert bytes.fromhex("c3a553a553a5") in written
    assert "foo".encode("utf-16-le") not in written


def test_an_answer_to_a_login_is_read_and_handed_on() -> None:
    body = (
        tokens.text_change(Change.PACKET_SIZE, "8000", "4096")
        + tokens.login_ack(tokens.TDS_8_0)
        + tokens.done(tokens.Done.DONE, 0)
    )
    answer = read_login_answer(body)
    assert (answer.acknowledged, answer.packet_size, answer.route) == (True, 8000, None)
    handed = handed_on(answer, tokens.TDS_7_4)
    assert tokens.login_ack(tokens.TDS_7_4) in handed
    assert handed.endswith(b"\xae\x02\0\0\0\0\xff" + tokens.done(tokens.Done.DONE, 0))
    with_features = read_login_answer(tokens.features({login7.UTF8: b"\x01"}) + tokens.done(tokens.Done.DONE, 0))
    assert handed_on(with_features, tokens.TDS_7_4).count(b"\xae") == 1
    assert not with_features.acknowledged


def test_a_route_and_an_error_in_an_answer_to_a_login() -> None:
    name = "node.example"
    value = b"\x00" + (11003).to_bytes(2, "little") + len(name).to_bytes(2, "little") + name.encode("utf-16-le")
    body = b"\x14" + len(value).to_bytes(2, "little") + value + b"\x00\x00"
    routed = read_login_answer(b"\xe3" + len(body).to_bytes(2, "little") + body + tokens.done(tokens.Done.DONE, 0))
    assert routed.route
    assert (routed.route.host, routed.route.port) == (name, 11003)
    failed = read_login_answer(tokens.said(18456, 1, 14, "Login failed.", "s", 1) + tokens.done(tokens.Done.DONE, 2))
    assert [one.number for one in failed.errors] == [18456]
    for broken in (b"\xad", b"\x81\x00\x00", b"\xe3\x04\x00\x04\x01x\x00"):
        with pytest.raises(Malformed):
            read_login_answer(broken)


def test_packets_come_one_by_one() -> None:
    data = packets.message(packets.SQL_BATCH, bytes(range(256)) * 3, 512) + packets.message(packets.ATTENTION, b"")
    stream = PacketStream(packets.REQUESTS)
    found = [packet for at in range(len(data)) for packet in stream.feed(data[at : at + 1])]
    assert b"".join(packet.whole for packet in found) == data
    assert [(packet.type, packet.first, packet.last) for packet in found] == [
        (packets.SQL_BATCH, True, False),
        (packets.SQL_BATCH, False, True),
        (packets.ATTENTION, True, True),
    ]
    for wrong in (b"\x04" + bytes(7), bytes((packets.SQL_BATCH, 0, 0, 3)) + bytes(4)):
        with pytest.raises(Malformed):
            PacketStream(packets.REQUESTS).feed(wrong)


def test_a_batch_is_read_as_it_was_written() -> None:
    assert read_batch(write_batch("SELECT N'茶'", 3)) == "SELECT N'茶'"

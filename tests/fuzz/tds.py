"""TDS: whatever a client sends is a message, or refused; nothing else comes of it."""

from __future__ import annotations

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.gateway.declarations import read_declarations
from keyless.providers.sql.tds import packets, prelogin, requests
from keyless.providers.sql.tds.login7 import MAX_TOKEN, read_login7, read_token
from keyless.providers.sql.tds.reader import Malformed
from keyless.providers.sql.types import Kind, SqlType
from tests.providers.sql.wire import HEADERS, PRELOGIN, login7, rpc

_LIMIT = 64 * 1024
_READERS = {
    packets.PRELOGIN: prelogin.read_prelogin,
    packets.LOGIN7: read_login7,
    packets.FEDAUTH_TOKEN: read_token,
    packets.SQL_BATCH: requests.read_batch,
    packets.RPC: requests.read_calls,
    packets.TRANSACTION: requests.read_transaction_request,
}
_CALL = rpc("sp_executesql", ("", SqlType(Kind.NVARCHAR), "SELECT @a"), ("@a", SqlType(Kind.DECIMAL), None))
SEEDS = (
    packets.message(packets.PRELOGIN, PRELOGIN),
    packets.message(packets.LOGIN7, login7(token="t" * 30, database="shop")),
    packets.message(packets.LOGIN7, login7(workflow=3)),
    packets.message(packets.SQL_BATCH, HEADERS + "SELECT 1".encode("utf-16-le")),
    packets.message(packets.RPC, _CALL + b"\xff" + _CALL),
    packets.message(packets.TRANSACTION, HEADERS + b"\x08\x00\x00\x01\x02\x00"),
    b"@a int, @b nvarchar(max) OUTPUT, @c decimal(38, 10)",
)


def fuzz(data: bytes) -> None:
    """One input: a connection's bytes; and the same as a declaration of parameters."""
    reading = packets.PacketReader(_LIMIT)
    reading.feed(data)
    try:
        while message := reading.next():
            assert len(message.body) <= _LIMIT
            _read(message)
    except (Malformed, SqlError):
        pass
    try:
        found = read_declarations(data.decode("latin-1"))
    except SqlError:
        return
    assert all(one.name.startswith("@") for one in found)


def _read(message: packets.Message) -> None:
    read = _READERS.get(message.type)
    if read is None:
        return
    found = read(message.body)
    if message.type == packets.LOGIN7:
        token = getattr(found, "token", None)
        assert token is None or len(token.reveal()) <= MAX_TOKEN

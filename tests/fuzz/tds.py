"""TDS: whatever a client sends is a message, or refused; nothing else comes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

from keyless.providers.sql.engine import SqlError
from keyless.providers.sql.gateway.declarations import read_declarations
from keyless.providers.sql.tds import encoding, packets, prelogin, requests, tokens
from keyless.providers.sql.tds.bulk import BulkReader
from keyless.providers.sql.tds.login7 import MAX_TOKEN, read_login7, read_token
from keyless.providers.sql.tds.reader import Malformed
from keyless.providers.sql.tds.rows import row_writer
from keyless.providers.sql.tds.tokens import Done, Status
from keyless.providers.sql.types import Column, Kind, Row, SqlType, Value
from tests.providers.sql.wire import HEADERS, PRELOGIN, login7, rpc

_LIMIT = 64 * 1024


def bulk_rows(body: bytes) -> list[Row]:
    """The rows of a load, in two parts: however they are cut, they are the same."""
    half = len(body) // 2
    reading = BulkReader()
    found = [*reading.feed(body[:half]), *reading.feed(body[half:]), *reading.end()]
    whole = BulkReader()
    assert repr([*whole.feed(body), *whole.end()]) == repr(found)
    return found


_READERS = {
    packets.PRELOGIN: prelogin.read_prelogin,
    packets.LOGIN7: read_login7,
    packets.FEDAUTH_TOKEN: read_token,
    packets.SQL_BATCH: requests.read_batch,
    packets.RPC: requests.read_calls,
    packets.TRANSACTION: requests.read_transaction_request,
    packets.BULK_LOAD: bulk_rows,
}
_TYPES: dict[SqlType, Value] = {
    SqlType(Kind.BIT): True, SqlType(Kind.BIGINT): 2**40, SqlType(Kind.MONEY): Decimal("1.5"),
    SqlType(Kind.DECIMAL, precision=38, scale=10): Decimal("1.5"), SqlType(Kind.REAL): 1.5, SqlType(Kind.FLOAT): 1.5,
    SqlType(Kind.VARCHAR, 20): "a", SqlType(Kind.NVARCHAR): "茶", SqlType(Kind.VARBINARY): b"a",
    SqlType(Kind.XML): "<a/>",
    SqlType(Kind.DATE): date(2024, 2, 29), SqlType(Kind.TIME, scale=7): time(1, 2, 3),
    SqlType(Kind.DATETIME): datetime(2024, 2, 29), SqlType(Kind.SMALLDATETIME): datetime(2024, 2, 29),
    SqlType(Kind.DATETIME2, scale=7): datetime(2024, 2, 29),
    SqlType(Kind.DATETIMEOFFSET, scale=7): datetime(2024, 2, 29, tzinfo=UTC),
    SqlType(Kind.UNIQUEIDENTIFIER): UUID(int=7), SqlType(Kind.SQL_VARIANT): Decimal("1.5"),
}  # fmt: skip
_EVERY_TYPE = rpc("p", *(("@a", declared, value) for declared, value in _TYPES.items()))
_COLUMNS = tuple(Column("c", declared) for declared in _TYPES if declared.kind is not Kind.SQL_VARIANT)
_VALUES = tuple(value for declared, value in _TYPES.items() if declared.kind is not Kind.SQL_VARIANT)
_LOADED = (
    encoding.column_metadata(_COLUMNS)
    + row_writer(_COLUMNS).rows([_VALUES, (None,) * len(_VALUES)])
    + tokens.done(Done.DONE, Status.FINAL)
)
_CALL = rpc("sp_executesql", ("", SqlType(Kind.NVARCHAR), "SELECT @a"), ("@a", SqlType(Kind.DECIMAL), None))
SEEDS = (
    packets.message(packets.PRELOGIN, PRELOGIN),
    packets.message(packets.LOGIN7, login7(token="t" * 30, database="shop")),
    packets.message(packets.LOGIN7, login7(workflow=3)),
    packets.message(packets.SQL_BATCH, HEADERS + "SELECT 1".encode("utf-16-le")),
    packets.message(packets.RPC, _CALL + b"\xff" + _CALL),
    packets.message(packets.RPC, _EVERY_TYPE),
    packets.message(packets.BULK_LOAD, _LOADED),
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

"""LOGIN7: who connects, to what, and with which proof.

Owns its layout, and that of the FEDAUTH feature in it. A password is never read. Source: [MS-TDS] 2.2.6.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from keyless.model.secretstr import SecretStr
from keyless.providers.sql.tds.reader import Malformed, Reader, utf16

#: The oldest protocol whose answers look like those of 7.4.
OLDEST = 0x72_09_00_02
#: The longest token, in bytes of UTF-16.
MAX_TOKEN = 64 * 1024
_HEAD = 94
_EXTENSION = 0x10
_MAX_NAME = 128
FEDAUTH, UTF8, _END = 0x02, 0x0A, 0xFF


class FedAuth(IntEnum):
    """How a token is handed over."""

    SECURITY_TOKEN = 1  # it is in LOGIN7
    ADAL = 2  # it follows, after the server has said where to ask for it


@dataclass(frozen=True)
class Login7:
    """What of a LOGIN7 counts here. `token` is there for `FedAuth.SECURITY_TOKEN`; no `fedauth` means a password."""

    version: int
    packet_size: int
    host: str
    user: str
    application: str
    server: str
    database: str
    fedauth: FedAuth | None = None
    token: SecretStr | None = None
    utf8: bool = False


def read_login7(body: bytes) -> Login7:
    """A LOGIN7; raises Malformed."""
    head = Reader(body)
    if head.u32() != len(body) or len(body) < _HEAD:
        raise Malformed("LOGIN7 has another length than it says")
    version, size = head.u32(), head.u32()
    features = features_of(body)
    fedauth, token = _fedauth(features[FEDAUTH]) if FEDAUTH in features else (None, None)
    return Login7(
        version,
        size,
        host=name_at(body, 36),
        user=name_at(body, 40),
        application=name_at(body, 48),
        server=name_at(body, 52),
        database=name_at(body, 68),
        fedauth=fedauth,
        token=token,
        utf8=UTF8 in features,
    )


def read_token(body: bytes) -> SecretStr:
    """The token of a FEDAUTH token message ([MS-TDS] 2.2.6.3); raises Malformed."""
    reader = Reader(body)
    if reader.u32() != reader.left:
        raise Malformed("the token message has another length than it says")
    return _token(reader)


def name_at(body: bytes, at: int) -> str:
    """The text whose place and length stand at `at` in a LOGIN7; raises Malformed."""
    offset, count = (int.from_bytes(body[i : i + 2], "little") for i in (at, at + 2))
    # a server's name may be longer than the specification has it: host names have up to 253 characters
    if count > 2 * _MAX_NAME:
        raise Malformed("a name in LOGIN7 is too long")
    return _part(body, offset).characters(count) if count else ""


def _part(body: bytes, offset: int) -> Reader:
    if not _HEAD <= offset <= len(body):
        raise Malformed("a part of LOGIN7 lies outside of it")
    return Reader(body, offset)


def features_of(body: bytes) -> dict[int, bytes]:
    """The data of the features that a LOGIN7 asks for, by their numbers; raises Malformed."""
    if not body[27] & _EXTENSION:
        return {}
    pointer = int.from_bytes(body[56:58], "little")
    reader = _part(body, _part(body, pointer).u32())
    features: dict[int, bytes] = {}
    while (name := reader.u8()) != _END:
        features[name] = reader.take(reader.u32())
    return features


def _fedauth(data: bytes) -> tuple[FedAuth, SecretStr | None]:
    reader = Reader(data)
    library = reader.u8() >> 1
    if library == FedAuth.SECURITY_TOKEN:
        return FedAuth.SECURITY_TOKEN, _token(reader)
    if library == FedAuth.ADAL:
        return FedAuth.ADAL, None
    raise Malformed("the library of FEDAUTH is none that is known")


def _token(reader: Reader) -> SecretStr:
    size = reader.u32()
    if size > MAX_TOKEN:
        raise Malformed("the token is too long")
    # one driver ends it with a NUL
    return SecretStr(utf16(reader.take(size)).rstrip("\0"))

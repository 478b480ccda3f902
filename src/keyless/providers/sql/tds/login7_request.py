"""LOGIN7 from a client's side: written from nothing, or another client's with the proof replaced.

Owns its layout in that direction. What it makes holds a secret: for the wire only. Source: [MS-TDS] 2.2.6.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keyless.model.secretstr import SecretStr
from keyless.providers.sql.tds.login7 import FEDAUTH, FedAuth, features_of, name_at
from keyless.providers.sql.tds.reader import Malformed
from keyless.providers.sql.tds.tokens import TDS_7_4

_HEAD = 94
_OPTIONS_2, _OPTIONS_3 = 25, 27
_INTEGRATED_SECURITY, _CHANGES_PASSWORD, _USER_INSTANCE, _EXTENSION = 0x80, 0x01, 0x04, 0x10
#: What a client of ours says: the order of bytes, a failing database is an error, and languages are told.
_FIXED = bytes((0xE0, 0x03, 0x00, 0x00))
_VERSION_OF_CLIENT = bytes((1, 0, 0, 0))


@dataclass(frozen=True)
class LoginRequest:
    """What a LOGIN7 says. `fixed` are the 24 bytes of versions, options and locale that stand after the packet size."""

    server: str
    database: str
    version: int = TDS_7_4
    packet_size: int = 0
    host: str = ""
    user: str = ""
    password: SecretStr | None = None
    application: str = "keyless"
    library: str = "keyless"
    language: str = ""
    fixed: bytes = _VERSION_OF_CLIENT + bytes(8) + _FIXED + bytes(8)
    client_id: bytes = bytes(6)
    features: Mapping[int, bytes] = field(default_factory=dict, repr=False)


def with_token(token: SecretStr) -> Mapping[int, bytes]:
    """The feature that hands a token over."""
    data = token.reveal().encode("utf-16-le")
    return {FEDAUTH: bytes((FedAuth.SECURITY_TOKEN << 1,)) + len(data).to_bytes(4, "little") + data}


def read_request(body: bytes) -> LoginRequest:
    """Another client's LOGIN7 without what it proves itself with; raises Malformed."""
    if len(body) < _HEAD:
        raise Malformed("LOGIN7 has another length than it says")
    fixed = bytearray(body[12:36])
    fixed[_OPTIONS_2 - 12] &= ~_INTEGRATED_SECURITY
    fixed[_OPTIONS_3 - 12] &= ~(_CHANGES_PASSWORD | _USER_INSTANCE | _EXTENSION)
    return LoginRequest(
        server=name_at(body, 52),
        database=name_at(body, 68),
        version=int.from_bytes(body[4:8], "little"),
        packet_size=int.from_bytes(body[8:12], "little"),
        host=name_at(body, 36),
        application=name_at(body, 48),
        library=name_at(body, 60),
        language=name_at(body, 64),
        fixed=bytes(fixed),
        client_id=body[72:78],
        features={name: data for name, data in features_of(body).items() if name != FEDAUTH},
    )


def write_login7(login: LoginRequest) -> bytes:
    """A LOGIN7."""
    head = bytearray(_HEAD)
    head[4:8] = login.version.to_bytes(4, "little")
    head[8:12] = login.packet_size.to_bytes(4, "little")
    head[12:36] = login.fixed
    head[72:78] = login.client_id
    tail = b""
    password = _veiled(login.password) if login.password else b""
    for at, data in (
        (36, _utf16(login.host)),
        (40, _utf16(login.user)),
        (44, password),
        (48, _utf16(login.application)),
        (52, _utf16(login.server)),
        (60, _utf16(login.library)),
        (64, _utf16(login.language)),
        (68, _utf16(login.database)),
    ):
        head[at : at + 4] = _place(_HEAD + len(tail), len(data) // 2)
        tail += data
    for at in (78, 82, 86):
        head[at : at + 4] = _place(_HEAD + len(tail), 0)
    if login.features:
        pointer = _HEAD + len(tail)
        head[_OPTIONS_3] |= _EXTENSION
        head[56:60] = _place(pointer, 4)
        entries = (bytes((name,)) + len(data).to_bytes(4, "little") + data for name, data in login.features.items())
        tail += (pointer + 4).to_bytes(4, "little") + b"".join(entries) + b"\xff"
    head[0:4] = (_HEAD + len(tail)).to_bytes(4, "little")
    return bytes(head) + tail


def _place(offset: int, count: int) -> bytes:
    return offset.to_bytes(2, "little") + count.to_bytes(2, "little")


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _veiled(password: SecretStr) -> bytes:
    """As the protocol hides a password from a glance: no encryption, TLS is that."""
    return bytes(((byte << 4 | byte >> 4) & 0xFF) ^ 0xA5 for byte in _utf16(password.reveal()))

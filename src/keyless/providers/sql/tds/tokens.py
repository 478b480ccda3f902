"""The tokens of an answer that are not rows.

Owns their bytes. Source: [MS-TDS] 2.2.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from keyless.providers.sql.tds import reader
from keyless.providers.sql.tds.prelogin import SERVER_VERSION

PRODUCT = "Microsoft SQL Server"
#: 7.4; what is spoken after TLS came first calls itself 8.0.
TDS_7_4 = 0x74_00_00_04
TDS_8_0 = 0x08_00_00_00
_ERROR_FROM = 11
_LONGEST_ERROR, _LONGEST_SAYING = 2048, 8000


class Done(IntEnum):
    """Which token ends something."""

    DONE = 0xFD  # a statement of a batch
    PROCEDURE = 0xFE  # a procedure call
    IN_PROCEDURE = 0xFF  # a statement within one


class Status(IntEnum):
    """The bits of a DONE token."""

    FINAL = 0x00
    MORE = 0x01
    ERROR = 0x02
    IN_TRANSACTION = 0x04
    COUNT = 0x10
    ATTENTION = 0x20
    SERVER_ERROR = 0x100


class Change(IntEnum):
    """The types of ENVCHANGE."""

    DATABASE = 1
    LANGUAGE = 2
    PACKET_SIZE = 4
    COLLATION = 7
    BEGIN = 8
    COMMIT = 9
    ROLLBACK = 10
    RESET = 18


def done(kind: Done, status: int, command: int = 0, count: int = 0) -> bytes:
    """DONE, DONEPROC or DONEINPROC."""
    return bytes((kind,)) + status.to_bytes(2, "little") + command.to_bytes(2, "little") + count.to_bytes(8, "little")


def said(number: int, state: int, severity: int, text: str, server: str, line: int) -> bytes:
    """ERROR, or INFO where the severity is up to 10. The number is signed."""
    body = (
        number.to_bytes(4, "little", signed=True)
        + bytes((state & 0xFF, severity & 0xFF))
        + reader.text(text[: _LONGEST_ERROR if severity >= _ERROR_FROM else _LONGEST_SAYING])
        + reader.short_text(server)
        + reader.short_text("")
        + max(line, 0).to_bytes(4, "little")
    )
    return _sized(0xAA if severity >= _ERROR_FROM else 0xAB, body)


def text_change(kind: Change, new: str, old: str = "") -> bytes:
    """ENVCHANGE of a text."""
    return _sized(0xE3, bytes((kind,)) + reader.short_text(new) + reader.short_text(old))


def bytes_change(kind: Change, new: bytes = b"", old: bytes = b"") -> bytes:
    """ENVCHANGE of bytes: a collation, the descriptor of a transaction, or nothing."""
    return _sized(0xE3, bytes((kind, len(new))) + new + bytes((len(old),)) + old)


def transaction_change(old: int, new: int, *, committed: bool) -> bytes:
    """What tells the client that a transaction ended and another began; nothing where it is the same."""
    if old == new:
        return b""
    end = Change.COMMIT if committed else Change.ROLLBACK
    ended = bytes_change(end, old=old.to_bytes(8, "little")) if old else b""
    return ended + (bytes_change(Change.BEGIN, new.to_bytes(8, "little")) if new else b"")


def login_ack(version: int) -> bytes:
    """LOGINACK."""
    body = b"\x01" + version.to_bytes(4, "big") + reader.short_text(PRODUCT) + SERVER_VERSION
    return _sized(0xAD, body)


def features(acknowledged: Mapping[int, bytes]) -> bytes:
    """FEATUREEXTACK; nothing where no feature is acknowledged."""
    if not acknowledged:
        return b""
    entries = (bytes((name,)) + len(data).to_bytes(4, "little") + data for name, data in acknowledged.items())
    return b"\xae" + b"".join(entries) + b"\xff"


def fedauth_info(sts_url: str, spn: str) -> bytes:
    """FEDAUTHINFO: where to ask for a token, and for which resource. Offsets count from the number of entries."""
    values = {0x01: sts_url.encode("utf-16-le"), 0x02: spn.encode("utf-16-le")}
    offset = 4 + 9 * len(values)
    entries, data = b"", b""
    for name, value in values.items():
        entries += bytes((name,)) + len(value).to_bytes(4, "little") + (offset + len(data)).to_bytes(4, "little")
        data += value
    body = len(values).to_bytes(4, "little") + entries + data
    return b"\xee" + len(body).to_bytes(4, "little") + body


def return_status(status: int) -> bytes:
    """RETURNSTATUS."""
    return b"\x79" + status.to_bytes(4, "little", signed=True)


def _sized(token: int, body: bytes) -> bytes:
    return bytes((token,)) + len(body).to_bytes(2, "little") + body

"""PRELOGIN: what both sides can do, before anybody has said who they are.

Owns the options and which encryption follows from them. Source: [MS-TDS] 2.2.6.5, 3.2.5.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from keyless.providers.sql.tds.reader import Malformed

VERSION, ENCRYPTION, INSTANCE, THREAD, MARS, FEDAUTH, _END = 0, 1, 2, 3, 4, 6, 0xFF
#: 16.0.4165, the version that the whole server says it is.
SERVER_VERSION = bytes((16, 0)) + (4165).to_bytes(2, "big")


class Encryption(IntEnum):
    """What a side says of encryption."""

    OFF = 0  # of the login only
    ON = 1
    NOT_SUPPORTED = 2
    REQUIRED = 3
    STRICT = 4  # said by one driver, inside of TLS that came first


@dataclass(frozen=True)
class Prelogin:
    """A client's options; those that say nothing to a server of one instance are left out."""

    encryption: Encryption
    mars: bool = False
    fedauth_required: bool | None = None


def read_prelogin(body: bytes) -> Prelogin:
    """A client's PRELOGIN; raises Malformed."""
    options = read_options(body)
    encryption = options.get(ENCRYPTION, b"\x02")
    if len(encryption) != 1 or encryption[0] & 0x7F > Encryption.STRICT:
        raise Malformed("the option ENCRYPTION is none that is known")
    fedauth = options.get(FEDAUTH)
    return Prelogin(
        Encryption(encryption[0] & 0x7F),  # the highest bit offers a client's certificate
        mars=options.get(MARS, b"") == b"\x01",
        fedauth_required=None if not fedauth else fedauth[0] == 1,
    )


def answer(asked: Prelogin, *, strict: bool) -> tuple[bytes, bool]:
    """The server's PRELOGIN, and whether the connection goes on.

    Without strict encryption the whole connection is encrypted, whatever the client would like: a token must not
    travel in the clear. MARS is never to be had.
    """
    if strict:
        encryption = Encryption.NOT_SUPPORTED  # it is under way already
    elif asked.encryption is Encryption.ON:
        encryption = Encryption.ON
    else:
        encryption = Encryption.REQUIRED
    options: dict[int, bytes] = {
        VERSION: SERVER_VERSION + bytes(2),
        ENCRYPTION: bytes((encryption,)),
        INSTANCE: b"\x00",
        THREAD: b"",
        MARS: b"\x00",
    }
    if asked.fedauth_required is not None:
        options[FEDAUTH] = b"\x01"
    return write_options(options), strict or asked.encryption is not Encryption.NOT_SUPPORTED


def read_options(body: bytes) -> dict[int, bytes]:
    """The options by their numbers; raises Malformed."""
    options: dict[int, bytes] = {}
    at = 0
    while at < len(body) and body[at] != _END:
        entry = body[at : at + 5]
        if len(entry) < 5:
            raise Malformed("an option of PRELOGIN breaks off")
        offset, length = int.from_bytes(entry[1:3], "big"), int.from_bytes(entry[3:5], "big")
        if offset + length > len(body):
            raise Malformed("an option of PRELOGIN lies outside of it")
        options[entry[0]] = body[offset : offset + length]
        at += 5
    if at >= len(body):
        raise Malformed("PRELOGIN has no end")
    return options


def write_options(options: Mapping[int, bytes]) -> bytes:
    """A PRELOGIN, of either side."""
    offset = 5 * len(options) + 1
    entries, data = b"", b""
    for name, value in options.items():
        entries += bytes((name,)) + (offset + len(data)).to_bytes(2, "big") + len(value).to_bytes(2, "big")
        data += value
    return entries + bytes((_END,)) + data

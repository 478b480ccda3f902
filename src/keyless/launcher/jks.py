"""A Java key store of trusted certificates, as bytes. Owns the format; knows no files.

Source: `sun.security.provider.JavaKeyStore` of OpenJDK, version 2 of the format: magic, version, entries, and a SHA-1
over the password, a fixed phrase and all of that. The check protects nothing here: the password is a public one.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

PASSWORD = "changeit"  # noqa: S105

_MAGIC = 0xFEEDFEED
_VERSION = 2
_TRUSTED = 2


def trust_store(certificates: Sequence[bytes], now: float) -> bytes:
    """A key store that trusts `certificates` (DER); `now` is in seconds since 1970-01-01 UTC."""
    created = int(now * 1000)
    entries = [
        struct.pack(">I", _TRUSTED)
        + _text(f"root-{number}")
        + struct.pack(">Q", created)
        + _text("X.509")
        + struct.pack(">I", len(der))
        + der
        for number, der in enumerate(certificates)
    ]
    store = struct.pack(">III", _MAGIC, _VERSION, len(entries)) + b"".join(entries)
    phrase = PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite"
    return store + hashlib.sha1(phrase + store, usedforsecurity=False).digest()


def _text(text: str) -> bytes:
    data = text.encode("ascii")
    return struct.pack(">H", len(data)) + data

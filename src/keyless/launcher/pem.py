"""Certificates in PEM. Owns finding them in a text. Source: RFC 7468, section 5."""

from __future__ import annotations

import re
from binascii import Error as BadBase64
from binascii import a2b_base64
from contextlib import suppress

_SEQUENCE = b"\x30"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s(.*?)-----END CERTIFICATE-----", re.DOTALL)


def certificates(pem: str) -> list[bytes]:
    """The certificates in `pem` as DER, each once, in order; what cannot be read is left out."""
    found: dict[bytes, None] = {}
    for match in _CERTIFICATE.finditer(pem):
        with suppress(BadBase64):
            der = a2b_base64(match[1])
            if der.startswith(_SEQUENCE):  # one entry that is none would make Java refuse all
                found[der] = None
    return list(found)

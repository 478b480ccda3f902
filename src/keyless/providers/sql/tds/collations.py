"""Collations on the wire: which code page the bytes of a VARCHAR are in.

Owns the two that the server announces, and reading text in them. Source: [MS-TDS] 2.2.5.1.2.
"""

from __future__ import annotations

import codecs

from keyless.providers.sql.tds.reader import Malformed

#: SQL_Latin1_General_CP1_CI_AS, for clients that do not know UTF-8.
LATIN1 = bytes((0x09, 0x04, 0xD0, 0x00, 0x34))
#: Latin1_General_100_CI_AS_SC_UTF8.
UTF8 = bytes((0x09, 0x04, 0xD0, 0x24, 0x00))
_UTF8_BIT = 0x0400_0000
#: Windows gives the five bytes that code page 1252 leaves open to the control characters of the same numbers.
_CP1252 = "".join(bytes((byte,)).decode("cp1252", "ignore") or chr(byte) for byte in range(256))
#: Languages whose Windows code page is 1252; 0 is what a client sends that knows none.
_WESTERN = frozenset({0, 0x0406, 0x0407, 0x0409, 0x040A, 0x040B, 0x040C, 0x040F, 0x0410, 0x0413, 0x0414, 0x0416})


def decode(data: bytes, collation: bytes) -> str:
    """The text of a VARCHAR; raises Malformed where it is not text in that collation."""
    info = int.from_bytes(collation[:4], "little")
    if info & _UTF8_BIT:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("a text is not UTF-8, although its collation is") from None
    if info & 0xFFFF not in _WESTERN and not data.isascii():
        raise Malformed("a text has a code page other than UTF-8 and 1252: send it as NVARCHAR")
    return codecs.charmap_decode(data, "strict", _CP1252)[0]

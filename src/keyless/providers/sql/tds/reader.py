"""Reading the parts of a message, never beyond its end.

Owns bounds and the small shapes that every message is made of. Source: [MS-TDS] 2.2.5.1 (grammar of basic types).
"""

from __future__ import annotations

import struct


class Malformed(Exception):
    """Bytes that are not TDS, or more of them than there may be. The message quotes none of them."""


class TooShort(Malformed):
    """The bytes end before what is read does: malformed at the end of a message, and else a reason to wait."""


class Reader:
    """Reads a message from its beginning; every method raises TooShort where bytes are missing."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    @property
    def left(self) -> int:
        """How many bytes follow."""
        return len(self._data) - self._at

    def peek(self) -> int:
        """The next byte, which stays."""
        if not self.left:
            raise TooShort("the message ends too early")
        return self._data[self._at]

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self._at + count
        if end > len(self._data):
            raise TooShort("the message ends too early")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def rest(self) -> bytes:
        """Everything that follows."""
        return self.take(self.left)

    def u8(self) -> int:
        """BYTE."""
        return self.take(1)[0]

    def u16(self) -> int:
        """USHORT."""
        return int.from_bytes(self.take(2), "little")

    def u32(self) -> int:
        """ULONG and DWORD."""
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        """ULONGLONG."""
        return int.from_bytes(self.take(8), "little")

    def integer(self, size: int) -> int:
        """A signed number of `size` bytes."""
        return int.from_bytes(self.take(size), "little", signed=True)

    def real(self, size: int) -> float:
        """A floating-point number of 4 or 8 bytes."""
        (value,) = struct.unpack("<f" if size == 4 else "<d", self.take(size))
        return float(value)

    def characters(self, count: int) -> str:
        """`count` code units of UTF-16."""
        return utf16(self.take(2 * count))

    def short_text(self) -> str:
        """B_VARCHAR."""
        return self.characters(self.u8())

    def text(self) -> str:
        """US_VARCHAR."""
        return self.characters(self.u16())


def utf16(data: bytes) -> str:
    """UTF-16LE; a half of a surrogate pair stays as it is, as SQL Server keeps it."""
    if len(data) % 2:
        raise Malformed("text in UTF-16 has an odd number of bytes")
    return data.decode("utf-16-le", "surrogatepass")


def short_text(text: str) -> bytes:
    """B_VARCHAR; what does not fit is cut off."""
    data = text.encode("utf-16-le", "surrogatepass")[:510]
    return bytes((len(data) // 2,)) + data


def text(value: str) -> bytes:
    """US_VARCHAR; what does not fit is cut off."""
    data = value.encode("utf-16-le", "surrogatepass")[:131_070]
    return (len(data) // 2).to_bytes(2, "little") + data

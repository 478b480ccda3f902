"""Values without a limit: text, binary and XML in chunks.

Source: [MS-TDS] 2.2.5.2.3 (partially length-prefixed bytes).
"""

from __future__ import annotations

from keyless.providers.sql.tds.reader import Malformed, Reader

NULL = b"\xff" * 8
_NULL = 0xFFFF_FFFF_FFFF_FFFF
_UNKNOWN = 0xFFFF_FFFF_FFFF_FFFE


def write(data: bytes) -> bytes:
    """The whole value in one chunk."""
    chunk = len(data).to_bytes(4, "little") + data if data else b""
    return len(data).to_bytes(8, "little") + chunk + bytes(4)


def read(reader: Reader) -> bytes | None:
    """The value; None for NULL."""
    total = reader.u64()
    if total == _NULL:
        return None
    chunks = []
    while size := reader.u32():
        chunks.append(reader.take(size))
    data = b"".join(chunks)
    if total not in (_UNKNOWN, len(data)):
        raise Malformed("a value has another length than it says")
    return data

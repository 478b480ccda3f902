"""The CRC64 of the Blob protocol: that of NVMe (polynomial AD93D23594C93659, reflected), its bytes little-endian.

Owns the choice of the library that computes it. A loop in Python would be a thousand times slower than the disk, so
that without the library these checksums are refused.

Source: Azure Storage REST API, "Put Blob" (x-ms-content-crc64); NVM Command Set Specification, 5.2.1.3.4.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import lru_cache

from keyless.http.message import Headers
from keyless.model.errors import ErrorKind, KeylessError, invalid

#: The checksum of some bytes after others: (bytes, the checksum so far or 0) → the checksum.
Crc64 = Callable[[bytes, int], int]

BYTES = 8


@lru_cache(maxsize=1)
def load_crc64() -> Crc64:
    """The function; raises UNSUPPORTED where it is not installed. The first call takes a moment."""
    try:
        from awscrt.checksums import crc64nvme  # noqa: PLC0415 - is optional, and is loaded only where it is used
    except ImportError as error:
        raise KeylessError(
            ErrorKind.UNSUPPORTED,
            "This server does not check CRC64: choose MD5, or have 'keyless[crc64]' installed there.",
        ) from error
    function: Crc64 = crc64nvme
    return function


def read_crc64(headers: Headers, name: str) -> int | None:
    """A checksum in a header; None if it is not there. Raises INVALID with `InvalidHeaderValue`."""
    if name not in headers:
        return None
    try:
        digest = base64.b64decode(headers.get(name), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != BYTES:
        raise invalid(f"The header {name} must be the base64 form of a CRC64 of {BYTES} bytes.", "InvalidHeaderValue")
    return int.from_bytes(digest, "little")


def write_crc64(value: int) -> str:
    """A checksum as a header has it."""
    return base64.b64encode(value.to_bytes(BYTES, "little")).decode()


def crc64_mismatch() -> KeylessError:
    """The body is not the one that its checksum speaks of."""
    return invalid("The body's CRC64 is not the one that came with it; nothing was stored.", "Crc64Mismatch")

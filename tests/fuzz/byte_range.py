"""The range header: what comes of it lies within the blob and is not empty."""

from __future__ import annotations

from keyless.http.message import Headers
from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.storage.headers import read_range

SEEDS = (b"bytes=0-499", b"bytes=-1", b"bytes=5-", b"Bytes= 0-0", b"bytes=9999999999999999999-", b"bytes=0-1,2-3")


def fuzz(data: bytes) -> None:
    """One input; its last byte is the size of the blob."""
    text, size = data[:-1].decode("latin-1"), data[-1] if data else 0
    for name in ("range", "x-ms-range"):
        try:
            asked = read_range(Headers([(name, text)]))
            assert asked is not None
            first, length = asked.within(size)
        except KeylessError as error:
            assert error.kind in {ErrorKind.INVALID, ErrorKind.RANGE}
        else:
            assert length > 0
            assert 0 <= first <= first + length <= size

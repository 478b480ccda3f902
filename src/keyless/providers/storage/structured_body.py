"""Structured bodies: content in segments, each followed by its CRC64, and a CRC64 of the whole at the end.

Owns both directions. All numbers are little-endian:

    message:  version (1 byte, 1) ‖ length of it all (8) ‖ properties (2, 1 for CRC64) ‖ number of segments (2)
              ‖ segments ‖ CRC64 of all content (8)
    segment:  its number from 1 on (2) ‖ length of its content (8) ‖ content ‖ CRC64 of the content (8)

Sans-IO, in flat memory. Source: the official clients (azure-storage-blob 12.31 for Python, `_shared/streams.py`).
"""

from __future__ import annotations

from collections.abc import Generator

from keyless.model.errors import KeylessError, invalid
from keyless.providers.storage.crc64 import BYTES, Crc64, crc64_mismatch

SEGMENT_BYTES = 4 * 1024 * 1024
_VERSION, _CRC64 = 1, 1
_MESSAGE_HEAD, _SEGMENT_HEAD = 13, 10


class StructuredReader:
    """Takes a message apart: `feed` it as it arrives, then `finish`."""

    def __init__(self, crc64: Crc64, length: int) -> None:
        """`length` of the content, as it was announced."""
        self._crc64 = crc64
        self._length = length
        self._whole = self._segment = 0
        self._layout = self._parts()
        # how many bytes of which kind come next; fixed fields are held until they are whole
        self._is_content, self._need = next(self._layout)
        self._held = b""
        self._done = False

    def feed(self, data: bytes) -> list[bytes]:
        """The content in these bytes; raises INVALID with `InvalidInput` or `Crc64Mismatch`."""
        found: list[bytes] = []
        at = 0
        while at < len(data):
            if self._done:
                raise _bad("something follows its end")
            piece = data[at : at + self._need]
            at += len(piece)
            self._need -= len(piece)
            if self._is_content:
                self._segment = self._crc64(piece, self._segment)
                self._whole = self._crc64(piece, self._whole)
                found.append(piece)
            else:
                self._held += piece
            if self._need == 0:
                self._next()
        return found

    def finish(self) -> None:
        """Nothing more comes; raises INVALID if the message is not at its end."""
        if not self._done:
            raise _bad("it breaks off")

    def _next(self) -> None:
        field, self._held = self._held, b""
        try:
            self._is_content, self._need = self._layout.send(field)
        except StopIteration:
            self._done = True

    def _parts(self) -> Generator[tuple[bool, int], bytes, None]:
        """A message from its beginning to its end: gives out what comes next, and takes in the fixed fields."""
        head = yield False, _MESSAGE_HEAD
        segments = int.from_bytes(head[11:13], "little")
        total = message_length(self._length, segments)
        if (head[0], int.from_bytes(head[9:11], "little")) != (_VERSION, _CRC64):
            raise _bad("it is not of version 1 with CRC64")
        if segments == 0 or int.from_bytes(head[1:9], "little") != total:
            raise _bad("its length is not that of the content that was announced")
        left = self._length
        for number in range(1, segments + 1):
            head = yield False, _SEGMENT_HEAD
            size = int.from_bytes(head[2:10], "little")
            if int.from_bytes(head[:2], "little") != number or size > left:
                raise _bad(f"its segment {number} is not the one that comes next")
            left -= size
            self._segment = 0
            if size:
                yield True, size
            self._compare((yield False, BYTES), self._segment)
        if left:
            raise _bad("its segments are shorter than its content")
        self._compare((yield False, BYTES), self._whole)

    @staticmethod
    def _compare(field: bytes, computed: int) -> None:
        if int.from_bytes(field, "little") != computed:
            raise crc64_mismatch()


class StructuredWriter:
    """Puts a message together around content of a known length: `write` its pieces in order."""

    def __init__(self, crc64: Crc64, length: int, segment: int = SEGMENT_BYTES) -> None:
        self._crc64 = crc64
        self._segment_size = segment
        self._left = length
        self._segments = max(1, -(-length // segment))
        self.length = message_length(length, self._segments)
        self._number = 0
        self._room = 0
        self._whole = self._crc = 0

    def begin(self) -> bytes:
        """What stands before the content."""
        head = (
            bytes([_VERSION])
            + self.length.to_bytes(8, "little")
            + _CRC64.to_bytes(2, "little")
            + self._segments.to_bytes(2, "little")
        )
        return head + self._begin_segment() + (self._end_segment() if self._left == 0 else b"")

    def write(self, data: bytes) -> bytes:
        """The next piece of the content, with what belongs between segments and at the end."""
        written: list[bytes] = []
        at = 0
        while at < len(data):
            if self._room == 0:
                written.append(self._begin_segment())
            piece = data[at : at + self._room]
            at += len(piece)
            self._room -= len(piece)
            self._left -= len(piece)
            self._crc = self._crc64(piece, self._crc)
            self._whole = self._crc64(piece, self._whole)
            written.append(piece)
            if self._room == 0:
                written.append(self._end_segment())
        return b"".join(written)

    def _begin_segment(self) -> bytes:
        self._number += 1
        self._crc = 0
        self._room = min(self._segment_size, self._left)
        return self._number.to_bytes(2, "little") + self._room.to_bytes(8, "little")

    def _end_segment(self) -> bytes:
        footer = self._crc.to_bytes(BYTES, "little")
        return footer if self._left else footer + self._whole.to_bytes(BYTES, "little")


def message_length(content: int, segments: int) -> int:
    """The length of a message with so much content in so many segments."""
    return _MESSAGE_HEAD + segments * (_SEGMENT_HEAD + BYTES) + content + BYTES


def _bad(what: str) -> KeylessError:
    return invalid(f"The structured body cannot be read: {what}; nothing was stored.", "InvalidInput")

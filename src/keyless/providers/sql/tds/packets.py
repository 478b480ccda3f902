"""Packets, and the messages that they carry.

Owns the eight bytes of a packet's header, putting messages together and taking them apart. Must not know what a
message says. Source: [MS-TDS] 2.2.3 (packets), 2.2.1 and 2.2.2 (messages).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from keyless.providers.sql.tds.reader import Malformed

HEADER = 8
DEFAULT_SIZE = 4096
MIN_SIZE = 512
MAX_SIZE = 32_767

SQL_BATCH = 0x01
RPC = 0x03
REPLY = 0x04
ATTENTION = 0x06
BULK_LOAD = 0x07
FEDAUTH_TOKEN = 0x08
TRANSACTION = 0x0E
LOGIN7 = 0x10
SSPI = 0x11
PRELOGIN = 0x12
#: What a client may send.
REQUESTS = frozenset({SQL_BATCH, RPC, ATTENTION, BULK_LOAD, FEDAUTH_TOKEN, TRANSACTION, LOGIN7, SSPI, PRELOGIN})

#: What a server may send.
REPLIES = frozenset({REPLY, PRELOGIN})

#: From how many bytes on a part of rows to load is handed on.
_PART = 64 * 1024
_END = 0x01
_IGNORE = 0x02
_RESET = 0x08
_RESET_KEEPING = 0x10


@dataclass(frozen=True)
class Message:
    """A whole message, or a part of one that loads rows, which has no limit: only then is `last` ever false.

    `reset` and `keep_transaction` are what its first packet asked for before it is handled.
    """

    type: int
    body: bytes = field(repr=False)  # it may hold a token
    ignored: bool = False
    reset: bool = False
    keep_transaction: bool = False
    last: bool = True


class PacketReader:
    """Puts messages together from bytes as they come. `limit` is the most bytes a message may have; it may change.

    `kinds` are the types that the other side may send.
    """

    def __init__(self, limit: int, kinds: frozenset[int] = REQUESTS) -> None:
        self.limit = limit
        self._kinds = kinds
        self._buffer = bytearray()
        self._body = bytearray()
        self._type: int | None = None
        self._first_status = 0

    def feed(self, data: bytes) -> None:
        """More bytes."""
        self._buffer += data

    def next(self) -> Message | None:
        """The next whole message, None as long as it is not; raises Malformed, after which there are no more."""
        while len(self._buffer) >= HEADER:
            kind, status = self._buffer[0], self._buffer[1]
            size = int.from_bytes(self._buffer[2:4], "big")
            self._check(kind, size)
            if len(self._buffer) < size:
                return None
            if self._type is None:
                self._type, self._first_status = kind, status
            self._body += memoryview(self._buffer)[HEADER:size]
            del self._buffer[:size]
            if status & _END:
                return self._whole(status)
            if self._type == BULK_LOAD and len(self._body) >= _PART:
                return self._part()
        return None

    def rest(self) -> bytes:
        """The bytes after the last message, which are no packets any more (TLS begins)."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def _check(self, kind: int, size: int) -> None:
        if kind not in self._kinds or self._type not in (None, kind):
            raise Malformed("a packet of that type has no place here")
        if not HEADER <= size <= MAX_SIZE + 1:
            raise Malformed("a packet has an impossible length")
        if len(self._body) + size - HEADER > self.limit:
            raise Malformed("the message is too large")

    def _whole(self, last_status: int) -> Message:
        message = replace(self._part(), ignored=bool(last_status & _IGNORE), last=True)
        self._type = None
        return message

    def _part(self) -> Message:
        assert self._type is not None
        first, self._first_status = self._first_status, 0
        body, self._body = bytes(self._body), bytearray()
        return Message(
            self._type,
            body,
            reset=bool(first & (_RESET | _RESET_KEEPING)),
            keep_transaction=bool(first & _RESET_KEEPING),
            last=False,
        )


class PacketWriter:
    """Cuts one message into packets, as it comes."""

    def __init__(self, kind: int, size: int) -> None:
        self._kind = kind
        self._room = size - HEADER
        self._left = bytearray()
        self._number = 0

    def add(self, data: bytes) -> bytes:
        """The packets that are full now; something is always kept back for the last one."""
        self._left += data
        if len(self._left) <= self._room:
            return b""
        return b"".join(self._full())

    def end(self) -> bytes:
        """The last packet."""
        last = self._packet(bytes(self._left), _END)
        self._left.clear()
        return last

    def _full(self) -> Iterator[bytes]:
        at = 0
        while len(self._left) - at > self._room:
            yield self._packet(bytes(self._left[at : at + self._room]), 0)
            at += self._room
        del self._left[:at]

    def _packet(self, body: bytes, status: int) -> bytes:
        self._number = (self._number + 1) % 256
        return (
            bytes((self._kind, status))
            + (len(body) + HEADER).to_bytes(2, "big")
            + bytes((0, 0, self._number, 0))
            + body
        )


def message(kind: int, body: bytes, size: int = DEFAULT_SIZE) -> bytes:
    """A message as packets of at most `size` bytes."""
    writer = PacketWriter(kind, size)
    return writer.add(body) + writer.end()


def agreed_size(asked: int) -> int:
    """The size of packets after LOGIN7 asked for one; 0 leaves it to the server."""
    return min(max(asked, MIN_SIZE), MAX_SIZE) if asked else DEFAULT_SIZE

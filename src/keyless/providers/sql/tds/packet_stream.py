"""Packets one by one, for those who need not wait for the whole message.

Must not put messages together (`packets`). Source: [MS-TDS] 2.2.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from keyless.providers.sql.tds.packets import HEADER, MAX_SIZE
from keyless.providers.sql.tds.reader import Malformed

_END = 0x01


@dataclass(frozen=True)
class Packet:
    """A packet as it came; `first` and `last` are those of its message."""

    type: int
    whole: bytes = field(repr=False)
    first: bool
    last: bool

    @property
    def body(self) -> bytes:
        """What it carries."""
        return self.whole[HEADER:]


class PacketStream:
    """Cuts bytes into packets; `kinds` are the types that the other side may send."""

    def __init__(self, kinds: frozenset[int]) -> None:
        self._kinds = kinds
        self._buffer = bytearray()
        self._type: int | None = None

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that are whole now; raises Malformed, after which there are no more."""
        self._buffer += data
        found: list[Packet] = []
        at = 0
        while len(self._buffer) - at >= HEADER:
            size = int.from_bytes(self._buffer[at + 2 : at + 4], "big")
            self._check(self._buffer[at], size)
            if len(self._buffer) - at < size:
                break
            found.append(self._packet(bytes(self._buffer[at : at + size])))
            at += size
        del self._buffer[:at]
        return found

    def _check(self, kind: int, size: int) -> None:
        if kind not in self._kinds or self._type not in (None, kind):
            raise Malformed("a packet of that type has no place here")
        if not HEADER <= size <= MAX_SIZE + 1:
            raise Malformed("a packet has an impossible length")

    def _packet(self, whole: bytes) -> Packet:
        first, last = self._type is None, bool(whole[1] & _END)
        self._type = None if last else whole[0]
        return Packet(whole[0], whole, first, last)

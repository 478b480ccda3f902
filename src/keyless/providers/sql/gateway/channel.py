"""One connection as messages: packets, and TLS in either of its two places.

Owns reading, writing and waiting for a slow reader. Must not know what messages say.
Source: [MS-TDS] 3.3.5.1 (TLS within PRELOGIN packets), 2.2.6.5 and "TDS 8.0" (TLS first).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass

from keyless.providers.sql.gateway.tls import Tls
from keyless.providers.sql.tds import packets
from keyless.providers.sql.tds.packets import Message, PacketReader
from keyless.providers.sql.tds.reader import Malformed

#: Before anybody is known: a LOGIN7 with the longest token has room, and little more.
LIMIT_BEFORE_LOGIN = 160 * 1024
#: What one request of somebody known may have, a large value in it included.
LIMIT = 64 * 1024 * 1024
_READ = 64 * 1024
_TLS_FIRST = 0x16


class Ended(Exception):
    """The other side has gone."""


@dataclass(frozen=True)
class Contexts:
    """For TLS within packets, which drivers can do up to 1.2 only, and for TLS first."""

    within: ssl.SSLContext
    strict: ssl.SSLContext


class Channel:
    """The messages of one connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        kinds: frozenset[int] = packets.REQUESTS,
    ) -> None:
        """`kinds` are the types of messages that the other side may send."""
        self._reader = reader
        self._writer = writer
        self._packets = PacketReader(LIMIT_BEFORE_LOGIN, kinds)
        self._tls: Tls | None = None

    async def begin(self, contexts: Contexts) -> bool:
        """Read a client's first bytes; whether the connection is strict, and TLS is there by then."""
        first = await self._read()
        if first[0] != _TLS_FIRST:
            self._packets.feed(first)
            return False
        tls = Tls(contexts.strict)
        tls.feed(first)
        await self.encrypt_first(tls)
        return True

    async def encrypt_first(self, tls: Tls) -> None:
        """The handshake before everything else."""
        while not tls.handshake():
            await self.send(tls.outgoing())
            tls.feed(await self._read())
        await self.send(tls.outgoing())
        self._encrypted(tls)

    async def encrypt_within(self, tls: Tls) -> None:
        """The handshake inside PRELOGIN packets; everything after it is TLS."""
        while True:
            done = tls.handshake()
            if said := tls.outgoing():
                await self.send(packets.message(packets.PRELOGIN, said))
            if done:
                break
            message = await self.receive()
            if message.type != packets.PRELOGIN:
                raise Malformed("TLS was expected")
            tls.feed(message.body)
        tls.feed(self._packets.rest())
        self._encrypted(tls)

    def _encrypted(self, tls: Tls) -> None:
        self._tls = tls
        if clear := tls.decrypt():
            self._packets.feed(clear)

    def known(self) -> None:
        """Whoever is at the other end has proved it: requests may be large."""
        self._packets.limit = LIMIT

    async def receive(self) -> Message:
        """The next message; raises Ended, Malformed or an error of the connection."""
        while (message := self._packets.next()) is None:
            self._packets.feed(await self._read_clear())
        return message

    async def read(self) -> bytes:
        """What comes, as it comes: for those who put no messages together any more."""
        return self._packets.rest() or await self._read_clear()

    async def send(self, data: bytes) -> None:
        """Send packets; returns when the other side has taken most of what was sent."""
        if data:
            self._writer.write(self._tls.encrypt(data) if self._tls else data)
            await self._writer.drain()

    async def close(self, seconds: float) -> None:
        """Close; what was sent may still arrive, for so long."""
        if self._tls:
            self._writer.write(self._tls.close())
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError, ssl.SSLError):
            async with asyncio.timeout(seconds):
                await self._writer.wait_closed()
                return
        self._writer.transport.abort()

    async def _read_clear(self) -> bytes:
        if self._tls is None:
            return await self._read()
        while True:
            self._tls.feed(await self._read())
            clear = self._tls.decrypt()
            if clear is None:
                raise Ended
            if clear:
                return clear

    async def _read(self) -> bytes:
        data = await self._reader.read(_READ)
        if not data:
            raise Ended
        return data

"""Keeping the lease for as long as the launcher lives. Owns its connection, and what happens when the server goes away.

A connection that ends without a word means that the server restarts: the lease is presented again until it is back.
When the server says that the lease is over, it is over: the child goes on, without identity.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from keyless.launcher.lease import MAX_ANSWER, Lease, identity_opening, read_end, read_resumed, resume_opening
from keyless.launcher.relay import Endpoint
from keyless.launcher.unix_socket import GRANT_SECONDS, connect
from keyless.model.errors import ErrorKind, KeylessError

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0


class Keeper:
    """Holds a lease; `complain` tells the user once when it is over."""

    def __init__(self, lease: Lease, place: Path, identity_port: int, complain: Callable[[str], None]) -> None:
        self._lease = lease
        self._place = place
        self._identity_port = identity_port
        self._complain = complain
        self._live = asyncio.Event()
        self._over = ""

    async def keep(self, connection: socket.socket, arrived: bytes) -> None:
        """Hold the lease that came over `connection`, with what `arrived` after it; returns when it is over."""
        self._connection = connection
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=MAX_ANSWER)
        reader.feed_data(arrived)
        try:
            while True:
                self._live.set()
                await self._until_away(reader)
                self._live.clear()
                writer.close()
                reader, writer = await self._resume()
        except KeylessError as error:
            self._over = error.message
            self._live.set()
            self._complain(f"{self._lease.app} has lost its identity: {error.message}")
        finally:
            writer.close()

    async def open_identity(self) -> Endpoint:
        """A connection for one identity request; OSError while the server is away, FORBIDDEN once the lease is over."""
        await self._live.wait()
        if self._over:
            raise KeylessError(ErrorKind.FORBIDDEN, f"This instance has lost its identity: {self._over}")
        connection = connect(self._place)
        # asked before the lease is presented to it again, a server that has just restarted would refuse
        if self._has_ended():
            connection.close()
            raise ConnectionError("the server restarts")
        loop = asyncio.get_running_loop()
        _, endpoint = await loop.create_unix_connection(Endpoint, sock=connection)
        endpoint.transport.write(identity_opening(self._lease))
        return endpoint

    def _has_ended(self) -> bool:
        try:
            return not self._connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False

    async def _until_away(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            line = await _line(reader)
            if line:
                raise KeylessError(ErrorKind.FORBIDDEN, read_end(line))

    async def _resume(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        pause = FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(GRANT_SECONDS):
                    return await self._present()
            except OSError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _present(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        connection = connect(self._place)
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=MAX_ANSWER)
        try:
            writer.write(resume_opening(self._lease, self._identity_port))
            line = await _line(reader)
            if not line:
                raise ConnectionError("the server went away again")
            read_resumed(line)
        except BaseException:
            writer.close()
            raise
        self._connection = connection
        return reader, writer


async def _line(reader: asyncio.StreamReader) -> bytes:
    """The next line; nothing when the connection ended before it did."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError:
        return b""
    except asyncio.LimitOverrunError:
        raise KeylessError(ErrorKind.INTERNAL, "The server's message is too long.") from None

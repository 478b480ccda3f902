"""The sockets that a launcher opens before it starts the child. Owns their making, not what is served on them."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import NamedTuple

_BACKLOG = 512


class Inside(NamedTuple):
    """What is served inside of a child's own network: HTTPS, SQL and names.

    `servers` are asked for names that are not claimed.
    """

    https: Sequence[socket.socket]
    datagrams: socket.socket
    streams: socket.socket
    servers: Sequence[str]
    sql: Sequence[socket.socket]


class Sockets(NamedTuple):
    """All of them, with what `arrived` on the lease's; `inside` is there if the child is isolated."""

    identity: socket.socket
    proxy: socket.socket | None
    lease: socket.socket
    arrived: bytes
    inside: Inside | None

    def each(self) -> list[socket.socket]:
        """One by one."""
        within = (*self.inside.https, self.inside.datagrams, self.inside.streams) if self.inside else ()
        return [one for one in (self.identity, self.proxy, self.lease, *within) if one]


def listen(host: str, port: int) -> socket.socket:
    """A TCP socket that accepts connections."""
    listening = socket.socket()
    listening.bind((host, port))
    listening.listen(_BACKLOG)
    listening.setblocking(False)
    return listening


def receive(host: str, port: int) -> socket.socket:
    """A UDP socket."""
    receiving = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiving.bind((host, port))
    receiving.setblocking(False)
    return receiving

"""The Unix socket on which launchers take leases and pass on identity requests.

Owns the protocol of its connections: one line of JSON says what a connection is; then it is either a lease, which
lives as long as the connection, or a stream of HTTP for the identity endpoint. Only the server's own user, or
root, gets in: the file's mode says so, and the kernel's word on the peer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import msgspec

from keyless.http.http1 import Http1
from keyless.model.app import Lease
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.hosts import APP_SERVICE
from keyless.workload.instances import Instances

log = logging.getLogger("keyless.workload")

MAX_LINE = 4096
OPENING_SECONDS = 10.0
MAX_CONNECTIONS = 4000
_PEER = struct.Struct("3i")


class Opening(msgspec.Struct, tag_field="open"):
    """What a connection begins with."""


class OpenLease(Opening, tag="lease"):
    """Take a lease on a new instance of an app."""

    app: str
    identity_port: int
    names: str = "clouds"
    host: str = APP_SERVICE
    faults: tuple[str, ...] = ()


class ResumeLease(Opening, tag="resume"):
    """Take a lease up again after the server was away."""

    lease: str
    key: str
    identity_port: int

    def __repr__(self) -> str:
        return f"ResumeLease({self.lease!r})"


class IdentityRequests(Opening, tag="identity"):
    """What follows is HTTP for the identity endpoint."""

    lease: str
    key: str

    def __repr__(self) -> str:
        return f"IdentityRequests({self.lease!r})"


_decoder: msgspec.json.Decoder[OpenLease | ResumeLease | IdentityRequests] = msgspec.json.Decoder(
    OpenLease | ResumeLease | IdentityRequests
)


@dataclass
class LeaseSocket:
    """Serves the socket. `launch` makes a lease and the answer to its launcher; `http` a protocol for identity.

    `connections` is how many there may be; more are closed at once, and launchers try again.
    """

    instances: Instances
    launch: Callable[[OpenLease], Awaitable[tuple[Lease, Mapping[str, object]]]]
    http: Callable[[Lease], Http1]
    connections: int = MAX_CONNECTIONS
    _held: dict[str, asyncio.Transport] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _leaving: bool = False
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _opened: int = 0

    async def start(self, folder: Path, name: str) -> None:
        """Listen at `folder/name`, whatever the length of the path."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Connection(self), sock=_listen(folder, name))

    async def stop(self) -> None:
        """Let the launchers go; they keep their leases and come back to the next server."""
        self._leaving = True
        if self._server:
            self._server.close()
        for transport in list(self._held.values()):
            transport.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    async def end_app(self, leases: list[Lease], reason: str) -> None:
        """End the leases of an app for good, and tell their launchers."""
        for lease in leases:
            transport = self._held.pop(lease.id, None)
            if transport:
                transport.write(_line({"end": reason}))
                transport.close()
        await self.instances.end([lease.id for lease in leases])

    # for the connections

    def enter(self) -> bool:
        """Count a connection; whether there is room for it."""
        self._opened += 1
        return self._opened <= self.connections

    def leave(self) -> None:
        self._opened -= 1

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def hold(self, lease: Lease, transport: asyncio.Transport) -> None:
        before = self._held.get(lease.id)
        self._held[lease.id] = transport
        if before is not None and before is not transport:
            before.close()

    def release(self, lease: Lease, transport: asyncio.Transport) -> None:
        if self._held.get(lease.id) is not transport:
            return
        del self._held[lease.id]
        if not self._leaving:
            self.spawn(self._end(lease))

    async def _end(self, lease: Lease) -> None:
        with contextlib.suppress(KeylessError):
            await self.instances.end([lease.id])


class _Connection(asyncio.Protocol):
    """One connection, until it is known what it is."""

    def __init__(self, owner: LeaseSocket) -> None:
        self._owner = owner
        self._buffer = b""
        self._lease: Lease | None = None
        self._opened = False
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not say that it is one
        self._timer = asyncio.get_running_loop().call_later(OPENING_SECONDS, self._transport.abort)
        if not self._owner.enter() or _peer_uid(self._transport) not in {os.geteuid(), 0, None}:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._opened:
            return  # a launcher has nothing more to say on its lease
        self._buffer += data
        line, found, rest = self._buffer.partition(b"\n")
        if not found and len(self._buffer) <= MAX_LINE:
            return
        self._timer.cancel()
        self._opened = True
        self._buffer = b""
        try:
            if not found or len(line) > MAX_LINE:
                raise invalid(f"A connection begins with a line of at most {MAX_LINE} bytes.")
            self._open(_decoder.decode(line), rest)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._refuse(invalid("A connection begins with a line of JSON that says what it is."))
        except KeylessError as error:
            self._refuse(error)

    def _open(self, opening: OpenLease | ResumeLease | IdentityRequests, rest: bytes) -> None:
        if isinstance(opening, IdentityRequests):
            self._hand_over(self._owner.instances.authenticate(opening.lease, opening.key), rest)
        elif isinstance(opening, ResumeLease):
            lease = self._owner.instances.resume(opening.lease, opening.key, opening.identity_port)
            self._keep(lease, {"lease": lease.id})
        else:
            self._owner.spawn(self._launch(opening))

    def _hand_over(self, lease: Lease, rest: bytes) -> None:
        protocol = self._owner.http(lease)
        self._owner.leave()  # from here on it is one of the protocol's
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if rest:
            protocol.data_received(rest)

    async def _launch(self, opening: OpenLease) -> None:
        try:
            lease, answer = await self._owner.launch(opening)
        except KeylessError as error:
            self._refuse(error)
        except Exception as error:
            log.error("a launch failed: %s", type(error).__name__)
            self._refuse(KeylessError(ErrorKind.INTERNAL, "keyless failed on this launch; see its log."))
        else:
            self._keep(lease, answer)

    def _keep(self, lease: Lease, answer: Mapping[str, object]) -> None:
        self._lease = lease
        self._owner.hold(lease, self._transport)
        if self._transport.is_closing():  # the launcher died while its lease was made
            self._owner.release(lease, self._transport)
            return
        self._transport.write(_line(answer))

    def _refuse(self, error: KeylessError) -> None:
        self._transport.write(_line({"error": {"code": error.code or error.kind.value, "message": error.message}}))
        self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        self._timer.cancel()
        self._owner.leave()
        if self._lease:
            self._owner.release(self._lease, self._transport)


def _listen(folder: Path, name: str) -> socket.socket:
    """A socket that only this user may open. Where there is /proc, the path may be longer than an address can be."""
    (folder / name).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    before = os.umask(0o177)
    try:
        short = Path(f"/proc/self/fd/{descriptor}")
        listener.bind(str((short if short.exists() else folder) / name))
    finally:
        os.umask(before)
        os.close(descriptor)
    return listener


def _line(message: Mapping[str, object]) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def _peer_uid(transport: asyncio.Transport) -> int | None:
    """The user at the other end, by the kernel's word; None where the system does not tell (the mode decides)."""
    peer = transport.get_extra_info("socket")
    if peer is None or not hasattr(socket, "SO_PEERCRED"):
        return None
    # uvloop hands out a stand-in that has no options; the kernel knows them by the descriptor
    with socket.socket(fileno=os.dup(peer.fileno())) as real:
        _pid, uid, _gid = _PEER.unpack(real.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return int(uid)

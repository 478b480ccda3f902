"""The Unix socket on which launchers take leases and pass on identity requests.

Owns the protocol of its connections: one line of JSON says what a connection is; then it is either a lease, which
lives as long as the connection, or a stream of HTTP for the identity endpoint. Who gets in, and as what, each
socket's door says (`doors.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import msgspec

from keyless.http.http1 import Http1
from keyless.model.app import Lease
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.hosts import APP_SERVICE
from keyless.workload.doors import Caller, Door, Refusal
from keyless.workload.instances import Instances, lease_is_over
from keyless.workload.listener import listen

log = logging.getLogger("keyless.workload")

MAX_LINE = 4096
OPENING_SECONDS = 10.0


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


@dataclass(frozen=True, eq=False)
class _Holder:
    """The connection that a lease lives by, and whose it is."""

    lease: Lease
    door: Door
    caller: Caller
    transport: asyncio.Transport


@dataclass
class LeaseSocket:
    """Serves the sockets. `launch` makes a lease and the answer to its launcher; `http` a protocol for identity."""

    instances: Instances
    launch: Callable[[OpenLease, Caller], Awaitable[tuple[Lease, Mapping[str, object]]]]
    http: Callable[[Lease], Http1]
    _held: dict[str, _Holder] = field(default_factory=dict)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _leaving: bool = False
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, folder: Path, name: str, door: Door, *, mode: int = 0o600) -> None:
        """Listen at `folder/name`, whatever the length of the path, for whom the door lets in."""
        loop = asyncio.get_running_loop()
        listener = listen(folder, name, mode)
        self._servers.append(await loop.create_unix_server(lambda: _Connection(self, door), sock=listener))

    async def stop(self) -> None:
        """Let the launchers go; they keep their leases and come back to the next server."""
        self._leaving = True
        for server in self._servers:
            server.close()
        for holder in list(self._held.values()):
            holder.transport.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    async def end_app(self, leases: list[Lease], reason: str) -> None:
        """End the leases of an app for good, and tell their launchers."""
        for lease in leases:
            holder = self._held.pop(lease.id, None)
            if holder:
                holder.transport.write(_line({"end": reason}))
                holder.transport.close()
        await self.instances.end([lease.id for lease in leases])

    async def end_unattested(self) -> None:
        """End the leases of those whom their doors would not let in any more."""
        over = [holder.lease for holder in self._held.values() if not holder.door.still_admits(holder.caller)]
        if over:
            await self.end_app(over, "No rule of the app matches this process any more.")

    # for the connections

    def confirm(self, lease_id: str, caller: Caller) -> None:
        """Whether an attested caller is the process that holds the lease; raises FORBIDDEN."""
        if caller.process is None:
            return
        holder = self._held.get(lease_id)
        if holder is None or holder.caller.process is None or not caller.process.is_same_as(holder.caller.process):
            raise lease_is_over()

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def is_held(self, lease_id: str) -> bool:
        return lease_id in self._held

    def hold(self, holder: _Holder) -> None:
        before = self._held.get(holder.lease.id)
        self._held[holder.lease.id] = holder
        if before is not None:
            before.transport.close()

    def release(self, holder: _Holder) -> None:
        lease = holder.lease
        if self._held.get(lease.id) is not holder:
            return
        del self._held[lease.id]
        if not self._leaving:
            self.spawn(self._end(lease))

    async def _end(self, lease: Lease) -> None:
        with contextlib.suppress(KeylessError):
            await self.instances.end([lease.id])


class _Connection(asyncio.Protocol):
    """One connection, until it is known what it is."""

    def __init__(self, owner: LeaseSocket, door: Door) -> None:
        self._owner = owner
        self._door = door
        self._buffer = b""
        self._caller: Caller | None = None
        self._holder: _Holder | None = None
        self._opened = False
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not say that it is one
        self._timer = asyncio.get_running_loop().call_later(OPENING_SECONDS, self._transport.abort)
        peer = self._transport.get_extra_info("socket")
        # uvloop hands out a stand-in that has no options; the kernel knows them by the descriptor
        with socket.socket(fileno=os.dup(peer.fileno())) as real:
            admitted = self._door.admit(real)
        if isinstance(admitted, Refusal):
            self._opened = True
            self._owner.spawn(self._turn_away(admitted))
        else:
            self._caller = admitted

    async def _turn_away(self, refusal: Refusal) -> None:
        if refusal.error is None:
            self._transport.abort()
            return
        with contextlib.suppress(KeylessError):
            await refusal.record()
        self._refuse(refusal.error)

    def data_received(self, data: bytes) -> None:
        if self._opened or self._caller is None:
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
            self._open(_decoder.decode(line), rest, self._caller)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._refuse(invalid("A connection begins with a line of JSON that says what it is."))
        except KeylessError as error:
            self._refuse(error)

    def _open(self, opening: OpenLease | ResumeLease | IdentityRequests, rest: bytes, caller: Caller) -> None:
        instances = self._owner.instances
        if isinstance(opening, IdentityRequests):
            lease = instances.authenticate(opening.lease, opening.key, caller.app)
            self._owner.confirm(lease.id, caller)
            self._hand_over(lease, rest)
        elif isinstance(opening, ResumeLease):
            if self._owner.is_held(opening.lease):
                self._owner.confirm(opening.lease, caller)
            lease = instances.resume(opening.lease, opening.key, opening.identity_port, caller.app)
            self._keep(lease, {"lease": lease.id}, caller)
        else:
            self._owner.spawn(self._launch(opening, caller))

    def _hand_over(self, lease: Lease, rest: bytes) -> None:
        protocol = self._owner.http(lease)
        self._leave()  # from here on it is one of the protocol's
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if rest:
            protocol.data_received(rest)

    async def _launch(self, opening: OpenLease, caller: Caller) -> None:
        try:
            lease, answer = await self._owner.launch(opening, caller)
            if not self._door.still_admits(caller):  # the rules have changed meanwhile
                await self._owner.instances.end([lease.id])
                raise lease_is_over()
        except KeylessError as error:
            self._refuse(error)
        except Exception as error:
            log.error("a launch failed: %s", type(error).__name__)
            self._refuse(KeylessError(ErrorKind.INTERNAL, "keyless failed on this launch; see its log."))
        else:
            self._keep(lease, answer, caller)

    def _keep(self, lease: Lease, answer: Mapping[str, object], caller: Caller) -> None:
        self._holder = _Holder(lease, self._door, caller, self._transport)
        self._owner.hold(self._holder)
        if self._transport.is_closing():  # the launcher died while its lease was made
            self._owner.release(self._holder)
            return
        if caller.process:
            # the connection may have been passed on: the lease is the process's, and ends with it
            asyncio.get_running_loop().add_reader(caller.process.pidfd, self._transport.abort)
        self._transport.write(_line(answer))

    def _refuse(self, error: KeylessError) -> None:
        self._transport.write(_line({"error": {"code": error.code or error.kind.value, "message": error.message}}))
        self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        self._timer.cancel()
        if self._holder:
            self._owner.release(self._holder)
        self._leave()

    def _leave(self) -> None:
        """Let the caller go."""
        caller, self._caller = self._caller, None
        if caller is None:
            return
        if caller.process:
            asyncio.get_running_loop().remove_reader(caller.process.pidfd)
        self._door.leave(caller)


def _line(message: Mapping[str, object]) -> bytes:
    return msgspec.json.encode(message) + b"\n"

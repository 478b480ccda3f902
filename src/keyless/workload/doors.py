"""The doors of the Unix sockets: who gets in, and as what.

Owns the two of them. At the owner's, the server's own user and root get in, by the file's mode and the kernel's word;
they may launch any app. At the workloads', which everybody can reach, a process gets in as the one app whose rules it
matches, and else it is refused. Must not know what is said on a connection.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

from keyless.model.app import LAUNCH
from keyless.model.audit import Audit, AuditEvent
from keyless.model.errors import KeylessError
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.workload.attestation import Kernel, Process, attest
from keyless.workload.attestation_rules import select_app
from keyless.workload.rate import RateLimit

MAX_CONNECTIONS = 4000
#: Of the connections that workloads may have, one user gets this part at most.
_SHARE = 4
_PEER = struct.Struct("3i")


@dataclass(frozen=True, eq=False)
class Caller:
    """Who is at the other end: the owner, or the process that may run as `app` and as no other."""

    app: ResourceId | None = None
    process: Process | None = None

    def __str__(self) -> str:
        return str(self.process.evidence) if self.process else "the owner"


#: The owner, who may launch any app.
OWNER = Caller()


async def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Refusal:
    """Somebody who stays outside: what to say, if anything, and what to keep in the audit log before."""

    error: KeylessError | None = None
    record: Callable[[], Awaitable[None]] = _nothing


class Door(Protocol):
    """The door of one socket."""

    def admit(self, connection: socket.socket) -> Caller | Refusal:
        """Let somebody in or not; `leave` follows for everyone who was let in."""
        ...

    def still_admits(self, caller: Caller) -> bool:
        """Whether somebody who was let in would be let in as the same now."""
        ...

    def leave(self, caller: Caller) -> None:
        """Somebody has gone."""
        ...


@dataclass
class OwnerDoor:
    """For the server's own user, and root. `connections` is how many there may be at once."""

    connections: int = MAX_CONNECTIONS
    _inside: int = 0

    def admit(self, connection: socket.socket) -> Caller | Refusal:
        if self._inside >= self.connections or _peer_uid(connection) not in {os.geteuid(), 0, None}:
            return Refusal()  # launchers try again
        self._inside += 1
        return OWNER

    def still_admits(self, _caller: Caller) -> bool:
        return True

    def leave(self, _caller: Caller) -> None:
        self._inside -= 1


@dataclass
class WorkloadDoor:
    """For processes that match a rule. `refusals` limits how many of one user are told why, and recorded."""

    kernel: Kernel
    rules: Callable[[], Iterable[Resource]]
    audit: Audit
    refusals: RateLimit
    connections: int = MAX_CONNECTIONS
    _inside: Counter[int] = field(default_factory=Counter)

    def admit(self, connection: socket.socket) -> Caller | Refusal:
        try:
            process = attest(connection, self.kernel)
        except KeylessError as error:
            return self._refused(_peer_uid(connection), error)
        uid = process.evidence.uid
        try:
            app = select_app(self.rules(), process.evidence)
        except KeylessError as error:
            process.close()
            return self._refused(uid, error)
        if self._inside.total() >= self.connections or self._inside[uid] >= self.connections // _SHARE:
            process.close()
            return Refusal()
        self._inside[uid] += 1
        return Caller(app, process)

    def still_admits(self, caller: Caller) -> bool:
        assert caller.process
        with contextlib.suppress(KeylessError):
            return select_app(self.rules(), caller.process.evidence) == caller.app
        return False

    def leave(self, caller: Caller) -> None:
        assert caller.process
        uid = caller.process.evidence.uid
        self._inside[uid] -= 1
        if not self._inside[uid]:
            del self._inside[uid]
        caller.process.close()

    def _refused(self, uid: int | None, error: KeylessError) -> Refusal:
        if not self.refusals.allows(uid):
            return Refusal()
        who = f"user {uid}"
        event = AuditEvent(str(uuid4()), "launch", "attest", "/", LAUNCH, "", who, "denied", error.message)
        return Refusal(error, lambda: self.audit.decision(event, durable=True))


def _peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end, by the kernel's word; None where the system does not tell (the mode decides)."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    _pid, uid, _gid = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return int(uid)

"""Who is at the other end of a Unix socket, by the kernel's word: its user, its groups, its control group.

Owns asking the kernel, and holding the process so that its number cannot come to mean another one meanwhile. Must not
know what follows from the answer (`attestation_rules.py`).

Source: unix(7), SO_PEERCRED; socket(7) and linux/net.h, SO_PEERGROUPS (Linux 4.13) and SO_PEERPIDFD (Linux 6.5);
pidfd_open(2); proc_pid_stat(5); cgroups(7), `/proc/pid/cgroup`.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from keyless.model.errors import ErrorKind, KeylessError
from keyless.workload.attestation_rules import Evidence

_CREDENTIALS = struct.Struct("3i")
_PIDFD = struct.Struct("i")
_ID = struct.Struct("I")
# asm-generic/socket.h; Python has no names for these
_SO_PEERGROUPS = 59
_SO_PEERPIDFD = 77
#: The most that Python asks for; who is in more than 256 groups is known by the first alone.
_GROUPS_BYTES = 1024
_UNKNOWN = {errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.EINVAL}


class Credentials(NamedTuple):
    """What the kernel noted when the connection was made."""

    pid: int
    uid: int
    gids: frozenset[int]


class Kernel(Protocol):
    """What is asked of the kernel. Everything raises OSError for a process that is gone."""

    def credentials(self, connection: socket.socket) -> Credentials:
        """Who connected."""
        ...

    def peer(self, connection: socket.socket) -> int | None:
        """A pidfd of the very process that connected; None where the kernel cannot say."""
        ...

    def open(self, pid: int) -> int:
        """A pidfd of the process that has this number now."""
        ...

    def started(self, pid: int) -> tuple[str, int]:
        """When the process of this number began, and its user."""
        ...

    def cgroup(self, pid: int) -> str:
        """Its path in the unified hierarchy of control groups, or nothing."""
        ...

    def is_alive(self, pidfd: int) -> bool:
        """Whether the process has not ended."""
        ...


@dataclass(frozen=True)
class Process:
    """A process that is held: while it is alive, its number is its own. `close` lets it go."""

    evidence: Evidence
    pidfd: int
    kernel: Kernel

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.kernel.is_alive(self.pidfd)

    def is_same_as(self, other: Process) -> bool:
        """Whether both are one process, which still runs."""
        return self.evidence.pid == other.evidence.pid and self.is_alive() and other.is_alive()

    def close(self) -> None:
        """Let it go."""
        os.close(self.pidfd)


def attest(connection: socket.socket, kernel: Kernel) -> Process:
    """The process at the other end, held; raises FORBIDDEN when it is gone, or cannot be seen from here."""
    try:
        said = kernel.credentials(connection)
        if said.pid <= 0:
            raise _unknown("it runs where this server sees no processes: let both share a process namespace")
        pidfd = kernel.peer(connection)
        if pidfd is None:
            pidfd = _open_by_number(said, kernel)
    except OSError:
        raise _unknown("it has ended") from None
    try:
        evidence = Evidence(said.uid, said.gids, said.pid, kernel.cgroup(said.pid))
        # what was read belongs to this process only if it still has its number now
        if kernel.is_alive(pidfd):
            return Process(evidence, pidfd, kernel)
    except OSError:
        pass
    os.close(pidfd)
    raise _unknown("it has ended")


def _open_by_number(said: Credentials, kernel: Kernel) -> int:
    """For kernels before 6.5: the process that has the number, if it is one and the same before and after."""
    before = kernel.started(said.pid)
    pidfd = kernel.open(said.pid)
    try:
        if kernel.started(said.pid) == before and before[1] == said.uid:
            return pidfd
    except OSError:
        pass
    os.close(pidfd)
    raise _unknown("its number belongs to another process by now")


def _unknown(why: str) -> KeylessError:
    message = f"The process at the other end cannot be told, because {why}."
    return KeylessError(ErrorKind.FORBIDDEN, message, code="ProcessUnknown")


class LinuxKernel:
    """The running kernel."""

    def credentials(self, connection: socket.socket) -> Credentials:
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, gid = _CREDENTIALS.unpack(data)
        try:
            more = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BYTES)
        except OSError:
            more = b""
        return Credentials(pid, uid & 0xFFFFFFFF, frozenset((gid & 0xFFFFFFFF, *(n for (n,) in _ID.iter_unpack(more)))))

    def peer(self, connection: socket.socket) -> int | None:
        try:
            data = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD, _PIDFD.size)
        except OSError as error:
            if error.errno in _UNKNOWN:
                return None
            raise
        return int(_PIDFD.unpack(data)[0])

    def open(self, pid: int) -> int:
        return os.pidfd_open(pid)

    def started(self, pid: int) -> tuple[str, int]:
        folder = Path(f"/proc/{pid}")
        # the name in parentheses may hold anything; the 22nd field is the 20th after it
        fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
        return fields[19], folder.stat().st_uid

    def cgroup(self, pid: int) -> str:
        for line in Path(f"/proc/{pid}/cgroup").read_text(errors="replace").splitlines():
            hierarchy, _, path = line.split(":", 2)
            if hierarchy == "0":
                return path
        return ""

    def is_alive(self, pidfd: int) -> bool:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        return not poll.poll(0)

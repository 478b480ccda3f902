"""The child's namespaces: making them, working inside of them, entering them for good.

They belong to a user namespace in which the user is mapped to itself. Where root may make none, root does without it.
Source: namespaces(7), user_namespaces(7), mount_namespaces(7).
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from keyless.launcher.isolation import system_calls
from keyless.launcher.isolation.obstacles import obstacle
from keyless.launcher.isolation.system_calls import CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUSER, MS_PRIVATE, MS_REC
from keyless.model.errors import ErrorKind, KeylessError

_DONE = b"done"
_MAX_MESSAGE = 4096
_MAX_DESCRIPTORS = 16
_FILES = {CLONE_NEWUSER: "user", CLONE_NEWNET: "net", CLONE_NEWNS: "mnt"}


class Namespaces:
    """One set of namespaces. `holder` is the ID of a process inside, until `release`."""

    def __init__(self, holder: int, kept: socket.socket, descriptors: dict[int, int]) -> None:
        self.holder = holder
        self._kept = kept
        self._descriptors = descriptors

    def enter(self) -> None:
        """Take this process inside, with all capabilities there; raises OSError. For processes of one thread."""
        for kind, descriptor in self._descriptors.items():
            system_calls.set_namespace(descriptor, kind)

    def do(self, work: Callable[[], Sequence[int]]) -> list[int]:
        """Do `work` in a process inside, and take over the descriptors that it returns; raises KeylessError."""
        pid, connection = _fork(lambda ours: _work_inside(self, work, ours))
        with connection:
            descriptors = _hear(connection)
        os.waitpid(pid, 0)
        return descriptors

    def release(self) -> None:
        """End the holder: from now on the namespaces live as long as somebody is in them."""
        self._kept.close()
        os.waitpid(self.holder, 0)

    def close(self) -> None:
        """Let go of the descriptors."""
        for descriptor in self._descriptors.values():
            os.close(descriptor)


def make_namespaces() -> Namespaces:
    """New namespaces with nothing in them; raises UNSUPPORTED with what to do where they cannot be had."""
    if sys.platform != "linux":
        raise KeylessError(
            ErrorKind.UNSUPPORTED, "--isolate needs Linux: start the program without it, or on a machine with Linux."
        )
    holder, kept = _fork(_hold)
    try:
        _hear(kept)
        kinds = [kind for kind in _FILES if kind != CLONE_NEWUSER or _has_own(holder, "user")]
        found = {kind: os.open(f"/proc/{holder}/ns/{_FILES[kind]}", os.O_RDONLY) for kind in kinds}
    except BaseException as error:
        kept.close()
        os.waitpid(holder, 0)
        if isinstance(error, OSError):
            raise obstacle(str(error)) from None
        raise
    return Namespaces(holder, kept, found)


def _has_own(holder: int, name: str) -> bool:
    return os.readlink(f"/proc/{holder}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}")


def _hold(ours: socket.socket) -> None:
    uid, gid = os.geteuid(), os.getegid()
    try:
        system_calls.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS)
    except OSError:
        if uid != 0:
            raise
        system_calls.unshare(CLONE_NEWNET | CLONE_NEWNS)
    else:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {uid} 1")
        _write("/proc/self/gid_map", f"{gid} {gid} 1")
    # from here on no mount of ours is seen outside, and none of those outside changes what is seen here
    system_calls.mount("none", "/", None, MS_REC | MS_PRIVATE)
    ours.send(_DONE)
    ours.recv(1)


def _work_inside(namespaces: Namespaces, work: Callable[[], Sequence[int]], ours: socket.socket) -> None:
    namespaces.enter()
    socket.send_fds(ours, [_DONE], work())


def _fork(work: Callable[[socket.socket], None]) -> tuple[int, socket.socket]:
    """A process that does `work` with one end of a socket, and ends; the other end is for us."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        _report(work, theirs)
    theirs.close()
    return pid, ours


def _report(work: Callable[[socket.socket], None], ours: socket.socket) -> NoReturn:
    try:
        work(ours)
        os._exit(0)
    except KeylessError as error:
        ours.send(error.message.encode()[:_MAX_MESSAGE])
    except Exception as error:
        ours.send(obstacle(str(error)).message.encode()[:_MAX_MESSAGE])
    finally:
        os._exit(1)


def _hear(connection: socket.socket) -> list[int]:
    """The descriptors that a process inside has to give; raises what it complains about."""
    message, descriptors, _, _ = socket.recv_fds(connection, _MAX_MESSAGE, _MAX_DESCRIPTORS)
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    if message != _DONE:
        said = message.decode() or obstacle("a process inside ended").message
        raise KeylessError(ErrorKind.UNSUPPORTED, said)
    return descriptors


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)

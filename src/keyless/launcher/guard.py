"""The guard: a small process between the launcher and the child, so that no descendant outlives a killed launcher.

It is the child's parent and, on Linux, the one to whom orphans among its descendants fall. It starts the child, takes
signals for it from the launcher (only a parent can signal without ever hitting a recycled process ID), tells the
launcher how it ended, and stops and continues the launcher along with it, so that a shell's job control works.
When the launcher is gone, it kills all descendants until none is left.

Forked before the launcher has threads or an event loop. Must not hold a token or touch the terminal.
Source: prctl(2), PR_SET_CHILD_SUBREAPER and PR_SET_PDEATHSIG; wait(2); glibc manual, "Implementing a Job Control
Shell".
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from keyless.launcher.usage import complain

#: The exit statuses that shells use for a command that they cannot start.
NOT_FOUND = 127
NOT_EXECUTABLE = 126

#: How the child ended, as wait(2) says it.
ENDING = struct.Struct("=i")

#: A process that nobody can kill (another user's) must not keep the guard for ever.
KILLING_SECONDS = 30.0

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def run_guard(
    control: socket.socket,
    launcher: int,
    *,
    command: Sequence[str],
    environ: Mapping[str, str],
    mask: Iterable[int],
    enter: Callable[[], None],
    clean_up: Callable[[], None],
) -> None:
    """Be the guard of process `launcher` until the child or the launcher has ended; then `clean_up`.

    `control` takes one byte per signal for the child, and gives one `ENDING`. Signals are blocked here; the child gets
    the signal mask `mask`, and does `enter` before anything else.
    """
    prctl = _prctl()
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    waking, wake = socket.socketpair()
    wake.setblocking(False)
    former = signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        enter()  # first: to change one's privileges is to lose the signal of the parent's death
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == guard:
            signal.signal(signal.SIGCHLD, former or signal.SIG_DFL)
            _become(command, environ, mask)
        os._exit(1)
    # in a group of its own, neither the terminal nor a kill of the whole job reaches it
    with suppress(OSError):
        os.setpgid(0, 0)
    status = _Watch(control, waking, launcher, child).until_the_end()
    if status is None:
        _kill_descendants(child)
    else:
        with suppress(OSError):
            control.send(ENDING.pack(status))
            # the launcher still serves what the child said last, and needs what is to be cleaned up
            while control.recv(64):
                pass
    clean_up()


class _Watch:
    """The guard's loop."""

    def __init__(self, control: socket.socket, waking: socket.socket, launcher: int, child: int) -> None:
        self._control = control
        self._waking = waking
        self._launcher = launcher
        self._child = child
        self._stopped = False

    def until_the_end(self) -> int | None:
        """The child's wait status, or None when the launcher is gone."""
        while True:
            ready, _, _ = select.select([self._control, self._waking], [], [])
            if self._waking in ready:
                self._waking.recv(4096)
                status = self._reap()
                if status is not None:
                    return status
            if self._control in ready:
                try:
                    numbers = self._control.recv(64)
                except OSError:
                    numbers = b""
                if not numbers:
                    return None
                for number in numbers:
                    self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        # after `fg` the shell has continued the whole group already: once is enough
        if number != signal.SIGCONT or self._stopped:
            with suppress(OSError):
                os.kill(self._child, number)

    def _reap(self) -> int | None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            except ChildProcessError:
                return None
            if pid == 0:
                return None
            if pid != self._child:  # an orphan that fell to us
                continue
            if os.WIFSTOPPED(status) or os.WIFCONTINUED(status):
                self._stopped = os.WIFSTOPPED(status)
                self._follow()
            else:
                return status

    def _follow(self) -> None:
        # the launcher's own shell watches the launcher, not the child
        if os.getppid() == self._launcher:
            os.kill(self._launcher, signal.SIGSTOP if self._stopped else signal.SIGCONT)


def _become(command: Sequence[str], environ: Mapping[str, str], mask: Iterable[int]) -> None:
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these, and the child would inherit that
        signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        os.execvpe(command[0], list(command), environ)  # noqa: S606
    except OSError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        why = "command not found" if missing else (error.strerror or "cannot be executed")
        complain(f"{command[0]}: {why}")
        os._exit(NOT_FOUND if missing else NOT_EXECUTABLE)


def _kill_descendants(child: int) -> None:
    deadline = time.monotonic() + KILLING_SECONDS
    pause = 0.001
    while time.monotonic() < deadline:
        for pid in _descendants() or [child]:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(pause)
        pause = min(2 * pause, 0.25)


def _descendants() -> list[int]:
    """All processes below this one; empty where there is no /proc."""
    children: dict[int, list[int]] = {}
    with suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit() and (parent := _parent(name)):
                children.setdefault(parent, []).append(int(name))
    found = list(children.get(os.getpid(), ()))
    for pid in found:  # it grows while it is walked
        found.extend(children.get(pid, ()))
    return found


def _parent(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # the name in parentheses may hold anything; state and parent follow the last one
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _prctl() -> Callable[[int, int], object]:
    if sys.platform != "linux":
        return lambda option, value: None
    import ctypes  # noqa: PLC0415

    prctl = ctypes.CDLL(None).prctl
    zero = ctypes.c_ulong(0)
    return lambda option, value: prctl(option, ctypes.c_ulong(value), zero, zero, zero)

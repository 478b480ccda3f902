"""The child as the launcher sees it: started through a guard, sent signals, waited for, and imitated in its end.

The terminal belongs to the child: it is in the launcher's process group and inherits standard input, output and
error. What the kernel sends to the whole group (Ctrl-C, Ctrl-Z, a resized or closed terminal) reaches the child without
help; what somebody sends to the launcher alone is passed on. On Linux the two are told apart by who sent the signal;
elsewhere signals that a terminal can send are never passed on. Somebody who signals the whole group by hand sends the
child the signal twice.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import NamedTuple, NoReturn

from keyless.launcher.guard import ENDING, NOT_EXECUTABLE, run_guard
from keyless.launcher.usage import complain

#: Taken by the launcher, each to be passed on or not.
PASSED_ON = frozenset(
    {
        signal.SIGCONT,
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        signal.SIGTSTP,
        signal.SIGTTIN,
        signal.SIGTTOU,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGWINCH,
    }
)
_OF_A_TERMINAL = PASSED_ON - {signal.SIGCONT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}

#: What wait(2) says of a process that SIGKILL ended.
_KILLED = int(signal.SIGKILL)


class Guarded(NamedTuple):
    """The guard's process ID, and the socket that speaks with it."""

    pid: int
    control: socket.socket


def hold_signals() -> Iterable[int]:
    """Keep signals waiting from here on; returns the signal mask that there was, for the child."""
    return signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)


def start_child(
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    mask: Iterable[int],
    enter: Callable[[], None],
    clean_up: Callable[[], None],
    ours: Iterable[socket.socket],
) -> Guarded:
    """Start `command` under a guard, which does `clean_up` in the end and must not keep the sockets `ours` open.

    `enter` takes the child to where it runs, before it becomes the command.
    """
    control, guards_end = socket.socketpair()
    launcher = os.getpid()
    pid = os.fork()
    if pid:
        guards_end.close()
        control.setblocking(False)
        return Guarded(pid, control)
    try:
        control.close()
        for connection in ours:
            connection.close()
        run_guard(guards_end, launcher, command=command, environ=environ, mask=mask, enter=enter, clean_up=clean_up)
        os._exit(0)
    except Exception as error:
        complain(f"{command[0]} could not be started or guarded: {error}")
    finally:
        os._exit(NOT_EXECUTABLE)


def read_ending(message: bytes) -> int:
    """The child's wait status from what the guard said; a guard that died silently took the child with it."""
    return ENDING.unpack(message)[0] if len(message) == ENDING.size else _KILLED


def pass_signals_on(guarded: Guarded) -> None:
    """From now on give the guard, from a thread of its own, each signal that the child did not get by itself."""
    Thread(target=_pass_signals_on, args=(guarded.control,), daemon=True).start()


def _pass_signals_on(control: socket.socket) -> None:
    while True:
        number = _next_signal()
        if number:
            with suppress(OSError):
                control.send(bytes([number]))


if sys.platform == "linux":

    def _next_signal() -> int:
        """Wait for a signal; 0 when the child got it too: those that the kernel sends go to the whole group."""
        arrived = signal.sigwaitinfo(PASSED_ON)
        # but that a terminal is gone is told to the leader of its session only
        alone = arrived.si_signo == signal.SIGHUP and os.getsid(0) == os.getpid()
        return arrived.si_signo if arrived.si_code <= 0 or alone else 0

else:

    def _next_signal() -> int:
        """Wait for a signal; 0 when the child may have got it too."""
        number = int(signal.sigwait(PASSED_ON))
        return 0 if number in _OF_A_TERMINAL else number


def end_like(status: int) -> NoReturn:
    """End this process as the child with wait status `status` ended, at once: a name lookup may still be under way.

    When a signal ended the child, the same signal ends this process, so that a shell sees what it would have seen;
    process 1 of a container, which signals cannot end so, exits with 128 and the signal's number.
    """
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        os._exit(code)
    import resource  # noqa: PLC0415

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the child's core is the one that tells something
    with suppress(OSError, ValueError):
        signal.signal(-code, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {-code})
    os.kill(os.getpid(), -code)
    os._exit(128 - code)

"""The way out of the network namespace: `pasta` or `slirp4netns`, whichever is installed.

Owns their arguments, and the process while the namespace lives. Nothing leads in, and the machine's own loopback is
not to be reached: it has other instances' ports. Source: pasta(1), slirp4netns(1).
"""

from __future__ import annotations

import os
import select
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

from keyless.launcher.isolation.system_calls import die_with_parent

READY_SECONDS = 10.0
NONE_INSTALLED = "install pasta (package passt) or slirp4netns for a way out"

_MAX_WORDS = 4096
#: From the holder's ID, the path of a pipe and a descriptor of it, which one writes to when it is ready.
_Arguments = Callable[[int, str, int], Sequence[str]]

_NOTHING_IN = ("-t", "none", "-u", "none")
_NOTHING_OF_LOOPBACK = ("-T", "none", "-U", "none", "--no-map-gw")


class Outbound(NamedTuple):
    """A running program that carries traffic; `process` is a descriptor that stands for it."""

    pid: int
    process: int

    def end(self) -> None:
        """Kill it. For whoever has the descriptor."""
        with suppress(OSError):
            signal.pidfd_send_signal(self.process, signal.SIGKILL)

    def close(self) -> None:
        """Wait for its end and let go of it. For its parent."""
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        os.close(self.process)


def open_way_out(holder: int, folder: str, environ: Mapping[str, str]) -> tuple[Outbound | None, str]:
    """Connect the network namespace of process `holder`; or nothing, and why.

    `folder` is where the program may put its files. Takes some 20 ms.
    """
    reason = NONE_INSTALLED
    for name, arguments in (("pasta", _pasta), ("slirp4netns", _slirp4netns)):
        program = shutil.which(name, path=environ.get("PATH", os.defpath))
        if program:
            outbound, complaint = _start(program, arguments, holder, f"{folder}/{name}")
            if outbound:
                return outbound, ""
            reason = f"{name} failed: {complaint}"
    return None, reason


def _pasta(holder: int, pipe: str, _: int) -> Sequence[str]:
    # as root it would become somebody who may not enter the namespace
    same_user = ("--runas", "0:0") if os.geteuid() == 0 else ()
    quiet = ("--foreground", "--quiet", "--no-netns-quit")
    return (*quiet, *same_user, "--config-net", *_NOTHING_IN, *_NOTHING_OF_LOOPBACK, "--pid", pipe, str(holder))


def _slirp4netns(holder: int, _: str, pipe: int) -> Sequence[str]:
    closed = ("--disable-host-loopback", "--disable-dns")
    return ("--configure", "--mtu=65520", *closed, f"--ready-fd={pipe}", str(holder), "tap0")


def _start(program: str, arguments: _Arguments, holder: int, files: str) -> tuple[Outbound | None, str]:
    """The program once it is ready; or nothing, and its last words."""
    os.mkfifo(f"{files}.ready", 0o600)
    ready = os.open(f"{files}.ready", os.O_RDWR | os.O_NONBLOCK)
    os.set_inheritable(ready, True)
    words = os.open(f"{files}.words", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    launcher = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become([program, *arguments(holder, f"{files}.ready", ready)], words, launcher)
    outbound = Outbound(pid, os.pidfd_open(pid))
    try:
        told, _, _ = select.select([ready, outbound.process], [], [], READY_SECONDS)
        if told == [ready]:
            return outbound, ""
        outbound.end()
        outbound.close()
        last = os.pread(words, _MAX_WORDS, 0).decode(errors="replace").strip().rpartition("\n")[2]
        return None, last or "it did not get ready"
    finally:
        os.close(ready)
        os.close(words)


def _become(command: Sequence[str], words: int, launcher: int) -> NoReturn:
    try:
        os.setsid()  # what the terminal sends is not for it
        die_with_parent(signal.SIGKILL)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # ignored by Python, which it would inherit
            signal.signal(number, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard, own in enumerate((nothing, nothing, words)):
            os.dup2(own, standard)
        if os.getppid() == launcher:
            os.execv(command[0], list(command))  # noqa: S606
    finally:
        os._exit(1)

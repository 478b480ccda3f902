"""The child and a real (pseudo) terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import shutil
import struct
import sys
import termios
import time
from collections.abc import AsyncIterator

import pytest

from tests.launcher.conftest import SOURCE, Started
from tests.launcher.test_run import is_alive, until


class Terminal:
    """A terminal with a program in it that leads the session."""

    def __init__(self) -> None:
        self.master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
        os.set_blocking(self.master, False)
        self.seen = ""
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, *command: str) -> asyncio.subprocess.Process:
        environ = {"PATH": os.environ["PATH"], "HOME": "/", "TERM": "dumb", "PS1": "$ ", "PYTHONPATH": SOURCE}
        self.process = await asyncio.create_subprocess_exec(
            *command,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env=environ,
        )
        os.close(self._slave)
        return self.process

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    async def see(self, pattern: str, seconds: float = 20) -> re.Match[str]:
        """Wait until `pattern` appears; what comes after it is kept for the next time."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < deadline, self.seen
            try:
                self.seen += os.read(self.master, 65536).decode()
            except BlockingIOError:
                await asyncio.sleep(0.01)
        self.seen = self.seen[found.end() :]
        return found


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    made = Terminal()
    yield made
    if made.process and made.process.returncode is None:
        made.process.kill()
        await made.process.wait()
    os.close(made.master)


def keyless_command(keyless_run: Started, *command: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "keyless", "run", "--app", "shop", "--data", str(keyless_run.data), "--", *command)


async def test_the_terminal_is_the_childs(keyless_run: Started, terminal: Terminal) -> None:
    program = (
        "import os, sys\n"
        "print(all(map(os.isatty, range(3))), os.get_terminal_size(), os.tcgetpgrp(0) == os.getpgrp())\n"
        "print('read', sys.stdin.readline())"
    )
    process = await terminal.start(*keyless_command(keyless_run, sys.executable, "-c", program))
    await terminal.see(r"True os.terminal_size\(columns=77, lines=33\) True")
    terminal.type("a line\n")
    await terminal.see("read a line")
    assert await process.wait() == 0


async def test_ctrl_c_reaches_the_child_once_and_spares_the_launcher(keyless_run: Started, terminal: Terminal) -> None:
    program = (
        "import signal, time\n"
        "got = []\n"
        "signal.signal(signal.SIGINT, lambda *_: got.append(1))\n"
        "signal.signal(signal.SIGWINCH, lambda *_: got.append(100))\n"
        "print('ready', flush=True)\n"
        "while sum(got) < 101: time.sleep(0.01)\n"
        "time.sleep(0.2)\n"  # a second one would come now
        "print('sum', sum(got))"
    )
    process = await terminal.start(*keyless_command(keyless_run, sys.executable, "-c", program))
    await terminal.see("ready")
    terminal.type("\x03")
    fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 88, 0, 0))
    await terminal.see(r"sum 101\b")
    assert await process.wait() == 0


async def test_ctrl_c_ends_both_when_the_child_lets_it(keyless_run: Started, terminal: Terminal) -> None:
    process = await terminal.start(*keyless_command(keyless_run, "sh", "-c", "echo ready; exec sleep 60"))
    await terminal.see("ready")
    terminal.type("\x03")
    assert await asyncio.wait_for(process.wait(), 10) == -2


async def test_a_terminal_that_is_closed_ends_everything(keyless_run: Started, terminal: Terminal) -> None:
    process = await terminal.start(*keyless_command(keyless_run, "sh", "-c", "echo pid $$.; exec sleep 60"))
    child = int((await terminal.see(r"pid (\d+)\."))[1])
    os.dup2(os.open(os.devnull, os.O_RDONLY), terminal.master)
    await until(lambda: not is_alive(child))
    assert await asyncio.wait_for(process.wait(), 10) == -1


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
async def test_job_control(keyless_run: Started, terminal: Terminal) -> None:
    program = (
        "import os; print('pid', os.getpid(), os.getppid(), '.', flush=True); [print('got', input()) for _ in '12']"
    )
    await terminal.start("bash", "--norc", "--noprofile", "-i")
    await terminal.see(r"\$ ")
    command = keyless_command(keyless_run, sys.executable, "-c", program)
    terminal.type(" ".join(f"'{word.replace(chr(39), chr(34))}'" for word in command) + "; echo ended $?.\n")
    child, guard = map(int, (await terminal.see(r"pid (\d+) (\d+) \.\r\n")).groups())
    launcher = parent(guard)
    for _ in range(2):  # stopped twice, continued twice
        terminal.type("\x1a")
        await terminal.see(r"Stopped")
        assert (state(child), state(launcher), state(guard)) == ("T", "T", "S")
        terminal.type("fg\n")
        await terminal.see("keyless run|-m")
        await until(lambda: (state(child), state(launcher)) == ("S", "S"))
        terminal.type("hello\n")
        await terminal.see("got hello")
    await terminal.see(r"ended|\$ ")
    terminal.type("exit\n")


def state(pid: int) -> str:
    return stat(pid)[0]


def parent(pid: int) -> int:
    return int(stat(pid)[1])


def stat(pid: int) -> list[str]:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()

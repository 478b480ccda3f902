"""The process at the other end: told by the kernel, held, and never mistaken for another one of the same number."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import keyless
from keyless.model.errors import ErrorKind, KeylessError
from keyless.workload.attestation import Credentials, LinuxKernel, attest
from tests.other_users import needs_root

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who is at the other end")


@dataclass
class FakeKernel:
    """A kernel in which one process has ended at a moment of the test's choice."""

    pid: int = 4711
    uid: int = 1001
    has_peer_pidfd: bool = True
    #: Answers to the questions of when the process began; the last one stays.
    starts: list[tuple[str, int]] = field(default_factory=lambda: [("100", 1001)])
    ends_after: str = ""
    opened: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def _ask(self, what: str) -> None:
        if self.ends_after and self.ends_after in self.asked:
            raise ProcessLookupError
        self.asked.append(what)

    def credentials(self, _connection: socket.socket) -> Credentials:
        self._ask("credentials")
        return Credentials(self.pid, self.uid, frozenset({1001}))

    def _pidfd(self) -> int:
        self.opened.append(os.open("/dev/null", os.O_RDONLY))
        return self.opened[-1]

    def peer(self, _connection: socket.socket) -> int | None:
        self._ask("peer")
        return self._pidfd() if self.has_peer_pidfd else None

    def open(self, _pid: int) -> int:
        self._ask("open")
        return self._pidfd()

    def started(self, _pid: int) -> tuple[str, int]:
        self._ask("started")
        return self.starts.pop(0) if len(self.starts) > 1 else self.starts[0]

    def cgroup(self, _pid: int) -> str:
        self._ask("cgroup")
        return "/shop.service"

    def is_alive(self, _pidfd: int) -> bool:
        return not (self.ends_after and self.ends_after in self.asked)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def refusal(kernel: FakeKernel) -> str:
    with socket.socket() as connection, pytest.raises(KeylessError) as refused:
        attest(connection, kernel)
    assert (refused.value.kind, refused.value.code) == (ErrorKind.FORBIDDEN, "ProcessUnknown")
    assert not any(map(is_open, kernel.opened)), "a descriptor was left open"
    return refused.value.message


def test_what_is_told_of_a_process() -> None:
    for has_peer_pidfd in (True, False):
        kernel = FakeKernel(has_peer_pidfd=has_peer_pidfd)
        with socket.socket() as connection:
            process = attest(connection, kernel)
        assert process.evidence.uid == 1001
        assert process.evidence.cgroup == "/shop.service"
        assert process.is_alive()
        process.close()
        assert not any(map(is_open, kernel.opened))


@pytest.mark.parametrize("moment", ["credentials", "peer", "cgroup"])
def test_a_process_that_ends_meanwhile_is_refused(moment: str) -> None:
    assert "it has ended" in refusal(FakeKernel(ends_after=moment))


@pytest.mark.parametrize("moment", ["started", "open", "cgroup"])
def test_the_same_on_an_older_kernel(moment: str) -> None:
    assert "The process at the other end cannot be told" in refusal(FakeKernel(has_peer_pidfd=False, ends_after=moment))


def test_a_number_that_has_come_to_another_process_is_refused() -> None:
    recycled = FakeKernel(has_peer_pidfd=False, starts=[("100", 1001), ("200", 1001)])
    assert "its number belongs to another process by now" in refusal(recycled)
    somebody_elses = FakeKernel(has_peer_pidfd=False, starts=[("200", 1002)])
    assert "its number belongs to another process by now" in refusal(somebody_elses)


def test_a_process_that_cannot_be_seen_is_refused() -> None:
    assert "sees no processes" in refusal(FakeKernel(pid=0))


def test_the_running_kernel_knows_us() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = attest(ours, LinuxKernel())
    evidence = process.evidence
    assert (evidence.pid, evidence.uid) == (os.getpid(), os.geteuid())
    assert {os.getegid(), *os.getgroups()} == evidence.gids
    assert f"0::{evidence.cgroup}" in Path("/proc/self/cgroup").read_text().splitlines() or not evidence.cgroup
    assert process.is_same_as(process)
    process.close()


#: In a process namespace of its own: a process connects and leaves its connection to another; then a third gets its
#: number. Prints what is told of the connection before, and after, with and without SO_PEERPIDFD.
RECYCLING = """
import os, socket, sys
from keyless.model.errors import KeylessError
from keyless.workload.attestation import LinuxKernel, attest

class Older(LinuxKernel):
    def peer(self, connection):
        return None

def told(kernel):
    try:
        process = attest(connection, kernel)
    except KeylessError as error:
        return error.code
    process.close()
    return "known"

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
go, wait = os.pipe(), os.pipe()
first = os.fork()
if first == 0:
    client = socket.socket(socket.AF_UNIX)
    client.connect(sys.argv[1])
    if os.fork() == 0:  # it keeps the connection when the one that made it is gone
        os.setsid()
        os.read(wait[0], 1)
        os._exit(0)
    os.read(go[0], 1)
    os._exit(0)
connection, _ = listener.accept()
print(told(LinuxKernel()), told(Older()))
os.write(go[1], b"x")
os.waitpid(first, 0)
print(told(LinuxKernel()), told(Older()))
with open("/proc/sys/kernel/ns_last_pid", "w") as last:
    last.write(str(first - 1))
second = os.fork()
if second == 0:
    os.read(wait[0], 1)
    os._exit(0)
assert second == first, "the number was not recycled"
print(told(LinuxKernel()))
os.write(wait[1], b"xx")
"""


@needs_root
def test_a_recycled_number_gains_nothing(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if not unshare:
        pytest.skip("needs unshare")
    done = subprocess.run(
        [unshare, "--pid", "--fork", "--mount-proc", sys.executable, "-c", RECYCLING, str(tmp_path / "socket")],
        env={**os.environ, "PYTHONPATH": str(Path(keyless.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["known known", "ProcessUnknown ProcessUnknown", "ProcessUnknown"]

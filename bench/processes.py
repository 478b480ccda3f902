"""What the kernel tells of processes (CPU time, memory), and which core they run on. Needs Linux, for `/proc`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_CORES = sorted(os.sched_getaffinity(0))
#: Where a server runs, and where the load on it: so neither takes the other's time, if there are two cores.
SERVER_CORE, LOAD_CORE = _CORES[0], _CORES[-1]


def cpu_seconds(*pids: int) -> float:
    """CPU time that these processes, all their threads included, have taken."""
    return sum(_cpu_seconds(pid) for pid in pids)


def _cpu_seconds(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICK


def resident_mib(pid: int, *, peak: bool = False) -> float:
    """Resident memory now, or the most since `forget_peak`."""
    field = "VmHWM:" if peak else "VmRSS:"
    return int(Path(f"/proc/{pid}/status").read_text().partition(field)[2].split()[0]) / 1024


def forget_peak(pid: int) -> None:
    """Begin to look for the most memory anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """What is started inside runs on this core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)

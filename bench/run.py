"""`make bench`: measure keyless and its peers in one run, print a table, and write it to `docs/performance.md`.

Each server runs on one core and its load on another. What counts is CPU time for a request, and ratios: rates depend
on what else the machine does. Needs Linux. `BENCH_SECONDS` is how long each load runs; `BENCH_ONLY` names the
sections to run, and then nothing is written.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.harness import Owner, RunningServer, running_server

from bench import peers
from bench.databases import databases
from bench.figures import Line, amounts, as_text, write_table
from bench.processes import LOAD_CORE, SERVER_CORE, cpu_seconds, on_core, resident_mib
from bench.served import APP, AZURITE, Bench, blobs, identity, secrets

SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_STARTS = 5
_IDLE_SECONDS = 2.0
_SECTIONS = {"starts", "growth", "identity", "secrets", "blobs", "credentials", "databases"}


def main() -> None:
    """Measure everything, or the sections that are named."""
    only = set(os.environ.get("BENCH_ONLY", "").split()) or _SECTIONS
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="keyless-bench-") as name:
        for line in _measure(Path(name), only):
            print(as_text(line), flush=True)
            lines.append(line)
    if only == _SECTIONS:
        write_table(PAGE, lines, under=_surroundings())


def _measure(folder: Path, only: set[str]) -> Iterator[Line]:
    tls = peers.make_certificate(folder)
    if "starts" in only:
        yield from _starts(folder, tls)
    if "growth" in only:
        yield _growth()
    if "databases" in only:
        yield from databases(folder / "databases")
    with _running(folder, KEYLESS_TOKEN_RATE="100000") as server:
        owner = Owner(server)
        bench = Bench(server, owner, folder, tls, SECONDS)
        bench.prepare()
        sections: tuple[Callable[[Bench], Iterator[Line]], ...] = (identity, secrets, blobs, credentials)
        for section in sections:
            if section.__name__ in only:
                yield from section(bench)
        yield amounts("memory after all of this load", "MiB", resident_mib(bench.pid))
        owner.close()


@contextmanager
def _running(folder: Path, **settings: str) -> Iterator[RunningServer]:
    with ExitStack() as until:
        with on_core(SERVER_CORE):
            server = until.enter_context(running_server(folder, **settings))
        yield server


def _surroundings() -> str:
    apart = "on one core, its load on another" if SERVER_CORE != LOAD_CORE else "and load on the same core"
    return (
        f"{time.strftime('%B %Y')}, CPython {platform.python_version()}, each server {apart}, "
        f"{SECONDS:g} seconds for each load."
    )


def _starts(folder: Path, tls: peers.Certificate) -> Iterator[Line]:
    """From the start of the process until it says that it is ready; then its memory."""
    first, start, cpu, memory = _medians(_start(folder / f"start-{number}") for number in range(_STARTS))
    told = AZURITE
    theirs: tuple[float | None, ...] = (None, None, None)
    try:
        theirs = _medians(_azurite_start(folder / f"azurite-{number}", tls) for number in range(_STARTS))
    except peers.Missing as missing:
        told = f"{AZURITE} was not there: {missing}"
    yield amounts("first start of an instance to ready", "ms", first)
    yield amounts("start to ready", "ms", start, theirs[0], told, "≤ 500 ms")
    yield amounts("start to ready: CPU time", "ms", cpu, theirs[1], told)
    yield amounts("memory, idle", "MiB", memory, theirs[2], told, "≤ 80 MiB")


def _medians(rounds: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(statistics.median(values) for values in zip(*rounds, strict=True))


def _start(folder: Path) -> tuple[float, ...]:
    """The first and the second start of an instance in ms, the CPU time of that, and its memory then in MiB."""
    folder.mkdir()
    began = time.perf_counter()
    with _running(folder) as server:
        first = time.perf_counter() - began
        server.stop()
        began = time.perf_counter()
        with on_core(SERVER_CORE):
            server.start()
        second = time.perf_counter() - began
        assert server.process is not None
        cpu = cpu_seconds(server.process.pid)
        time.sleep(_IDLE_SECONDS)
        return first * 1e3, second * 1e3, cpu * 1e3, resident_mib(server.process.pid)


def _azurite_start(folder: Path, tls: peers.Certificate) -> tuple[float, ...]:
    with peers.azurite(folder, tls) as peer:
        time.sleep(_IDLE_SECONDS)
        return peer.started, peer.cpu, resident_mib(peer.pid)


def _growth() -> Line:
    found = _output_of(sys.executable, "-m", "bench.growth")
    few, many = found["few"], found["many"]
    times = f"{many / few:.2f} × the time"
    what = "decision among 1,000,000 role assignments"
    return Line(what, f"{many:.1f} µs", f"{few:.1f} µs", times, "≤ 1.2 × the time", "keyless among 100")


def _output_of(*command: str) -> dict[str, float]:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def credentials(bench: Bench) -> Iterator[Line]:
    """Of an application: the first token, and one that is held already."""
    done = bench.server.keyless("run", "--app", APP, "--", sys.executable, "-m", "bench.credentials", timeout=300)
    if done.returncode:
        raise SystemExit(done.stderr)
    found = json.loads(done.stdout)
    for key, what, unit, target in (
        ("first", "first token of a process", "ms", "≥ 5 ×"),
        ("cached", "token that the credential holds", "µs", "≥ 15 ×"),
    ):
        ours, theirs = found[key]["keyless"], found[key]["azure-identity"]
        yield amounts(what, unit, ours, theirs, "azure-identity's `DefaultAzureCredential`", target)


if __name__ == "__main__":
    main()

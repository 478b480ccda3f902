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
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.harness import Owner, running_server

from bench import peers
from bench.figures import Line, amounts, as_text, write_table
from bench.processes import LOAD_CORE, SERVER_CORE, on_core, resident_mib
from bench.served import APP, AZURITE, Bench, blobs, identity, secrets

SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_STARTS = 5
_IDLE_SECONDS = 2.0
_ALWAYS = {"starts", "growth", "identity", "secrets", "blobs", "credentials"}


def main() -> None:
    """Measure everything, or the sections that are named."""
    only = set(os.environ.get("BENCH_ONLY", "").split()) or _ALWAYS
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="keyless-bench-") as name:
        for line in _measure(Path(name), only):
            print(as_text(line), flush=True)
            lines.append(line)
    if only == _ALWAYS:
        write_table(PAGE, lines, under=_surroundings())


def _measure(folder: Path, only: set[str]) -> Iterator[Line]:
    tls = peers.make_certificate(folder)
    if "starts" in only:
        yield from _starts(folder, tls)
    if "growth" in only:
        yield _growth()
    with on_core(SERVER_CORE):
        running = running_server(folder, KEYLESS_TOKEN_RATE="100000")
        server = running.__enter__()
    try:
        owner = Owner(server)
        bench = Bench(server, owner, folder, tls, SECONDS)
        bench.prepare()
        sections: tuple[Callable[[Bench], Iterator[Line]], ...] = (identity, secrets, blobs, _credentials)
        for section in sections:
            if section.__name__.strip("_") in only:
                yield from section(bench)
        yield amounts("memory after all of this load", "MiB", resident_mib(bench.pid))
        owner.close()
    finally:
        running.__exit__(None, None, None)


def _surroundings() -> str:
    apart = "on one core, its load on another" if SERVER_CORE != LOAD_CORE else "and load on the same core"
    return (
        f"{time.strftime('%B %Y')}, CPython {platform.python_version()}, each server {apart}, "
        f"{SECONDS:g} seconds for each load."
    )


def _starts(folder: Path, tls: peers.Certificate) -> Iterator[Line]:
    """From the start of the process until it says that it is ready; then its memory."""
    firsts, later, memory = zip(*(_start(folder / f"start-{number}") for number in range(_STARTS)), strict=True)
    theirs: list[tuple[float, float]] = []
    told = AZURITE
    try:
        for number in range(_STARTS):
            with peers.azurite(folder / f"azurite-start-{number}", tls) as peer:
                time.sleep(_IDLE_SECONDS)
                theirs.append((peer.started, resident_mib(peer.pid)))
    except peers.Missing as missing:
        told = f"{AZURITE} was not there: {missing}"
    started, idle = (statistics.median(times) for times in zip(*theirs, strict=True)) if theirs else (None, None)
    yield amounts("first start of an instance to ready", "ms", statistics.median(firsts))
    yield amounts("start to ready", "ms", statistics.median(later), started, told, "≤ 500 ms")
    yield amounts("memory, idle", "MiB", statistics.median(memory), idle, told, "≤ 80 MiB")


def _start(folder: Path) -> tuple[float, float, float]:
    """The first and the second start of an instance in ms, and its memory then in MiB."""
    folder.mkdir()
    began = time.perf_counter()
    with running_server(folder) as server:
        first = time.perf_counter() - began
        server.stop()
        began = time.perf_counter()
        server.start()
        second = time.perf_counter() - began
        assert server.process is not None
        time.sleep(_IDLE_SECONDS)
        return first * 1e3, second * 1e3, resident_mib(server.process.pid)


def _growth() -> Line:
    found = _output_of(sys.executable, "-m", "bench.growth")
    few, many = found["few"], found["many"]
    times = f"{many / few:.2f} × the time"
    what = "decision among 1,000,000 role assignments"
    return Line(what, f"{many:.1f} µs", f"{few:.1f} µs", times, "≤ 1.2 × the time", "keyless among 100")


def _output_of(*command: str) -> dict[str, float]:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def _credentials(bench: Bench) -> Iterator[Line]:
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

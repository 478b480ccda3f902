"""What was measured, as lines of a table; the tables of `docs/performance.md`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

#: The table fills the section of this heading; the next one begins what stays.
_HEADING, _NEXT = "## Figures\n", "\n## "


@dataclass(frozen=True)
class Served:
    """What one server did under one load: CPU time for a request in µs, and requests a second."""

    micros: float
    rate: float = 0.0

    def __str__(self) -> str:
        return f"{_short(self.micros)} µs" + (f", {_short(self.rate)}/s" if self.rate else "")


@dataclass(frozen=True)
class Line:
    """One line: ours beside a peer's; `better` says how many times ours is better, `target` what it should be."""

    what: str
    ours: str
    peer: str = ""
    better: str = ""
    target: str = ""
    peer_name: str = ""

    def cells(self) -> tuple[str, ...]:
        return (self.what, self.ours, self.peer, self.better, self.target, self.peer_name)


_HEAD = Line("", "keyless", "peer", "keyless is better", "target", "the peer")


def requests(what: str, ours: Served, peer: Served | None = None, peer_name: str = "", target: str = "") -> Line:
    """A line of requests: how many times less CPU time, and how many times more requests a second."""
    if peer is None:
        return Line(what, str(ours), target=target, peer_name=peer_name)
    better = f"{_short(peer.micros / ours.micros)} × by CPU"
    if ours.rate and peer.rate:
        better += f", {_short(ours.rate / peer.rate)} × by rate"
    return Line(what, str(ours), str(peer), better, target, peer_name)


def amounts(
    what: str, unit: str, ours: float, peer: float | None = None, peer_name: str = "", target: str = ""
) -> Line:
    """A line of something of which less is better."""
    if peer is None:
        return Line(what, f"{_short(ours)} {unit}", target=target, peer_name=peer_name)
    return Line(what, f"{_short(ours)} {unit}", f"{_short(peer)} {unit}", f"{_short(peer / ours)} ×", target, peer_name)


def as_text(line: Line) -> str:
    """For a terminal."""
    what, ours, peer, better, target, peer_name = line.cells()
    told = (f"{name} {value}" for name, value in (("target:", target), ("peer:", peer_name)) if value)
    return f"{what:<46} {ours:>22} {peer:>22}  {better:<32} {'; '.join(told)}".rstrip()


def write_table(page: Path, lines: Iterable[Line], *, under: str) -> None:
    """Put a table in the place that `page` has for it, under a sentence on what was measured where."""
    rows = [_HEAD.cells(), ("---",) * len(_HEAD.cells()), *(line.cells() for line in lines)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    before, _, rest = page.read_text().partition(_HEADING)
    after = rest.partition(_NEXT)[2]
    page.write_text(f"{before}{_HEADING}\n{under}\n\n{table}\n{_NEXT}{after}")


def _short(number: float) -> str:
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"

"""What `docs/sql-compatibility.md` says of a run, and what the run gave: they have to agree.

Owns the document's shape: below a heading a line with the counts, and a table of the tests that fail with the reasons.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

DOCUMENT = Path(__file__).parents[2] / "docs" / "sql-compatibility.md"


@dataclass(frozen=True)
class Found:
    """How many tests ended how, and which did not pass: names without parameters, or the classes that they are in."""

    passed: int
    failed: int
    skipped: int
    failing: frozenset[str]

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def read_junit(report: Path, *, by_class: bool = False) -> Found:
    """From a report of pytest's; a class goes by its name in front of what SQLAlchemy adds for a database."""
    ended: Counter[str] = Counter()
    failing = set()
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        outcome = next((child.tag for child in case if child.tag in {"failure", "error", "skipped"}), "passed")
        ended["failed" if outcome in {"failure", "error"} else outcome] += 1
        if outcome in {"failure", "error"}:
            name = case.attrib["classname"].split(".")[1].split("_")[0] if by_class else case.attrib["name"]
            failing.add(name.split("[")[0])
    return Found(ended["passed"], ended["failed"], ended["skipped"], frozenset(failing))


def said(heading: str) -> tuple[str, dict[str, str]]:
    """The counts below a heading of the document, and the failing tests with their reasons."""
    parts = re.split(r"^## ", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    section = next(part for part in parts if part.startswith(heading + "\n"))
    counts = re.search(r"\d+ passed, \d+ failed, \d+ skipped", section)
    reasons = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, flags=re.MULTILINE))
    return counts[0] if counts else "", reasons


def check(heading: str, found: Found) -> None:
    """What was found is what the document says; prints it."""
    print(f"\n{heading}: {found}")
    counts, reasons = said(heading)
    new, mended = found.failing - reasons.keys(), reasons.keys() - found.failing
    assert not new, f"these fail and are not listed below {heading!r} in {DOCUMENT.name}: {sorted(new)}"
    assert not mended, f"these pass now, so {DOCUMENT.name} has to say so: {sorted(mended)}"
    assert counts == str(found), f"{DOCUMENT.name} says {counts!r}"

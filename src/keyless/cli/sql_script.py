"""Statements as a person hands them over: batches, which `GO` on a line of its own ends.

Owns finding those lines. Must not know any other statement.
Source: SQL Server utilities statements, "GO".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: What may hold a line that is no separator: texts, names and comments; one that has no end goes to the end.
_PART = re.compile(
    r"""'(?:[^']|'')*'? | "[^"]*"? | \[[^\]]*\]? | --[^\n]* | /\*.*?(?:\*/|\Z)
    | ^[ \t]*GO(?:[ \t]+(?P<count>\d{1,6}))?[ \t]*(?:--[^\n]*)?\r?$(?P<go>)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Batch:
    """A batch, and how many lines stand before it."""

    text: str
    line: int


def batches(script: str) -> Iterator[Batch]:
    """The batches of a script, as often as each is to run (`GO 5`); those that say nothing are left out."""
    at = 0
    for part in _PART.finditer(script):
        if part["go"] is not None:
            yield from _batch(script, at, part.start(), int(part["count"] or 1))
            at = part.end()
    yield from _batch(script, at, len(script), 1)


def _batch(script: str, start: int, end: int, times: int) -> Iterator[Batch]:
    text = script[start:end]
    if text.strip():
        for _ in range(times):
            yield Batch(text, script.count("\n", 0, start))

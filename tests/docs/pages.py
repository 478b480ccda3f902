"""The documentation as the tests read it: pages, fenced blocks, and the shell commands in them.

A comment before a block says what it is to the tests: `run`, `run: fails`, `prints`, `file: NAME`. Other blocks are for
people only.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = tuple(sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]))

_BLOCK = re.compile(
    r"(?:^<!-- (?P<marker>[^>]+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_MARKER = re.compile(r"^<!-- (.+) -->$", re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_OPERATORS = "();<>|&\n"


@dataclass(frozen=True)
class Block:
    """A fenced block. `marker` is what the comment before it says."""

    page: str
    line: int
    language: str
    marker: str
    text: str


def name_of(page: Path) -> str:
    """The page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text()
    return [
        Block(name_of(page), text.count("\n", 0, m.start("text")), m["language"], m["marker"] or "", m["text"])
        for m in _BLOCK.finditer(text)
    ]


def markers(page: Path) -> list[str]:
    """Every comment of a page, whether a block follows it or not."""
    return _MARKER.findall(page.read_text())


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _BLOCK.sub("", page.read_text())


def spans(page: Path) -> list[str]:
    """The code in a page's prose."""
    return _SPAN.findall(prose(page))


def commands(script: str) -> Iterator[list[str]]:
    """The simple commands of a shell script and of any `sh -c '…'` in it, as words.

    Without redirections and assignments.
    """
    joined = re.sub(r"(?m)(^|\s)#\s.*$", "", script.replace("\\\n", " "))
    lexer = shlex.shlex(joined, posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    words: list[str] = []
    redirected = False
    for token in [*lexer, "\n"]:
        if redirected:
            redirected = False
        elif not set(token) <= set(_OPERATORS):
            words.append(token)
        elif set(token) <= set("<>&") and token != "&&":
            redirected = True
        else:
            yield from _command(words)
            words = []


def _command(words: list[str]) -> Iterator[list[str]]:
    while words and re.fullmatch(r"\w+=.*|!|if|then|else|do|\{", words[0], re.DOTALL):
        words = words[1:]
    if words:
        yield words
    if "-c" in words[:-1] and "sh" in words:
        yield from commands(words[words.index("-c") + 1])

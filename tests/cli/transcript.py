"""Transcripts: what a person types, and what comes back, as text that reads like a terminal.

    $ keyless vault create shop           a command, run against a real server
    $ printf 'hunter2\\n' | keyless …      with this on its standard input
    […]                                   what it prints on either output, with IDs, ports and times masked
    [exit 1]                              unless it exits with 0

A command runs in this process, in a folder of its own; everything behind it is real.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from keyless.cli.main import run
from keyless.cli.program import Program

# each mask is as long as what it stands for, so that columns stay where they are
_MASKS = (
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "00000000-0000-0000-0000-000000000000"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "0" * 32),
    (re.compile(r"(?<=[.a-z0-9]:)\d{5}\b"), "12345"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"), "2026-01-01 00:00:00Z"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "2026-01-01T00:00:00Z"),
    (re.compile(r"(?<=\(until )\d{4}-\d\d-\d\d"), "2026-01-01"),
    (re.compile(r"(?m)^(secret +)[\w.]{40}$"), r"\1" + "S" * 40),
    (re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"), "Thu, 01 Jan 2026 00:00:00 GMT"),
    (re.compile(r"(?m)^(key ID +)?[\w-]{43}(?= |$)"), r"\1" + "K" * 43),
    (re.compile(r"\b1[78]\d{8}\b"), "1767225600"),
    (re.compile(r"\b0x[0-9A-F]{16}\b"), "0x0000000000000000"),
    (re.compile(r"(?<=\?link=)[\w-]{43}"), "L" * 43),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), "eyJ….….…"),
)
_PIPED = re.compile(r"printf (?P<text>'[^']*') \| (?P<command>.*)")


@dataclass(frozen=True)
class Exchange:
    """One command of a transcript and what it printed, with the exit code's line."""

    line: str
    answer: str


def read_transcript(path: Path) -> list[Exchange]:
    """The exchanges of a file; what stands before the first command is a note for the reader."""
    _, *parts = re.split(r"(?m)^\$ ", path.read_text())
    found = []
    for part in parts:
        line, _, answer = part.partition("\n")
        found.append(Exchange(line, answer.rstrip("\n")))
    return found


def play(line: str, environ: Mapping[str, str]) -> str:
    """Run a line of a transcript; what it printed, masked, with the exit code's line."""
    code, text = type_in(line, environ)
    text = text.replace(os.getcwd(), "/here")
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    lines = [text.rstrip("\n")] if text else []
    return "\n".join([*lines, *([f"[exit {code}]"] if code else [])])


def type_in(line: str, environ: Mapping[str, str]) -> tuple[int, str]:
    """Run a line as a person types it; its exit code, and what it printed on either output."""
    piped = _PIPED.fullmatch(line)
    command = piped["command"] if piped else line
    given = shlex.split(piped["text"])[0].encode().decode("unicode_escape").encode("latin-1") if piped else b""
    program, *arguments = shlex.split(command)
    assert program == "keyless", f"a transcript runs keyless only, not {line!r}"
    with _terminal(given) as printed:
        code = run(arguments, Program(environ))
    return code, printed.getvalue().decode()


@contextlib.contextmanager
def _terminal(given: bytes) -> Iterator[io.BytesIO]:
    printed = io.BytesIO()
    out = io.TextIOWrapper(printed, encoding="utf-8", write_through=True)
    stdin = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(given), encoding="utf-8")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            yield printed
    finally:
        sys.stdin = stdin
        out.detach()

"""The how-to pages are run: each in a folder of its own, against a server of its own, as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import keyless
from tests.docs.pages import PAGES, Block, blocks, markers, name_of
from tests.harness import free_environment

RUN, FAILS, PRINTS, FILE = "run", "run: fails", "prints", "file: "
RUNNABLE = [page for page in PAGES if any(block.marker in {RUN, FAILS} for block in blocks(page))]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_marker_is_understood(page: Path) -> None:
    marked = [block for block in blocks(page) if block.marker]
    assert len(marked) == len(markers(page)), "a marker without a block behind it"
    for block in marked:
        assert block.marker in {RUN, FAILS, PRINTS} or block.marker.startswith(FILE), block
        assert (block.language == "sh") == (block.marker in {RUN, FAILS}), block


@pytest.mark.timeout(600)  # a page has some thirty commands, each a process of its own, and CI is a busy machine
@pytest.mark.parametrize("page", RUNNABLE, ids=name_of)
def test_the_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    found = blocks(page)
    for block in found:
        if block.marker.startswith(FILE):
            (work / block.marker.removeprefix(FILE)).write_text(block.text)
    script = tmp_path / "page.sh"
    script.write_text(script_of(found, tmp_path))
    try:
        done = subprocess.run(
            ["bash", str(script)],
            cwd=work,
            env=environment(tmp_path),
            check=False,
            capture_output=True,
            text=True,
            timeout=580,
        )
    finally:
        end_servers(tmp_path)
    assert done.returncode == 0, f"{done.stderr}\n{last_output(tmp_path)}"
    compare_outputs(found, tmp_path)


def script_of(found: list[Block], folder: Path) -> str:
    """One script of all the blocks that are to be run; the output of each goes into a file named by its line."""
    marked = [block for block in found if block.marker in {RUN, FAILS}]
    starts = any(re.search("keyless up(?! --data)", block.text) for block in marked)
    parts = ["set -eu", "" if starts else "keyless up --detach >/dev/null"]
    for block in marked:
        body = f"{{\n{block.text}}} >'{folder}/{block.line}.out' 2>&1"
        parts.append(f"echo {block.line} >'{folder}/at'")
        if block.marker == FAILS:
            parts.append(f"if {body}; then echo 'the block at line {block.line} did not fail' >&2; exit 1; fi")
        else:
            parts.append(body)
    return "\n".join(parts) + "\n"


def environment(folder: Path) -> dict[str, str]:
    """A reader's: `keyless` and `python` on the path, and a home with nothing in it."""
    programs = folder / "bin"
    programs.mkdir()
    for name, command in (("keyless", f"{sys.executable} -m keyless"), ("python", sys.executable)):
        (programs / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (programs / name).chmod(0o755)
    more = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(keyless.__file__).parents[1]),
        "HOME": str(folder),
        "KEYLESS_PORT": "0",
    }
    found = free_environment(folder / "data", folder / "config", **more)
    del found["KEYLESS_SQL_PORT"]  # a reader has SQL
    return found


def end_servers(folder: Path) -> None:
    for socket in folder.rglob("keyless.sock"):
        command = [sys.executable, "-m", "keyless", "down", "--data", str(socket.parent)]
        subprocess.run(command, env=free_environment(folder / "data", folder / "config"), check=True, timeout=60)


def output_of(folder: Path, line: str | int) -> str:
    return (folder / f"{line}.out").read_text()


def last_output(folder: Path) -> str:
    """Which block came last, and what it printed."""
    at = folder / "at"
    line = at.read_text().strip() if at.exists() else ""
    return f"at line {line}: {output_of(folder, line)}" if line else "no block was run"


def compare_outputs(found: list[Block], folder: Path) -> None:
    line = 0
    for block in found:
        if block.marker in {RUN, FAILS}:
            line = block.line
        elif block.marker == PRINTS:
            printed = output_of(folder, line).splitlines()
            for expected in block.text.splitlines():
                assert any(fits(expected, one) for one in printed), (block.page, block.line, expected, printed)


def fits(expected: str, line: str) -> bool:
    """Whether a line is what a page says, with `…` for anything."""
    return re.fullmatch(".*".join(map(re.escape, expected.split("…"))), line) is not None

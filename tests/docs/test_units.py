"""The units of systemd that the pages show: systemd takes them, and what they start is a command of keyless."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.tools import needed
from tests.docs.command_line import parse
from tests.docs.pages import PAGES, blocks

_UNIT = re.compile(r"# /etc/systemd/system/(?P<name>[\w.-]+)(?:\.d/[\w.-]+)?$", re.MULTILINE)
PREFIX = "/opt/keyless/bin/keyless "


def units() -> Iterator[tuple[str, str]]:
    """Every unit and drop-in, by the unit's name."""
    for page in PAGES:
        for block in blocks(page):
            if block.language == "ini" and (named := _UNIT.match(block.text)):
                yield named["name"], block.text


UNITS = list(units())


def test_there_are_units() -> None:
    assert {"keyless.service", "web.service"} <= {name for name, _ in UNITS}


@pytest.mark.parametrize(("name", "text"), UNITS)
def test_what_a_unit_starts_is_a_command(name: str, text: str) -> None:
    for line in re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE):
        assert line.startswith(PREFIX), name
        parse(shlex.split(line.removeprefix(PREFIX)))


def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    analyze = needed("systemd-analyze", "systemd-analyze")
    whole: dict[str, str] = {}
    for name, text in UNITS:
        # the programs that pages name are not installed here
        whole[name] = whole.get(name, "") + re.sub(r"/opt/\S+", "/bin/true", text) + "\n"
    for name, text in whole.items():
        (tmp_path / name).write_text(text)
    files = [str(tmp_path / name) for name in whole]
    done = subprocess.run([analyze, "verify", *files], capture_output=True, text=True, check=False, timeout=60)
    ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line or line.startswith(tuple(whole))]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_systemd_does_not_take_everything(tmp_path: Path) -> None:
    analyze = needed("systemd-analyze", "systemd-analyze")
    (tmp_path / "bad.service").write_text("[Service]\nExecStart=/nowhere/at-all\nUsr=web\n")
    command = [analyze, "verify", str(tmp_path / "bad.service")]
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode != 0

"""How `keyless login` hands its link to the browser: through a file that nobody else can read."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.harness import RunningServer, free_environment

OPENER = """#!/bin/sh
printf '%s\\n' "$@" >"{folder}/arguments"
"""


def test_the_browser_is_handed_a_file_and_the_file_holds_the_link(server: RunningServer, tmp_path: Path) -> None:
    opener = tmp_path / "opener"
    opener.write_text(OPENER.format(folder=tmp_path))
    opener.chmod(0o700)
    environ = {**free_environment(server.data, server.config), "BROWSER": f"{opener} %s"}
    for _ in range(2):
        said = server.keyless("login", env=environ)
        assert said.returncode == 0, said.stderr
        link = said.stdout.split()[-1]
        argument = (tmp_path / "arguments").read_text().strip()
        assert "link=" not in argument
        file = Path(argument.removeprefix("file://"))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert f'content="0; url={link}"' in file.read_text()
        assert "no-referrer" in file.read_text()


def test_without_a_screen_the_link_is_printed_only(server: RunningServer) -> None:
    environ = {
        name: value
        for name, value in free_environment(server.data, server.config).items()
        if name not in {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"}
    }
    said = server.keyless("login", env=environ)
    assert said.stdout.startswith(
        "Open this link within 5 minutes; it signs owner@keyless.localhost in, once:\nhttps://"
    )

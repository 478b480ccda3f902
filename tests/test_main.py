from __future__ import annotations

import importlib.abc
import subprocess
import sys
import types
from importlib.metadata import version
from pathlib import Path

import pytest

import keyless
from keyless.__main__ import main


@pytest.fixture
def without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, path: object, target: object = None) -> None:
            if name == "keyless.cli" or name.startswith("keyless.cli."):
                raise ModuleNotFoundError("No module named 'click'", name="click")

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    for name in [name for name in sys.modules if name.startswith("keyless.cli.")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    called: list[list[str]] = []
    module = types.ModuleType("keyless.cli.main")
    module.main = lambda argv: called.append(argv) or 7  # type: ignore[attr-defined,func-returns-value]
    monkeypatch.setitem(sys.modules, "keyless.cli", types.ModuleType("keyless.cli"))
    monkeypatch.setitem(sys.modules, "keyless.cli.main", module)
    monkeypatch.delenv("IDENTITY_ENDPOINT", raising=False)
    return called


@pytest.mark.parametrize(
    "argv", [["status"], ["--help"], [], ["vault", "create", "x"], ["token", "--resource", "r"], ["-v", "status"]]
)
def test_other_commands_are_the_command_lines(cli: list[list[str]], argv: list[str]) -> None:
    assert main(argv) == 7
    assert cli == [argv]


@pytest.mark.usefixtures("without_the_extra")
def test_without_the_extra_it_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 2
    assert capsys.readouterr() == ("", "keyless: this command needs the extra: pip install 'keyless[cli]'\n")


@pytest.mark.usefixtures("without_the_extra")
@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"]])
def test_without_the_extra_help_names_what_there_is(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert "keyless run --app" in out
    assert "keyless token --resource" in out
    assert "pip install 'keyless[cli]'" in out


@pytest.mark.parametrize("command", ["run", "token"])
def test_help_of_a_command(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main([command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: keyless {command} ")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"keyless {version('keyless')}\n"


def test_a_run_imports_little_before_the_child_starts() -> None:
    program = (
        "import sys, keyless.__main__, keyless.launcher.run\n"
        "print(*{'asyncio', 'ssl', 'dataclasses', 'argparse', 'http.client', 'click'} & set(sys.modules))"
    )
    # without site, what an installation adds at every start does not count; the package is then found by its path
    source = {"PYTHONPATH": str(Path(keyless.__file__).parents[1])}
    command = [sys.executable, "-S", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=source)
    assert done.stdout.strip() == ""

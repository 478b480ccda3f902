"""The demo tells nothing but the truth: a step that misbehaves fails it, and nothing is left behind.

That the whole of it goes well is what `make demo` shows.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from keyless.cli import demo, main
from keyless.cli.program import Program

PROGRAM = Program({"KEYLESS_DATA": "/nowhere", "KEYLESS_PORT": "1", "AZURE_CLIENT_SECRET": "foreign", "HOME": "/home"})


class Actor:
    """Plays keyless in the story, as it should be or with one thing wrong."""

    def __init__(self) -> None:
        self.spoil: dict[str, tuple[int, str]] = {}
        self.played: list[str] = []
        self.environs: list[Mapping[str, str]] = []
        self.values: list[str] = []
        self.role_held = True

    def __call__(
        self, arguments: Sequence[str], environ: Mapping[str, str], stdin: str | None
    ) -> subprocess.CompletedProcess[str]:
        line = " ".join(arguments)
        self.played.append(line)
        self.environs.append(environ)
        if stdin is not None:
            self.values.append(stdin)
        spoilt = [given for key, given in self.spoil.items() if key in line]
        code, text = spoilt[0] if spoilt else self._right(line)
        return subprocess.CompletedProcess(arguments, code, text)

    def _right(self, line: str) -> tuple[int, str]:
        if line.startswith("role remove"):
            self.role_held = False
        if line.startswith("why"):
            return 1, "Denied"
        if "-o json" in line:
            return 0, json.dumps({"properties": {"vaultUri": "v", "primaryEndpoints": {"blob": "b"}}})
        if "sql query" in line:
            return (1, "Msg 229") if "DELETE" in line else (0, "1204")
        if "keyless.demo" in line:
            read = "\n".join(hashlib.sha256(value.encode()).hexdigest() for value in self.values)
            return (0, read) if self.role_held else (1, f"{read}\nrefused with 403: no")
        return 0, ""


@pytest.fixture
def actor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Actor:
    one = Actor()
    monkeypatch.setattr(demo, "_run", one)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(make(tmp_path / prefix)))
    return one


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_ends_well_when_every_step_does(actor: Actor, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["demo"], PROGRAM) == 0
    printed = capsys.readouterr().out
    assert printed.count("✔") == 15
    assert printed.endswith("Every step went as it should.\n")
    assert list(tmp_path.iterdir()) == []
    assert actor.played.count("down") == 1
    (password,) = (value for value in actor.values if "," not in value)
    assert not any(password in line for line in actor.played)
    assert password not in printed


def test_uses_folders_of_its_own_and_nothing_of_the_environment(actor: Actor, tmp_path: Path) -> None:
    assert main.run(["demo", "--keep"], PROGRAM) == 0
    assert {environ["KEYLESS_DATA"] for environ in actor.environs} == {str(tmp_path / "keyless-demo-" / "data")}
    assert not any(name in environ for environ in actor.environs for name in ("KEYLESS_PORT", "AZURE_CLIENT_SECRET"))
    assert all(environ["HOME"] == "/home" for environ in actor.environs)
    assert [folder.name for folder in tmp_path.iterdir()] == ["keyless-demo-"]


@pytest.mark.parametrize(
    ("step", "instead"),
    [
        ("up", (1, "keyless: port in use")),
        ("vault create", (1, "keyless: no")),
        ("storage show", (1, "keyless: no")),
        ("app_azure", (0, "something else")),
        ("app_msal", (1, "")),
        ("app_setting", (0, "sha256 of something else")),
        ("sql create", (1, "keyless: no")),
        ("SELECT", (0, "987")),
        ("DELETE", (0, "2 rows changed.")),
        ("DELETE", (1, "keyless: another error")),
        ("role remove", (0, "Removed, it says, but it is not")),
        ("why", (0, "Allowed")),
        ("down", (1, "keyless: no")),
    ],
)
def test_fails_when_a_step_does(
    actor: Actor, tmp_path: Path, capsys: pytest.CaptureFixture[str], step: str, instead: tuple[int, str]
) -> None:
    actor.spoil[step] = instead
    assert main.run(["demo"], PROGRAM) == 1
    printed = capsys.readouterr()
    assert "Every step went as it should." not in printed.out
    assert printed.out.count("✔") < 15
    assert printed.err.startswith("keyless: The demo stops:")
    assert actor.played[-1] == "down"
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_for_another_reason_is_not_taken_for_one(actor: Actor) -> None:
    def fails_otherwise(line: str) -> tuple[int, str]:
        code, text = right(line)
        return code, text.replace("refused with 403", "refused with 500")

    right = actor._right
    actor._right = fails_otherwise  # type: ignore[method-assign]
    assert main.run(["demo"], PROGRAM) == 1


def test_stops_the_server_when_it_is_interrupted(actor: Actor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "_grant", interrupted)
    assert main.run(["demo"], PROGRAM) == 130
    assert actor.played[-1] == "down"
    assert list(tmp_path.iterdir()) == []


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(demo, "_LIBRARIES", ("json", "no_such_parent.child", "no_such_library"))
    assert main.run(["demo"], PROGRAM) == 1
    needs = "keyless: The demo needs no_such_parent.child, no_such_library: run pip install 'keyless[demo]'.\n"
    assert capsys.readouterr().err == needs

"""Exit codes, and one line on standard error."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from keyless.cli import main as entry
from keyless.cli.errors import Refused
from keyless.cli.program import Program
from keyless.model.errors import invalid

PROGRAM = Program({"KEYLESS_DATA": "/nowhere", "KEYLESS_CONFIG": "/nowhere"})


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    @click.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(entry._Nouns, "get_command", lambda *_: command)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (Refused("No."), 1, "keyless: No.\n"),
        (invalid("Bad."), 1, "keyless: Bad.\n"),
        (FileNotFoundError(2, "No such file", "x.txt"), 1, "keyless: x.txt: No such file.\n"),
        (click.UsageError("Wrong."), 2, "keyless: Wrong."),
        (Refused("two\nlines\x1b[2J"), 1, "keyless: two lines\\x1b[2J\n"),
    ],
)
def test_an_error_is_one_line_and_a_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    line: str,
) -> None:
    raising(monkeypatch, error)
    assert entry.run(["vault"], PROGRAM) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(line)
    assert printed.err.count("\n") == 1


def test_an_interruption_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    assert entry.run(["vault"], PROGRAM) == 130
    printed = capsys.readouterr()
    assert printed.out + printed.err.strip() == ""


@pytest.mark.parametrize("arguments", [["nope"], ["vault", "nope"], ["vault", "create"], ["vault", "list", "--nope"]])
def test_wrong_usage_says_where_help_is(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run(arguments, PROGRAM) == 2
    assert "--help`.\n" in capsys.readouterr().err


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


@pytest.mark.parametrize("path", commands(entry.keyless), ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.run([*path, "--help"], PROGRAM) == 0
    usage, *shown = capsys.readouterr().out.splitlines()
    example = re.compile(rf"( .* \|)? +keyless {' '.join(path)}\b.*")
    assert usage.startswith(f"Usage: keyless {' '.join(path)}")
    if path[0] not in {"down", "status"}:
        assert any(example.fullmatch(line) for line in shown)


def verbs() -> list[tuple[str, ...]]:
    """The commands of nouns, without the nouns."""
    every = commands(entry.keyless)
    return [path for path in every if len(path) > 1 and not any(other[:-1] == path for other in every)]


@pytest.mark.parametrize("path", verbs(), ids=" ".join)
def test_every_command_of_a_noun_has_an_output_and_a_data_folder(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    entry.run([*path, "--help"], PROGRAM)
    shown = capsys.readouterr().out
    assert "--output" in shown
    assert "--data" in shown


def test_a_command_whose_libraries_are_missing_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(entry._COMMANDS, "up", "no_such_library.server:up")
    assert entry.run(["up", "--port", "1"], PROGRAM) == 1
    assert "run pip install 'keyless[server]'" in capsys.readouterr().err
    assert entry.run(["--help"], PROGRAM) == 0


def test_a_broken_pipe_is_not_an_error_to_read_about(tmp_path: Path) -> None:
    """`keyless … | head` closes the pipe early."""
    code = "import sys; from keyless.cli.main import main; sys.exit(main(['--help']))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.wait()


def test_the_data_folder_may_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "instance.json").write_text(json.dumps({}))
    assert entry.run(["vault", "list", "--data", str(tmp_path)], PROGRAM) == 1
    assert f"{tmp_path}/instance.json is damaged" in capsys.readouterr().err
    assert entry.run(["vault", "list"], PROGRAM) == 1
    assert "There is no keyless in /nowhere" in capsys.readouterr().err


def test_the_server_starts_without_what_only_its_clients_need() -> None:
    code = "import sys, keyless.cli.main, keyless.cli.server; print(sorted({'httpx', 'joserfc'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"

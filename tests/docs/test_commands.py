"""Commands that the documentation shows are commands that there are, and none is left out of the reference."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from keyless.launcher import run, token
from tests.docs.command_line import leaves, parse
from tests.docs.pages import PAGES, ROOT, blocks, commands, name_of, spans
from tests.docs.test_errors import MESSAGES

REFERENCE = ROOT / "docs" / "commands.md"
#: What every command has, said once at the top of the reference.
COMMON = {"--output", "-o", "--data", "--help", "-h"}
OTHERS = {"run", "token"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_blocks_parse(page: Path) -> None:
    for block in blocks(page):
        if block.language != "sh":
            continue
        for words in commands(block.text):
            if words[0] == "keyless":
                try:
                    parse(words[1:])
                except Exception as error:
                    pytest.fail(f"{block.page}:{block.line}: {' '.join(words)}: {error}")


def test_a_wrong_command_does_not_parse() -> None:
    for wrong in ("vault make x", "vault create", "vault create x --nope", "run true", "secret set v n value"):
        with pytest.raises(Exception, match=r"."):
            parse(wrong.split())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_prose_exist(page: Path) -> None:
    known = {*leaves(), *OTHERS}
    firsts = {name.split()[0] for name in known}
    seconds = {" ".join(name.split()[:2]) for name in known}
    for span in set(spans(page)) - set(MESSAGES):
        words = span.split()
        if words[0] != "keyless" or len(words) == 1 or words[1].startswith("-"):
            continue
        assert words[1] in firsts, f"{name_of(page)}: {span}"
        if len(words) > 2 and words[1] not in known and re.fullmatch(r"[a-z]+", words[2]):
            assert " ".join(words[1:3]) in seconds, f"{name_of(page)}: {span}"


def usage_lines() -> list[str]:
    shown = [line for block in blocks(REFERENCE) if block.language == "text" for line in block.text.splitlines()]
    return [line.removeprefix("keyless ") for line in shown]


def name_in(usage: str) -> str:
    return max((name for name in leaves() if (usage + " ").startswith(name + " ")), key=len)


def test_the_reference_names_every_command_once() -> None:
    shown = [name_in(usage) for usage in usage_lines() if usage.split()[0] not in OTHERS]
    assert sorted(shown) == sorted(set(leaves()) - OTHERS)
    launchers = [usage for usage in usage_lines() if usage.split()[0] in OTHERS]
    assert run.USAGE.removeprefix("usage: keyless ") in launchers
    assert token.USAGE.removeprefix("usage: keyless ") in launchers


def test_the_reference_names_every_option_and_argument() -> None:
    for usage in usage_lines():
        if usage.split()[0] in OTHERS:
            continue
        command = leaves()[name_in(usage)]
        assert set(re.findall(r"--[a-z-]+", usage)) - COMMON == options_of(command) - COMMON, usage
        assert [word.strip("[]") for word in arguments_in(usage)] == arguments_of(command), usage


def options_of(command: click.Command) -> set[str]:
    shown = (p for p in command.params if isinstance(p, click.Option) and not p.hidden)
    return {name for option in shown for name in (*option.opts, *option.secondary_opts) if name.startswith("--")}


def arguments_of(command: click.Command) -> list[str]:
    found = (p for p in command.params if isinstance(p, click.Argument))
    return [(p.metavar or str(p.name).removesuffix("_name").upper()).strip("[]") for p in found]


def arguments_in(usage: str) -> list[str]:
    """The words of a usage line that are neither the command nor an option with its value."""
    rest = usage.removeprefix(name_in(usage))
    return re.sub(r"\[--[^\]]*\]|--\S+( [A-Z]+)?", "", rest).split()

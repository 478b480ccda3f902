"""Reads a command of keyless as the command line would, without doing it."""

from __future__ import annotations

import click

from keyless.cli.main import keyless
from keyless.launcher import run, token
from keyless.launcher.usage import read_options


def parse(arguments: list[str]) -> None:
    """Raise an error that says what is wrong with `keyless ARGUMENTS…`."""
    if arguments[0] == "run":
        run._read_order(arguments[1:], {"HOME": "/"})
    elif arguments[0] == "token" and len(arguments) > 1 and not _is_owners(arguments[1:]):
        read_options(arguments[1:], token._OPTIONS, token.USAGE)
    else:
        command, rest, context = _resolve(arguments)
        try:
            left = command.make_context(context.info_name, rest, parent=context.parent).args
        except click.MissingParameter:
            raise
        except click.BadParameter as error:
            if "does not exist" not in error.message:  # a file that the page makes
                raise
            left = []
        if left:
            raise click.UsageError(f"{left[0]!r} is too much")


def leaves() -> dict[str, click.Command]:
    """Every command by its words (`secret set`), but for those of the launcher."""
    found: dict[str, click.Command] = {}

    def walk(command: click.Command, words: tuple[str, ...]) -> None:
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below is not None
                walk(below, (*words, name))
        else:
            found[" ".join(words)] = command

    walk(keyless, ())
    return found


def _is_owners(arguments: list[str]) -> bool:
    return not token.is_for_a_workload(arguments, {}) and not any("-id" in word for word in arguments)


def _resolve(arguments: list[str]) -> tuple[click.Command, list[str], click.Context]:
    command: click.Command = keyless
    context = click.Context(command, info_name="keyless")
    rest = list(arguments)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        _name, below, rest = command.resolve_command(context, rest)
        assert below is not None
        command = below
        context = click.Context(command, info_name=arguments[len(arguments) - len(rest) - 1], parent=context)
    return command, rest, context

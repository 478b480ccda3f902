"""The way into the command line, and the way out of it: exit codes.

Owns the list of nouns, each of which is loaded when it is used, and the mapping of everything that can go wrong
to one line on standard error and an exit code: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os

import click

from keyless.cli.errors import FAILED, INTERRUPTED, WRONG_USAGE, complain
from keyless.cli.program import Program
from keyless.model.errors import KeylessError

#: Command → module and name. The modules load what they need, so only the one that is used is loaded.
_COMMANDS = {
    "up": "keyless.cli.server:up",
    "down": "keyless.cli.server:down",
    "status": "keyless.cli.server:status",
    "backup": "keyless.cli.backup:backup",
    "restore": "keyless.cli.restore:restore",
    "identity": "keyless.cli.identity:identity",
    "federation": "keyless.cli.federation:federation",
    "app": "keyless.cli.app:app",
    "instance": "keyless.cli.app_instances:instance",
    "principal": "keyless.cli.principal:principal",
    "login": "keyless.cli.login:login",
    "role": "keyless.cli.role:role",
    "vault": "keyless.cli.vault:vault",
    "secret": "keyless.cli.secret:secret",
    "storage": "keyless.cli.storage:storage",
    "container": "keyless.cli.container:container",
    "blob": "keyless.cli.blob:blob",
    "sql": "keyless.cli.sql:sql",
    "group": "keyless.cli.group:group",
    "token": "keyless.cli.token:token",
    "why": "keyless.cli.why:why",
    "audit": "keyless.cli.audit:audit",
    "keys": "keyless.cli.keys:keys",
    "demo": "keyless.cli.demo:demo",
}


class _Nouns(click.Group):
    """Loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module, _, name = _COMMANDS.get(cmd_name, "").partition(":")
        if not module:
            return None
        try:
            found = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            return _missing(cmd_name, str(error.name))
        assert isinstance(found, click.Command)
        return found


def _missing(name: str, module: str) -> click.Command:
    """Stands for a command whose libraries are not installed."""

    @click.command(name, short_help="Not installed: pip install 'keyless[server]'.", add_help_option=False)
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def command(arguments: tuple[str, ...]) -> None:
        raise click.ClickException(f"`keyless {name}` needs {module}: run pip install 'keyless[server]'.")

    command.context_settings["ignore_unknown_options"] = True
    return command


@click.command(cls=_Nouns, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
def keyless() -> None:
    """Managed identities for any machine: applications read secrets and blobs with no credential.

    \b
    keyless up --detach                             start the server
    keyless run --app NAME -- COMMAND…              run a program with the app's identities
    keyless COMMAND --help                          what a command takes, with an example
    """


def main(argv: list[str]) -> int:
    """Run one command; returns its exit code."""
    return run(argv, Program(os.environ))


def run(argv: list[str], program: Program) -> int:
    """The same, in an environment that is handed in."""
    try:
        code = keyless.main(argv, prog_name="keyless", standalone_mode=False, obj=program)
    except click.UsageError as error:
        hint = f" See `{error.ctx.command_path} --help`." if error.ctx else ""
        complain(f"{error.format_message().rstrip('.')}.{hint}")
        return WRONG_USAGE
    except click.ClickException as error:
        complain(error.format_message())
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except KeylessError as error:
        complain(error.message)
        return FAILED
    except OSError as error:
        complain(f"{error.filename or 'input or output'}: {error.strerror or error}.")
        return FAILED
    return code if isinstance(code, int) else 0

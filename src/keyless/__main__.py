"""The command `keyless`. Owns the choice of who answers: `run` and `token` need the standard library only.

Every other command is in `keyless.cli`, whose packages an installation for applications does not have.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from keyless.launcher.usage import WRONG_USAGE, complain
from keyless.model.errors import KeylessError

_EXTRA = frozenset({"click", "httpx", "joserfc", "rich"})
_NEEDS_EXTRA = "this command needs the extra: pip install 'keyless[cli]'"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 done, 1 refused or failed, 2 wrong usage (`run`: what the program returned)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except KeylessError as error:
        complain(error.message)
        return 2 if error.code == WRONG_USAGE else 1
    except KeyboardInterrupt:
        return 130


def _dispatch(arguments: list[str]) -> int:
    command, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    wants_help = rest[:1] in (["-h"], ["--help"])
    if command == "run":
        from keyless.launcher import run  # noqa: PLC0415

        if not wants_help:
            run.run(rest, os.environ)
        return _show(run.HELP)
    if command == "token":
        from keyless.launcher import token  # noqa: PLC0415

        if wants_help:
            return _show(token.USAGE)
        if token.is_for_a_workload(rest, os.environ):
            return _show(token.token(rest, os.environ))
    if command == "--version":
        from importlib.metadata import version  # noqa: PLC0415

        return _show(f"keyless {version('keyless')}")
    return _whole_command_line(arguments)


def _whole_command_line(arguments: list[str]) -> int:
    try:
        cli = import_module("keyless.cli.main")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        if arguments and arguments[0] not in ("-h", "--help"):
            complain(_NEEDS_EXTRA)
            return 2
        return _show(_short_help())
    status: int = cli.main(arguments)
    return status


def _short_help() -> str:
    from keyless.launcher import run, token  # noqa: PLC0415

    return f"{run.USAGE}\n{token.USAGE}\n\nFor all other commands: pip install 'keyless[cli]'"


def _show(text: str) -> int:
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

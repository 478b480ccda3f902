"""How the launcher's commands read their arguments and speak to the person who typed them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from getopt import GetoptError, gnu_getopt

from keyless.model.errors import invalid

#: The code of an error that means exit status 2.
WRONG_USAGE = "WrongUsage"


def read_options(arguments: Sequence[str], names: Sequence[str], usage: str) -> dict[str, str]:
    """The values of the options `--NAME VALUE`; raises `invalid` with code `WrongUsage` and the usage line."""
    try:
        pairs, rest = gnu_getopt(list(arguments), "o:", [f"{name}=" for name in names])
    except GetoptError as error:
        raise invalid(f"{error}; {usage}", WRONG_USAGE) from None
    if rest:
        raise invalid(f"{rest[0]!r} is too much; {usage}", WRONG_USAGE)
    return {name.lstrip("-"): value for name, value in pairs}


def complain(message: str) -> None:
    """One line on standard error."""
    print("keyless:", " ".join(message.split()), file=sys.stderr, flush=True)

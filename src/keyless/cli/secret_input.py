"""How a secret gets into a command: from standard input, a hidden prompt or a file, never from an argument.

Owns reading it. Must not keep or show it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from keyless.cli.errors import Refused
from keyless.model.secretstr import SecretStr


def read_secret(name: str, limit: int, file: Path | None = None) -> SecretStr:
    """The value for `name`, of at most `limit` bytes of UTF-8.

    A file counts as it is. From standard input one line end at the end is taken off, because `echo` and editors add
    it. Refused for what is too long or not text.
    """
    if file is not None:
        with file.open("rb") as source:
            return SecretStr(_text(name, source.read(limit + 1), limit))
    if sys.stdin.isatty():
        return SecretStr(click.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True, err=True))
    data = sys.stdin.buffer.read(limit + 3)
    return SecretStr(_text(name, data.removesuffix(b"\n").removesuffix(b"\r"), limit))


def _text(name: str, data: bytes, limit: int) -> str:
    if len(data) > limit:
        raise Refused(f"The value of {name} is too long: it may have {limit} bytes.")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Refused(f"The value of {name} is not text: encode it first, for example with `base64`.") from None

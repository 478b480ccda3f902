"""`keyless backup`: a sealed copy of the running instance. Owns the command; what is in the copy is the server's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click

from keyless.cli.blob_download import target
from keyless.cli.command import Keyless, with_keyless
from keyless.cli.progress import advance, bars

_STANDARD = Path("-")
_OPERATION = "providers/Keyless.Instance/backup"
_VERSION = {"api-version": "2025-01-01"}
#: The database is copied before the first byte comes.
_SECONDS = 3600.0


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@with_keyless
def backup(keyless: Keyless, file: Path) -> None:
    """Write a sealed copy of the instance to FILE. `-` is standard output.

    Only the master key opens it, which is not in it: keep that elsewhere. A file that is there already is replaced
    when all has arrived.

    \b
    keyless backup monday.keyless
    keyless backup - | ssh vault-b 'cat >monday.keyless'
    """
    if file == _STANDARD:
        _fetch(keyless, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    with target(file) as sink:
        _fetch(keyless, sink)
    keyless.output.say(f"Backed up to {file}. It opens with the master key only: keep that elsewhere.")


def _fetch(keyless: Keyless, sink: BinaryIO) -> None:
    path = f"{keyless.resources.subscription}/{_OPERATION}"
    asked = keyless.session.stream("POST", keyless.instance.management, path, query=_VERSION, seconds=_SECONDS)
    with bars() as shown, asked as response:
        progress = advance(shown, "backup", int(response.headers["Content-Length"]))
        for piece in response.iter_raw():
            sink.write(piece)
            progress(len(piece))

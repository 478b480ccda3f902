"""`keyless restore`: a data folder out of a backup. Reaches the server's rooms: there is no server yet."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from keyless.bootstrap import restore as bootstrap
from keyless.cli.output import one_line
from keyless.cli.progress import bars
from keyless.config import read_config

_STANDARD = Path("-")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="The data folder to make (KEYLESS_DATA).")
@click.option("--new-owner-key", is_flag=True, help="Make a new owner key; the former one counts no more.")
def restore(file: Path, data: Path | None, new_owner_key: bool) -> None:
    """Make a data folder out of a backup. FILE `-` is standard input.

    The folder must be empty, or not there. Bring the master key along, and the owner's key or --new-owner-key.

    \b
    keyless restore monday.keyless
    """
    config = read_config(os.environ, data=data and data.absolute())
    with ExitStack() as stack:
        archive = sys.stdin.buffer if file == _STANDARD else stack.enter_context(file.open("rb"))
        size = os.fstat(archive.fileno()).st_size  # 0 for a pipe
        shown = stack.enter_context(bars())
        source = shown.wrap_file(archive, total=size, description="restore") if size else archive
        instance = bootstrap.restore(config, os.environ, source, new_owner_key=new_owner_key)
    click.echo(one_line(f"Restored instance {instance.instance} to {config.data}: start it with `keyless up`."))
    click.echo("If the one that it was made of still runs, stop it: both sign tokens with the same keys.")

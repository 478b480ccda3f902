"""`keyless restore`: a data folder out of a backup. Reaches the server's rooms: there is no server yet."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click

from keyless.bootstrap import restore as bootstrap
from keyless.cli.output import one_line
from keyless.cli.progress import bars
from keyless.config import read_config


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--data", type=click.Path(path_type=Path), help="The data folder to make (KEYLESS_DATA).")
@click.option("--new-owner-key", is_flag=True, help="Make a new owner key; the former one counts no more.")
def restore(file: BinaryIO, data: Path | None, new_owner_key: bool) -> None:
    """Make a data folder out of the backup in FILE; `-` is standard input.

    The folder must be empty, or not there. Bring the master key along, and the owner's key or --new-owner-key.

    \b
    keyless restore monday.keyless
    """
    config = read_config(os.environ, data=data and data.absolute())
    with ExitStack() as stack:
        size = os.fstat(file.fileno()).st_size  # 0 for a pipe
        shown = stack.enter_context(bars())
        source = shown.wrap_file(file, total=size, description="restore") if size else file
        instance = bootstrap.restore(config, os.environ, source, new_owner_key=new_owner_key)
    click.echo(one_line(f"Restored instance {instance.instance} to {config.data}: start it with `keyless up`."))
    click.echo("If the one that it was made of still runs, stop it: both sign tokens with the same keys.")

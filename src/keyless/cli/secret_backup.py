"""`keyless secret backup | restore`: one secret with all its versions, sealed by the server. Owns these commands.

Source: Azure Key Vault REST API, "Backup Secret", "Restore Secret" (7.4).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from keyless.cli.command import Keyless, with_keyless
from keyless.cli.errors import Refused
from keyless.cli.vault_data import VERSION, secret_path, vault_endpoint

#: The service's 16 MiB in base64, and a line end.
MAX_BYTES = 22_400_000
_STANDARD = Path("-")

_vault = click.argument("vault")
_name = click.argument("name")


def add_commands(group: click.Group) -> None:
    """Add the commands to `keyless secret`."""
    group.add_command(backup)
    group.add_command(restore)


@click.command()
@_vault
@_name
@click.argument("file", required=False, type=click.Path(allow_dash=True, dir_okay=False, path_type=Path))
@with_keyless
def backup(keyless: Keyless, vault: str, name: str, file: Path | None) -> None:
    """Write a secret with all its versions to FILE. Without one: to standard output.

    It is sealed: only this server opens it, for the vaults of its subscription.

    \b
    keyless secret backup shop-vault db-password db-password.backup
    """
    answer = keyless.session.json("POST", vault_endpoint(keyless, vault), f"{secret_path(name)}/backup", query=VERSION)
    text = f"{answer['value']}\n"
    if file is None or file == _STANDARD:
        click.echo(text, nl=False)
        return
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as target:
        target.write(text)
    keyless.output.say(f"Backed up {name}.")


@click.command()
@_vault
@click.argument("file", required=False, type=click.Path(allow_dash=True, exists=True, dir_okay=False, path_type=Path))
@with_keyless
def restore(keyless: Keyless, vault: str, file: Path | None) -> None:
    """Put a secret back from FILE. Without one: from standard input. It gets the name that it had.

    \b
    keyless secret restore shop-vault db-password.backup
    """
    if file is None or file == _STANDARD:
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with file.open("rb") as source:
            data = source.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES or not data.isascii():
        raise Refused("This is no backup: name the file that `keyless secret backup` wrote.")
    body = {"value": data.decode("ascii").strip()}
    bundle = keyless.session.json("POST", vault_endpoint(keyless, vault), "/secrets/restore", query=VERSION, body=body)
    keyless.output.object(bundle, {"secret ID": "id"})

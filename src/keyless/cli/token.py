"""`keyless token`: an access token of the owner's. Owns the command.

A program that `keyless run` started gets its own token without this (`launcher/`).
"""

from __future__ import annotations

import click

from keyless.cli.command import Keyless, with_keyless
from keyless.cli.output import print_json


@click.command(short_help="An access token.")
@click.option("--resource", default="https://management.azure.com", show_default=True, help="What it is for.")
@with_keyless
def token(keyless: Keyless, resource: str) -> None:
    """Print an access token of the owner's; within `keyless run`, one of the app's.

    Who has it can act as the owner until it ends: keep it out of logs and arguments.

    \b
    keyless token --resource https://vault.azure.net
    """
    held = keyless.session.token(resource)
    text = held.token.reveal()
    if keyless.output.as_json:
        print_json({"token": text, "expires_on": held.expires_on, "resource": resource})
    else:
        click.echo(text)

"""`keyless group`: resource groups. Owns their commands."""

from __future__ import annotations

import click

from keyless.cli.command import Keyless, confirm, with_keyless, yes_option
from keyless.cli.output import Columns
from keyless.cli.resources import GROUP

_COLUMNS: Columns = {"name": "name", "resource ID": "id"}


@click.group(short_help="Resource groups.")
def group() -> None:
    """Resource groups: what is in one is deleted with it. One named `default` is there from the first start.

    \b
    keyless group create shop
    keyless vault create shop-secrets --group shop
    """


@group.command()
@click.argument("name")
@with_keyless
def create(keyless: Keyless, name: str) -> None:
    """Create a resource group.

    \b
    keyless group create shop
    """
    keyless.output.object(keyless.resources.put(str(keyless.resources.group_id(name)), {}), _COLUMNS)


@group.command("list")
@with_keyless
def list_(keyless: Keyless) -> None:
    """List resource groups.

    \b
    keyless group list
    """
    keyless.output.objects(keyless.resources.all(GROUP), _COLUMNS)


@group.command()
@click.argument("name")
@yes_option
@with_keyless
def delete(keyless: Keyless, name: str, yes: bool) -> None:
    """Delete a resource group with everything in it.

    \b
    keyless group delete shop
    """
    found = keyless.resources.find(GROUP, name)
    count = sum(1 for _ in keyless.resources.items(f"{found['id']}/resources"))
    confirm(f"This deletes the group {found['name']} and everything in it ({count} resource{'s'[: count != 1]}).", yes)
    keyless.resources.delete(found["id"])
    keyless.output.say(f"Deleted the group {found['name']}.")

"""`keyless vault policies | set-policy | delete-policy`: what a vault under access policies grants to whom.

Owns these commands. Source: Azure REST API, "Vaults - Update Access Policy" (2023-07-01).
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from keyless.cli import principals
from keyless.cli.command import Keyless, with_keyless
from keyless.cli.errors import Refused, complain
from keyless.cli.output import Json, pick
from keyless.cli.resources import VAULT

PERMISSIONS = ("get", "list", "set", "delete", "recover", "backup", "restore", "purge")
_WORDS = ", ".join((*PERMISSIONS, "all"))

_name = click.argument("name")
_principal = click.argument("principal")


def add_commands(group: click.Group) -> None:
    """Add the commands to `keyless vault`."""
    for command in (policies, set_policy, delete_policy):
        group.add_command(command)


def change(keyless: Keyless, vault: str, how: str, principal_id: str, secrets: Sequence[str]) -> None:
    """Add, replace or remove secret permissions of a principal, at the vault with this resource ID."""
    item = {
        "tenantId": keyless.instance.tenant,
        "objectId": principal_id,
        "permissions": {"secrets": [*secrets]},
    }
    keyless.resources.put(f"{vault}/accessPolicies/{how}", {"properties": {"accessPolicies": [item]}})


@click.command()
@_name
@with_keyless
def policies(keyless: Keyless, name: str) -> None:
    """List the access policies of a vault.

    \b
    keyless vault policies shop-vault
    """
    vault = keyless.resources.find(VAULT, name)
    keyless.output.objects(
        pick(vault, "properties.accessPolicies"),
        {"principal": lambda one: keyless.principals.name(one["objectId"]), "secrets": "permissions.secrets"},
    )
    _tell_if_idle(vault)


@click.command(
    "set-policy",
    help=f"""Say what a principal may do with a vault's secrets. It replaces what it might before.

    \b
    keyless vault set-policy shop-vault shop --secret-permissions get,list

    PRINCIPAL: {principals.HELP}.
    """,
)
@_name
@_principal
@click.option("--secret-permissions", required=True, metavar="WORDS", help=f"One or more of {_WORDS}; by commas.")
@click.option("--add", is_flag=True, help="Leave it what it has besides.")
@with_keyless
def set_policy(keyless: Keyless, name: str, principal: str, secret_permissions: str, add: bool) -> None:
    """Replace what the principal had, or add to it."""
    words = [word.strip().lower() for word in secret_permissions.split(",") if word.strip()]
    if not words or not {*words} <= {*PERMISSIONS, "all"}:
        raise click.BadParameter(f"{secret_permissions!r}: write one or more of {_WORDS}, by commas.")
    vault = keyless.resources.find(VAULT, name)
    change(keyless, vault["id"], "add" if add else "replace", keyless.principals.principal_id(principal), words)
    keyless.output.say(f"Set the access policy of {principal}.")
    _tell_if_idle(vault)


@click.command(
    "delete-policy",
    help=f"""Take a principal's access policy away.

    \b
    keyless vault delete-policy shop-vault shop

    PRINCIPAL: {principals.HELP}.
    """,
)
@_name
@_principal
@with_keyless
def delete_policy(keyless: Keyless, name: str, principal: str) -> None:
    """Remove what the principal has, as it is read just before."""
    vault = keyless.resources.find(VAULT, name)
    who = keyless.principals.principal_id(principal)
    held = [one for one in pick(vault, "properties.accessPolicies") if one["objectId"] == who]
    if not held:
        raise Refused(
            f"{principal} has no access policy in {vault['name']}: `keyless vault policies {name}` shows all."
        )
    keyless.resources.put(f"{vault['id']}/accessPolicies/remove", {"properties": {"accessPolicies": held}})
    keyless.output.say(f"Removed the access policy of {principal}.")


def _tell_if_idle(vault: Json) -> None:
    if pick(vault, "properties.enableRbacAuthorization"):
        complain(f"Roles decide at {vault['name']}, so its access policies count for nothing.")

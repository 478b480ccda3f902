"""`keyless vault`: the vaults themselves. Owns their commands; what a vault holds is `secret.py`.

Source: Azure REST API, "Vaults" (2023-07-01).
"""

from __future__ import annotations

import click

from keyless.cli import vault_policy
from keyless.cli.command import Keyless, confirm, in_group, with_keyless, yes_option
from keyless.cli.errors import Refused
from keyless.cli.life_cycle import Noun, add_delete, add_show
from keyless.cli.output import Columns, Json, pick
from keyless.cli.resources import VAULT

_VAULT = Noun(
    VAULT, "vault", "shop-vault", {"URL": "properties.vaultUri"}, holds="and every secret in it; it can be recovered"
)
_DELETED: Columns = {
    "name": "name",
    "deleted": lambda item: _time(item, "deletionDate"),
    "goes for good": lambda item: _time(item, "scheduledPurgeDate"),
    "resource ID": "properties.vaultId",
}
_PROVIDER = "providers/Microsoft.KeyVault"


@click.group(short_help="Vaults, which hold secrets.")
def vault() -> None:
    """Vaults, which hold secrets.

    \b
    keyless vault create shop
    keyless secret set shop db-password
    """


@vault.command()
@click.argument("name")
@in_group
@click.option("--access-policies", is_flag=True, help="Let access policies decide instead of roles; you get one.")
@click.option("--retention-days", type=click.IntRange(7, 90), help="How long what is deleted can be recovered.")
@click.option("--purge-protection", is_flag=True, help="Let nobody purge anything earlier. Cannot be taken back.")
@with_keyless
def create(
    keyless: Keyless,
    name: str,
    group: str | None,
    access_policies: bool,
    retention_days: int | None,
    purge_protection: bool,
) -> None:
    """Create a vault. Its name is unique in the whole instance.

    \b
    keyless vault create shop-vault
    keyless vault create shop-vault --retention-days 7
    """
    properties: Json = {}
    if access_policies:
        properties["enableRbacAuthorization"] = False
    if retention_days is not None:
        properties["softDeleteRetentionInDays"] = retention_days
    if purge_protection:
        properties["enablePurgeProtection"] = True
    made = keyless.resources.put(str(keyless.resources.id_of(VAULT, name, group)), {"properties": properties})
    if access_policies:
        owner = keyless.instance.owner_principal_id
        vault_policy.change(keyless, made["id"], "add", owner, vault_policy.PERMISSIONS)
    keyless.output.object(made, _VAULT.details)


@vault.command("list")
@in_group
@click.option("--deleted", is_flag=True, help="Those that are deleted and can be recovered.")
@with_keyless
def list_(keyless: Keyless, group: str | None, deleted: bool) -> None:
    """List every vault, or those of one group.

    \b
    keyless vault list
    keyless vault list --deleted
    """
    if not deleted:
        keyless.output.objects(keyless.resources.all(VAULT, group), _VAULT.row)
        return
    within = str(keyless.resources.group_id(group)).lower() + "/" if group else ""
    found = [one for one in _deleted(keyless) if pick(one, "properties.vaultId").lower().startswith(within)]
    keyless.output.objects(found, _DELETED)


add_show(vault, _VAULT)
add_delete(vault, _VAULT)


@vault.command()
@click.argument("name")
@with_keyless
def recover(keyless: Keyless, name: str) -> None:
    """Bring a deleted vault back, with all that it held. Its role assignments do not come back.

    \b
    keyless vault recover shop-vault
    """
    found = _find_deleted(keyless, name)
    body = {"location": pick(found, "properties.location"), "properties": {"createMode": "recover"}}
    made = keyless.resources.put(pick(found, "properties.vaultId"), body)
    keyless.output.object(made, _VAULT.details)


@vault.command()
@click.argument("name")
@yes_option
@with_keyless
def purge(keyless: Keyless, name: str, yes: bool) -> None:
    """Remove a deleted vault for good, which frees its name.

    \b
    keyless vault purge shop-vault --yes
    """
    found = _find_deleted(keyless, name)
    confirm(f"This removes the vault {found['name']} and every secret in it for good.", yes)
    keyless.resources.post(f"{found['id']}/purge")
    keyless.output.say(f"Purged the vault {found['name']}.")


def _time(item: Json, name: str) -> str:
    """A time of the resource manager's, in the form that all columns have."""
    return str(pick(item, f"properties.{name}")).replace("T", " ")


def _deleted(keyless: Keyless) -> list[Json]:
    return list(keyless.resources.items(f"{keyless.resources.subscription}/{_PROVIDER}/deletedVaults"))


def _find_deleted(keyless: Keyless, name: str) -> Json:
    for one in _deleted(keyless):
        if one["name"].lower() == name.lower():
            return one
    raise Refused(
        f"There is no deleted vault {name!r}: `keyless vault list --deleted` shows those there are.", status=404
    )


vault_policy.add_commands(vault)

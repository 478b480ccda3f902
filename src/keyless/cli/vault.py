"""`keyless vault`: the vaults themselves. Owns their declaration; what a vault holds is `secret.py`."""

from __future__ import annotations

import click

from keyless.cli.life_cycle import Noun, add_create, add_delete, add_list, add_show
from keyless.cli.resources import VAULT

_VAULT = Noun(
    VAULT, "vault", "shop-vault", {"URL": "properties.vaultUri"}, {"properties": {}}, "and every secret in it"
)


@click.group(short_help="Vaults, which hold secrets.")
def vault() -> None:
    """Vaults, which hold secrets.

    \b
    keyless vault create shop
    keyless secret set shop db-password
    """


add_create(vault, _VAULT, "Its name is unique in the whole instance.")
add_list(vault, _VAULT)
add_show(vault, _VAULT)
add_delete(vault, _VAULT)

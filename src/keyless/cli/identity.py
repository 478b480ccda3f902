"""`keyless identity`: user-assigned managed identities. Owns their declaration."""

from __future__ import annotations

import click

from keyless.cli.life_cycle import Noun, add_create, add_delete, add_list, add_show
from keyless.cli.resources import IDENTITY

_IDENTITY = Noun(
    IDENTITY,
    "managed identity",
    "shop",
    {"client ID": "properties.clientId", "principal ID": "properties.principalId"},
)


@click.group(short_help="Managed identities.")
def identity() -> None:
    """User-assigned managed identities: they have a life of their own, and any number of apps can use one.

    \b
    keyless identity create shop
    keyless app create web --identity shop
    """


add_create(identity, _IDENTITY, "One that is there already stays as it is.")
add_list(identity, _IDENTITY)
add_show(identity, _IDENTITY)
add_delete(identity, _IDENTITY, "Its tokens are refused from then on, and apps lose it.")

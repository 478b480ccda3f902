"""`keyless keys`: the keys that sign tokens. Owns the commands; only public parts are ever seen."""

from __future__ import annotations

from urllib.parse import quote

import click

from keyless.cli.command import Keyless, confirm, with_keyless, yes_option
from keyless.cli.output import Columns, time_text

_COLUMNS: Columns = {
    "key ID": "kid",
    "state": "state",
    "created": lambda key: time_text(key.get("created")),
    "signs from": lambda key: time_text(key.get("activated")),
    "ends": lambda key: time_text(key.get("retires")),
}
_KEYS = "providers/Keyless.Authority/signingKeys"


@click.group(short_help="The keys that sign tokens.")
def keys() -> None:
    """The keys that sign tokens. They are rotated by themselves; this is for doing it now.

    \b
    keyless keys list
    keyless keys rotate
    """


@keys.command("list")
@with_keyless
def list_(keyless: Keyless) -> None:
    """List the signing keys.

    \b
    keyless keys list
    """
    keyless.output.objects(list(keyless.resources.items(f"{keyless.resources.subscription}/{_KEYS}")), _COLUMNS)


@keys.command()
@with_keyless
def rotate(keyless: Keyless) -> None:
    """Begin to use a new key. Tokens that the old one signed stay good until they end.

    \b
    keyless keys rotate
    """
    made = keyless.resources.post(f"{keyless.resources.subscription}/{_KEYS}/rotate")
    keyless.output.object(made, _COLUMNS)


@keys.command()
@click.argument("kid", metavar="KEY_ID")
@yes_option
@with_keyless
def revoke(keyless: Keyless, kid: str, yes: bool) -> None:
    """Revoke a key that may be in other hands. Every token that it signed is refused at once.

    \b
    keyless keys revoke qzsNRTto2TbhVOYpciejv9rtr-YYqii2uPTqump4bTM
    """
    confirm(f"Every token that {kid} signed is refused from now on; some programs have to be started again.", yes)
    made = keyless.resources.post(f"{keyless.resources.subscription}/{_KEYS}/{quote(kid, safe='')}/revoke")
    keyless.output.object(made, _COLUMNS)

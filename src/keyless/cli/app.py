"""`keyless app`: apps and the identities assigned to them. Owns their commands; settings are `app_settings.py`."""

from __future__ import annotations

from collections.abc import Mapping

import click

from keyless.cli.app_rules import DEFAULT, Allowed, allow_options, put_rule, rules_of
from keyless.cli.app_settings import add_settings
from keyless.cli.command import Keyless, in_group, with_keyless
from keyless.cli.errors import Refused
from keyless.cli.life_cycle import Noun, add_delete, add_list
from keyless.cli.output import Json, pick
from keyless.cli.resources import APP, IDENTITY
from keyless.model.resource_id import parse_resource_id

_SYSTEM = "SystemAssigned"
_APP = Noun(
    APP,
    "app",
    "web",
    {
        "system-assigned": lambda item: bool(pick(item, "identity.principalId")),
        "identities": lambda item: [parse_resource_id(identity).name for identity in _user_assigned(item)],
    },
)
_identity_option = click.option(
    "--identity", "identities", multiple=True, metavar="IDENTITY", help="Name or resource ID; may be repeated."
)
_vault_identity_option = click.option(
    "--vault-identity", metavar="IDENTITY", help="Which one resolves vault references in settings."
)


@click.group(short_help="Apps: which identities a program runs with.")
def app() -> None:
    """Apps: what a program runs as. An app has identities and settings; it gets tokens for no other identity.

    \b
    keyless app create web --identity shop
    keyless app set web GREETING=hello
    keyless run --app web -- python app.py
    """


@app.command()
@click.argument("name")
@_identity_option
@click.option("--system-assigned", is_flag=True, help="Give it an identity that lives and dies with it.")
@_vault_identity_option
@allow_options
@in_group
@with_keyless
def create(
    keyless: Keyless,
    name: str,
    identities: tuple[str, ...],
    system_assigned: bool,
    vault_identity: str | None,
    uids: tuple[int, ...],
    gids: tuple[int, ...],
    cgroups: tuple[str, ...],
    group: str | None,
) -> None:
    """Create an app. Its name is unique in the whole instance.

    --allow-… make a rule: processes that match all kinds that are given may run as the app.

    \b
    keyless app create web --identity shop
    keyless app create worker --system-assigned --allow-uid 990
    """
    resources = keyless.resources
    body: Json = {"properties": _properties(keyless, vault_identity)}
    if identities or system_assigned:
        user: dict[str, Json | None] = {_id(keyless, i): {} for i in identities}
        body["identity"] = _block(system_assigned, bool(user), user)
    made = resources.put(str(resources.id_of(APP, name, group)), body)
    if allowed := Allowed(uids, gids, cgroups):
        put_rule(keyless, made["id"], DEFAULT, allowed)
    _show(keyless, made)


@app.command()
@click.argument("name")
@in_group
@with_keyless
def show(keyless: Keyless, name: str, group: str | None) -> None:
    """Show an app and its identities.

    \b
    keyless app show web
    """
    _show(keyless, keyless.resources.find(APP, name, group))


@app.command()
@click.argument("name")
@_identity_option
@click.option("--remove-identity", "removed", multiple=True, metavar="IDENTITY", help="Take it away; may be repeated.")
@click.option("--system-assigned/--no-system-assigned", default=None, help="Switch the app's own identity on or off.")
@_vault_identity_option
@in_group
@with_keyless
def assign(
    keyless: Keyless,
    name: str,
    identities: tuple[str, ...],
    removed: tuple[str, ...],
    system_assigned: bool | None,
    vault_identity: str | None,
    group: str | None,
) -> None:
    """Assign identities to an app, or take them away.

    Switched off, a system-assigned identity is deleted; switched on again, it is a new one without roles.

    \b
    keyless app assign web --identity reader --remove-identity shop
    """
    found = keyless.resources.find(APP, name, group)
    body: Json = {}
    if vault_identity:
        body["properties"] = _properties(keyless, vault_identity)
    if identities or removed or system_assigned is not None:
        changes: dict[str, Json | None] = {_id(keyless, i): {} for i in identities}
        changes |= {_assigned(found, i): None for i in removed}
        system = bool(pick(found, "identity.principalId")) if system_assigned is None else system_assigned
        kept = {i.lower() for i in _user_assigned(found)} | {i.lower() for i in changes}
        kept -= {i.lower() for i, change in changes.items() if change is None}
        body["identity"] = _block(system, bool(kept), changes)
    if not body:
        raise click.UsageError("Say what to change: --identity, --remove-identity or --system-assigned")
    _show(keyless, keyless.resources.patch(found["id"], body))


add_list(app, _APP)
add_delete(app, _APP, "Its system-assigned identity and its settings go with it.")
add_settings(app)


def _block(system: bool, has_user: bool, user: Mapping[str, Json | None]) -> Json:
    """The `identity` member of a request; in a change, `user` are those to add, and with None those to take away."""
    kinds = [*([_SYSTEM] if system else []), *(["UserAssigned"] if has_user else [])]
    block: Json = {"type": ", ".join(kinds) or "None"}
    return {**block, "userAssignedIdentities": dict(user)} if has_user and user else block


def _properties(keyless: Keyless, vault_identity: str | None) -> Json:
    if vault_identity is None:
        return {}
    system = vault_identity.lower() in {"system", _SYSTEM.lower()}
    return {"keyVaultReferenceIdentity": _SYSTEM if system else _id(keyless, vault_identity)}


def _id(keyless: Keyless, identity: str) -> str:
    """The resource ID of an identity that is given by name or ID."""
    found: str = keyless.resources.find(IDENTITY, identity)["id"]
    return found


def _assigned(app: Json, identity: str) -> str:
    """The resource ID of an identity that the app has."""
    for held in _user_assigned(app):
        if identity.lower() in {held.lower(), parse_resource_id(held).name.lower()}:
            return held
    raise Refused(f"{app['name']} has no identity {identity!r}: `keyless app show {app['name']}` shows what it has.")


def _user_assigned(app: Json) -> dict[str, Json]:
    return pick(app, "identity.userAssignedIdentities") or {}


def _show(keyless: Keyless, app: Json) -> None:
    columns = dict(_APP.details)
    if pick(app, "identity.principalId"):
        columns["principal ID"] = "identity.principalId"
    chosen = pick(app, "properties.keyVaultReferenceIdentity") or _SYSTEM
    if chosen != _SYSTEM:
        columns["vault identity"] = lambda _app: parse_resource_id(chosen).name
    if not keyless.output.as_json and (rules := rules_of(keyless, app["id"])):
        columns["may run as it"] = lambda _app: rules
    keyless.output.object(app, columns)

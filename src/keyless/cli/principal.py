"""`keyless principal`: who can act here: registrations of applications, users, groups, and everybody else.

Owns the commands on them. Those on an application's credentials are in `principal_credentials.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import click

from keyless.cli import principal_credentials
from keyless.cli.command import Keyless, confirm, with_keyless, yes_option
from keyless.cli.errors import Refused
from keyless.cli.output import Columns, Json
from keyless.cli.principals import GROUP, HELP, OWNER, REGISTRATION, USER, Known
from keyless.cli.secret_input import read_secret
from keyless.model.secretstr import SecretStr

_COLUMNS: Columns = {"kind": "kind", "name": "name", "principal ID": "principalId", "client ID": "clientId"}
_KINDS = ("registration", "user", "group", "identity", "app", "owner")
_MAX_PASSWORD = 256


@click.group(short_help="Applications, users and groups.")
def principal() -> None:
    """Who can act here: applications that have a credential of their own, users and groups.

    Managed identities (`keyless identity`, `keyless app`) are principals too, and need no credential.

    \b
    keyless principal create-app shop-ci
    keyless principal add-secret shop-ci
    keyless principal create-user alice
    keyless principal create-group ops
    keyless principal add-member ops alice
    """


principal_credentials.add_commands(principal)


@principal.command("create-app")
@click.argument("name")
@click.option("--redirect-uri", "redirect_uris", multiple=True, metavar="URI", help="Where sign-in may answer to.")
@click.option("--identifier-uri", "identifier_uris", multiple=True, metavar="URI", help="Its name as a resource.")
@click.option("--public", is_flag=True, help="It runs with people, and keeps no secret.")
@with_keyless
def create_app(
    keyless: Keyless, name: str, redirect_uris: tuple[str, ...], identifier_uris: tuple[str, ...], public: bool
) -> None:
    """Register an application. It is for programs that keyless does not launch, and gets a service principal.

    \b
    keyless principal create-app shop-ci
    keyless principal create-app shop-web --redirect-uri https://shop.example/signed-in
    keyless principal create-app shop-cli --public --redirect-uri http://localhost
    """
    body: Json = {"displayName": name, "identifierUris": [*identifier_uris]}
    body["publicClient" if public else "web"] = {"redirectUris": [*redirect_uris]}
    body["isFallbackPublicClient"] = public
    made = keyless.graph.post("applications", body)
    service = keyless.graph.post("servicePrincipals", {"appId": made["appId"]})
    keyless.output.object(made | {"principalId": service["id"], "tenantId": keyless.instance.tenant}, _REGISTRATION)


@principal.command("create-user")
@click.argument("name")
@click.option("--display-name", help="The name to show.  [default: NAME]")
@click.option("--password", is_flag=True, help="Read a password from standard input, or ask for it.")
@with_keyless
def create_user(keyless: Keyless, name: str, display_name: str | None, password: bool) -> None:
    """Create a user. NAME is like alice@example.org; without an @ it is one of this instance's domain.

    Without --password the user has none, and cannot sign in with one.

    \b
    keyless principal create-user alice --display-name "Alice Liddell"
    keyless principal create-user bob@example.org --password
    """
    upn = name if "@" in name else f"{name}@{keyless.instance.domain}"
    body: Json = {"userPrincipalName": upn, "displayName": display_name or name, "accountEnabled": True}
    if password:
        body["passwordProfile"] = _profile(upn)
    keyless.output.object(keyless.graph.post("users", body), _USER)


@principal.command("set-password")
@click.argument("user")
@with_keyless
def set_password(keyless: Keyless, user: str) -> None:
    """Give a user another password. It comes from standard input or a prompt, and signs the user out everywhere.

    \b
    keyless principal set-password alice
    """
    found = keyless.principals.find(user, USER)
    keyless.graph.patch(f"users/{found.principal_id}", {"passwordProfile": _profile(found.name)})
    keyless.output.say(f"Set the password of {found.name}.")


@principal.command("create-group")
@click.argument("name")
@with_keyless
def create_group(keyless: Keyless, name: str) -> None:
    """Create a group. What is assigned to it counts for its members, through other groups too.

    \b
    keyless principal create-group ops
    """
    keyless.output.object(keyless.graph.post("groups", {"displayName": name}), _NEW_GROUP)


@principal.command(
    "add-member",
    help=f"""Add a principal to a group.

    \b
    keyless principal add-member ops alice

    PRINCIPAL: {HELP}.
    """,
)
@click.argument("group")
@click.argument("principal")
@with_keyless
def add_member(keyless: Keyless, group: str, principal: str) -> None:
    """Add it."""
    into = keyless.principals.find(group, GROUP)
    keyless.graph.add_member(into.principal_id, keyless.principals.principal_id(principal))
    keyless.output.say(f"Added {principal} to {into.name}.")


@principal.command(
    "remove-member",
    help=f"""Take a principal out of a group.

    \b
    keyless principal remove-member ops alice

    PRINCIPAL: {HELP}.
    """,
)
@click.argument("group")
@click.argument("principal")
@with_keyless
def remove_member(keyless: Keyless, group: str, principal: str) -> None:
    """Remove it."""
    out_of = keyless.principals.find(group, GROUP)
    member = keyless.principals.principal_id(principal)
    keyless.graph.delete(f"groups/{out_of.principal_id}/members/{member}/$ref")
    keyless.output.say(f"Took {principal} out of {out_of.name}.")


@principal.command("list")
@click.option("--kind", type=click.Choice(_KINDS), help="Only those of a kind.")
@with_keyless
def list_(keyless: Keyless, kind: str | None) -> None:
    """List everybody who can act here.

    \b
    keyless principal list
    keyless principal list --kind user
    """
    found = [known for known in keyless.principals.all() if kind in {None, known.kind}]
    keyless.output.objects([_row(known) for known in sorted(found, key=lambda one: (one.kind, one.name))], _COLUMNS)


@principal.command()
@click.argument("name")
@with_keyless
def show(keyless: Keyless, name: str) -> None:
    """Show an application, a user or a group. An application comes with its credentials, a group with its members.

    \b
    keyless principal show shop-ci
    keyless principal show group:ops
    """
    found = keyless.principals.find(name)
    if found.kind not in _SHOWN:
        keyless.output.object(_row(found), _COLUMNS)
        return
    path, columns = _SHOWN[found.kind]
    one = keyless.graph.get(path(found))
    if found.kind == REGISTRATION:
        one |= {"principalId": found.principal_id, "tenantId": keyless.instance.tenant}
    if found.kind == GROUP:
        members = keyless.graph.items(f"groups/{found.principal_id}/members")
        one["members"] = sorted(keyless.principals.name(member["id"]) for member in members)
    keyless.output.object(one, columns)


@principal.command()
@click.argument("name")
@yes_option
@with_keyless
def delete(keyless: Keyless, name: str, yes: bool) -> None:
    """Delete an application, a user or a group. What it had counts no more, at once.

    \b
    keyless principal delete shop-ci
    """
    found = keyless.principals.find(name)
    if found.kind == OWNER:
        raise Refused("The owner cannot be deleted.")
    if found.kind not in _SHOWN:
        raise Refused(f"{found.word} is deleted with what it belongs to: `keyless {found.kind} delete {found.name}`.")
    confirm(f"This deletes the {found.kind} {found.name} and ends all its access.", yes)
    keyless.graph.delete(_SHOWN[found.kind][0](found))
    keyless.output.say(f"Deleted the {found.kind} {found.name}.")


def _profile(upn: str) -> Json:
    password: SecretStr = read_secret(f"the password of {upn}", _MAX_PASSWORD)
    return {"password": password.reveal(), "forceChangePasswordNextSignIn": False}


def _row(known: Known) -> Json:
    return {
        "kind": known.kind,
        "name": known.name,
        "principalId": known.principal_id,
        "clientId": known.client_id,
    }


def _credentials(one: Json) -> list[str]:
    held = [*one.get("passwordCredentials", ()), *one.get("keyCredentials", ())]
    return [f"{credential['keyId']} (until {credential['endDateTime'][:10]})" for credential in held]


def _redirects(one: Json) -> list[str]:
    return [uri for kind in ("web", "spa", "publicClient") for uri in one.get(kind, {}).get("redirectUris", ())]


_REGISTRATION: Columns = {
    "name": "displayName",
    "client ID": "appId",
    "tenant ID": "tenantId",
    "principal ID": "principalId",
    "public": "isFallbackPublicClient",
    "redirect URIs": _redirects,
    "identifier URIs": "identifierUris",
    "credentials": _credentials,
}
_USER: Columns = {
    "name": "userPrincipalName",
    "display name": "displayName",
    "principal ID": "id",
    "enabled": "accountEnabled",
}
_NEW_GROUP: Columns = {"name": "displayName", "principal ID": "id"}
_GROUP: Columns = {**_NEW_GROUP, "members": "members"}
_SHOWN: dict[str, tuple[Callable[[Known], str], Columns]] = {
    REGISTRATION: (lambda known: f"applications(appId='{known.client_id}')", _REGISTRATION),
    USER: (lambda known: f"users/{known.principal_id}", _USER),
    GROUP: (lambda known: f"groups/{known.principal_id}", _GROUP),
}

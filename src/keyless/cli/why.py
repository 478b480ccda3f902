"""`keyless why`: whether a principal may do something, and the reason. Owns the command.

Source: Azure REST API, `checkAccess` (2018-09-01-preview).
"""

from __future__ import annotations

import re
import shlex

import click

from keyless.cli import actions, principals, scopes
from keyless.cli.command import Keyless, with_keyless
from keyless.cli.errors import FAILED
from keyless.cli.output import Json, one_line
from keyless.model.access import Permission
from keyless.model.resource_id import parse_resource_id

_AUTHORIZATION = "providers/Microsoft.Authorization"
_PROPOSED = re.compile(r"Assign '([^']+)'")
_PROPOSED_POLICY = re.compile(r"Add the secret permission '([a-z]+)'")


@click.command(
    short_help="Whether somebody may do something, and why.",
    help=f"""Tell whether PRINCIPAL may do ACTION at SCOPE, and why; if not, what would allow it.

    The exit code is 0 if it may, and 1 if it may not.

    \b
    keyless why shop secret.get vault/shop/secrets/db
    keyless why app:web blob.write storage/shopdata/reports

    PRINCIPAL: {principals.HELP}.

    ACTION: {actions.HELP}.

    SCOPE: {scopes.HELP}.
    """,
)
@click.argument("principal")
@click.argument("action")
@click.argument("scope")
@click.option("--data-action/--action", "is_data", default=None, help="What a full name is, if it does not tell.")
@with_keyless
def why(keyless: Keyless, principal: str, action: str, scope: str, is_data: bool | None) -> None:
    """Ask the resource manager, and print the command that would change its answer."""
    permission = _permission(keyless, action, is_data)
    where = keyless.scope(scope)
    who = keyless.principals.principal_id(principal)
    body = {
        "Subject": {"Attributes": {"ObjectId": who}},
        "Actions": [{"Id": permission.action, "IsDataAction": permission.data}],
    }
    (decision,) = keyless.resources.post(f"{where}/{_AUTHORIZATION}/checkAccess", body)
    allowed = decision["accessDecision"] == "Allowed"
    if keyless.output.as_json:
        keyless.output.object(decision, {})
    else:
        click.echo(f"{'Allowed' if allowed else 'Denied'}: {keyless.principals.name(who)}, {permission}, at {scope}")
        click.echo(one_line(keyless.shortened(decision["reason"])))
        if not allowed:
            click.echo(_remedy(keyless, decision, principal, str(where)))
    if not allowed:
        click.get_current_context().exit(FAILED)


def _permission(keyless: Keyless, action: str, is_data: bool | None) -> Permission:
    definitions = keyless.resources.items(f"{keyless.resources.subscription}/{_AUTHORIZATION}/roleDefinitions")
    try:
        return actions.permission_of(action, actions.read_roles(definitions), is_data)
    except KeyError:
        raise click.BadParameter(f"{action!r} is not an action: write {actions.HELP}.") from None


def _remedy(keyless: Keyless, decision: Json, principal: str, scope: str) -> str:
    """The command that would allow it, where the server names a role or a permission."""
    if proposed := _PROPOSED.match(decision["remedy"]):
        words = ["role", "assign", principal, proposed[1], "--scope", keyless.short(scope)]
    elif proposed := _PROPOSED_POLICY.match(decision["remedy"]):
        vault = parse_resource_id(scope).segments[7]
        words = ["vault", "set-policy", vault, principal, "--secret-permissions", proposed[1], "--add"]
    else:
        return str(decision["remedy"])
    return f"To allow it:  {shlex.join(['keyless', *words])}"

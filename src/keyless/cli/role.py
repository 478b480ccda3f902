"""`keyless role`: who may do what, where. Owns the commands on role assignments and role definitions.

Source: Azure REST API, "Role Assignments", "Role Definitions" (2022-04-01).
"""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Callable

import click

from keyless.cli import principals, scopes
from keyless.cli.command import Keyless, with_keyless
from keyless.cli.errors import Refused
from keyless.cli.output import Json, pick
from keyless.model.resource_id import ResourceId, parse_resource_id

_ASSIGNMENTS = "providers/Microsoft.Authorization/roleAssignments"
_DEFINITIONS = "providers/Microsoft.Authorization/roleDefinitions"


@click.group(short_help="Who may do what, where.")
def role() -> None:
    """Role assignments: who may do what, where. What is not assigned is denied.

    \b
    keyless role assign shop "Key Vault Secrets User" --scope vault/shop
    keyless role list --principal shop
    keyless why shop secret.get vault/shop
    """


@role.command()
@click.argument("principal")
@click.argument("role_name", metavar="ROLE")
@click.option("--scope", required=True, help=f"{scopes.HELP}.")
@with_keyless
def assign(keyless: Keyless, principal: str, role_name: str, scope: str) -> None:
    """Assign a role to a principal. It holds at a scope and at everything below it.

    \b
    keyless role assign shop "Key Vault Secrets User" --scope vault/shop/secrets/db
    keyless role assign app:web "Storage Blob Data Reader" --scope storage/shopdata/reports
    """
    definition = _definition(keyless, role_name)
    where = keyless.scope(scope)
    who = keyless.principals.principal_id(principal)
    properties = {"roleDefinitionId": definition["id"], "principalId": who}
    try:
        made = keyless.resources.put(f"{where}/{_ASSIGNMENTS}/{uuid.uuid4()}", {"properties": properties})
    except Refused as error:
        if error.code != "RoleAssignmentExists":
            raise
        made = _find(keyless, who, definition, where)
    keyless.output.object(made, _columns(keyless, {definition["name"]: pick(definition, "properties.roleName")}))


@role.command("list")
@click.option("--principal", help=f"Only those of {principals.HELP}.")
@click.option("--scope", help="Only those that count at this scope or below it.  [default: subscription]")
@with_keyless
def list_(keyless: Keyless, principal: str | None, scope: str | None) -> None:
    """List role assignments.

    One whose principal is deleted gives nothing to anybody; it is shown as such, and can be removed.

    \b
    keyless role list --principal shop
    keyless role list --scope vault/shop
    """
    where = keyless.scope(scope) if scope else keyless.resources.subscription
    query = {"filter": f"principalId eq '{keyless.principals.principal_id(principal)}'"} if principal else {}
    found = list(keyless.resources.items(f"{where}/{_ASSIGNMENTS}", **query))
    if keyless.output.as_json:
        keyless.output.objects(found, {})
        return
    columns = _columns(keyless, _role_names(keyless))
    found.sort(key=lambda item: [column(item) for column in reversed(columns.values())])
    keyless.output.objects(found, columns)


@role.command()
@click.argument("principal", required=False)
@click.argument("role_name", metavar="ROLE", required=False)
@click.option("--scope", help="The scope at which it is assigned.")
@click.option("--id", "assignment", metavar="ID", help="The assignment's own ID, instead of all else.")
@with_keyless
def remove(
    keyless: Keyless, principal: str | None, role_name: str | None, scope: str | None, assignment: str | None
) -> None:
    """Remove a role assignment. It counts at the next request.

    \b
    keyless role remove shop "Key Vault Secrets User" --scope vault/shop/secrets/db
    """
    if assignment and not (principal or role_name or scope):
        found = _by_id(keyless, assignment)
    elif principal and role_name and scope and not assignment:
        definition = _definition(keyless, role_name)
        found = _find(keyless, keyless.principals.principal_id(principal), definition, keyless.scope(scope))
    else:
        raise click.UsageError("Say PRINCIPAL, ROLE and --scope, or --id alone.")
    keyless.resources.delete(found["id"])
    keyless.output.say("Removed the role assignment.")


@role.command()
@with_keyless
def definitions(keyless: Keyless) -> None:
    """List the roles there are.

    \b
    keyless role definitions
    """
    found = list(keyless.resources.items(f"{keyless.resources.subscription}/{_DEFINITIONS}"))
    keyless.output.objects(found, {"role": "properties.roleName", "description": "properties.description"})


def _definition(keyless: Keyless, wanted: str) -> Json:
    """The role definition of a name or GUID; Refused with what comes near if there is none."""
    known = list(keyless.resources.items(f"{keyless.resources.subscription}/{_DEFINITIONS}"))
    names = {pick(item, "properties.roleName").lower(): item for item in known}
    names |= {item["name"].lower(): item for item in known}
    if wanted.lower() in names:
        return names[wanted.lower()]
    near = difflib.get_close_matches(wanted.lower(), names, n=1)
    proposal = f"did you mean {pick(names[near[0]], 'properties.roleName')!r}? " if near else ""
    raise Refused(f"There is no role {wanted!r}: {proposal}`keyless role definitions` lists all.", status=404)


def _find(keyless: Keyless, principal_id: str, definition: Json, scope: ResourceId) -> Json:
    """The assignment of a role to a principal at exactly this scope."""
    for item in keyless.resources.items(f"{scope}/{_ASSIGNMENTS}", filter=f"principalId eq '{principal_id}'"):
        at = parse_resource_id(pick(item, "properties.scope"))
        if at == scope and _role_guid(item) == definition["name"].lower():
            return item
    raise Refused(
        f"{keyless.principals.name(principal_id)} is not assigned {pick(definition, 'properties.roleName')!r} at "
        f"{keyless.short(str(scope))}: `keyless role list` shows what is assigned.",
        status=404,
    )


def _by_id(keyless: Keyless, assignment: str) -> Json:
    """The assignment of an ID: the whole one, or its last part."""
    if assignment.startswith("/"):
        return keyless.resources.get(str(parse_resource_id(assignment)))
    for item in keyless.resources.items(f"{keyless.resources.subscription}/{_ASSIGNMENTS}"):
        if item["name"].lower() == assignment.lower():
            return item
    raise Refused(f"There is no role assignment {assignment!r}: `keyless role list -o json` shows IDs.", status=404)


def _role_names(keyless: Keyless) -> dict[str, str]:
    known = keyless.resources.items(f"{keyless.resources.subscription}/{_DEFINITIONS}")
    return {item["name"].lower(): pick(item, "properties.roleName") for item in known}


def _role_guid(item: Json) -> str:
    return str(pick(item, "properties.roleDefinitionId")).rsplit("/", 1)[-1].lower()


def _columns(keyless: Keyless, roles: dict[str, str]) -> dict[str, Callable[[Json], str]]:
    def who(item: Json) -> str:
        principal_id = pick(item, "properties.principalId")
        if pick(item, "properties.principalType") == "Unknown":
            return f"{principal_id} (deleted principal)"
        return keyless.principals.name(principal_id)

    return {
        "principal": who,
        "role": lambda item: roles.get(_role_guid(item), _role_guid(item)),
        "scope": lambda item: keyless.short(pick(item, "properties.scope")),
    }

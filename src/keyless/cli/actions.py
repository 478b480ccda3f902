"""Actions as people write them: `secret.get` instead of the data action that it stands for.

Owns the shorthand, and telling an action of the resource manager from a data action. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from keyless.cli.output import Json, pick
from keyless.model.access import Permission, Role

_SECRETS = "Microsoft.KeyVault/vaults/secrets"
_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"

SHORT = {
    "secret.get": Permission(f"{_SECRETS}/getSecret/action", data=True),
    "secret.set": Permission(f"{_SECRETS}/setSecret/action", data=True),
    "secret.list": Permission(f"{_SECRETS}/readMetadata/action", data=True),
    "secret.delete": Permission(f"{_SECRETS}/delete", data=True),
    "blob.read": Permission(f"{_CONTAINERS}/blobs/read", data=True),
    "blob.write": Permission(f"{_CONTAINERS}/blobs/write", data=True),
    "blob.delete": Permission(f"{_CONTAINERS}/blobs/delete", data=True),
    "container.list": Permission(f"{_CONTAINERS}/read"),
    "container.create": Permission(f"{_CONTAINERS}/write"),
    "container.delete": Permission(f"{_CONTAINERS}/delete"),
    "app.run": Permission("Microsoft.Web/sites/start/action"),
    "identity.assign": Permission("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"),
    "role.assign": Permission("Microsoft.Authorization/roleAssignments/write"),
}
HELP = f"{', '.join(SHORT)}, or an action or data action in full"


def permission_of(text: str, roles: Iterable[Role], data: bool | None) -> Permission:
    """What a word stands for; `data` says which kind a full name is, None that the roles are to tell.

    KeyError for a word that is neither known nor a full name.
    """
    if text.lower() in SHORT:
        return SHORT[text.lower()]
    if "/" not in text:
        raise KeyError(text)
    return Permission(text, _is_data(text, tuple(roles)) if data is None else data)


def _is_data(action: str, roles: tuple[Role, ...]) -> bool:
    """Whether roles name it as a data action more closely than as an action.

    What a top-level resource itself can do (`Namespace/type/verb`) is never data, though `vaults/*` covers it.
    """
    if action.count("/") < 3:
        return False
    as_data = _closeness(action, (pattern for role in roles for pattern in role.data_actions), data=True)
    as_action = _closeness(action, (pattern for role in roles for pattern in role.actions), data=False)
    return as_data > as_action


def _closeness(action: str, patterns: Iterable[str], *, data: bool) -> int:
    """How many characters of the action the closest pattern spells out before its first `*`; -1 if none fits."""
    permission = Permission(action, data)
    fitting = (p for p in set(patterns) if Role("", "", actions=(p,), data_actions=(p,)).grants(permission))
    return max((len(p.partition("*")[0]) for p in fitting), default=-1)


def read_roles(definitions: Iterable[Json]) -> list[Role]:
    """Roles from role definitions as the resource manager shows them."""
    return [
        Role(
            item["name"],
            pick(item, "properties.roleName"),
            actions=_all(item, "actions"),
            data_actions=_all(item, "dataActions"),
        )
        for item in definitions
    ]


def _all(definition: Json, member: str) -> tuple[str, ...]:
    permissions = pick(definition, "properties.permissions") or []
    return tuple(pattern for permission in permissions for pattern in permission.get(member, ()))

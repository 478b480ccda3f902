"""The `identity` member of a resource: which managed identities are assigned to it.

Owns reading it from a request and showing it. Spellings of the two-sided type differ between resource
providers ("SystemAssigned,UserAssigned", with and without a space): any is read, the spaced one is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keyless.management.arm import object_of, text_of
from keyless.model.errors import invalid
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import parse_resource_id

MAX_USER_IDENTITIES = 100
_USER_ASSIGNED = "microsoft.managedidentity/userassignedidentities"


@dataclass(frozen=True)
class Wanted:
    """What a request asks for."""

    system: bool
    user: tuple[str, ...]


def read_identity(body: Mapping[str, object], old: Resource | None, *, merge: bool) -> Wanted:
    """Read the block; without one what is there stays. With `merge` (PATCH) named identities are added, those
    that are null are taken away."""
    before = Wanted(bool(old and old.system_identity), old.user_identities if old else ())
    if body.get("identity") is None:
        return before
    block = object_of(body, "identity")
    kinds = {part.strip().lower() for part in text_of(block, "type").split(",")}
    if not kinds <= {"none", "systemassigned", "userassigned"} or ("none" in kinds and len(kinds) > 1):
        raise invalid(
            "identity.type is 'None', 'SystemAssigned', 'UserAssigned' or 'SystemAssigned, UserAssigned'.",
            "InvalidIdentityType",
        )
    if "userassigned" not in kinds:
        return Wanted("systemassigned" in kinds, ())
    named = object_of(block, "userAssignedIdentities")
    user = {parse_resource_id(i).key: i for i in before.user} if merge else {}
    for identity, value in named.items():
        resource_id = parse_resource_id(identity)
        # the ID of another app would lend that app's system-assigned identity
        if resource_id.type.lower() != _USER_ASSIGNED:
            raise invalid(f"{identity} is not a user-assigned identity.", "InvalidIdentityId")
        if value is None:
            user.pop(resource_id.key, None)
        else:
            user.setdefault(resource_id.key, str(resource_id))
    if len(user) > MAX_USER_IDENTITIES:
        raise invalid(f"At most {MAX_USER_IDENTITIES} identities can be assigned.", "TooManyIdentities")
    return Wanted("systemassigned" in kinds, tuple(user.values()))


def show_identity(
    resource: Resource, tenant: str, by_resource: Callable[[str], Principal | None]
) -> dict[str, object] | None:
    """The block as an answer shows it; None when no identity is assigned."""
    kinds = [
        *(["SystemAssigned"] if resource.system_identity else []),
        *(["UserAssigned"] if resource.user_identities else []),
    ]
    if not kinds:
        return None
    block: dict[str, object] = {"type": ", ".join(kinds)}
    if resource.system_identity:
        block |= {"principalId": resource.system_identity, "tenantId": tenant}
    if resource.user_identities:
        found = {i: by_resource(parse_resource_id(i).key) for i in resource.user_identities}
        block["userAssignedIdentities"] = {
            i: {"principalId": p.principal_id, "clientId": p.client_id} if p else {} for i, p in found.items()
        }
    return block

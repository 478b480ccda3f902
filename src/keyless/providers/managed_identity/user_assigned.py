"""User-assigned identities: a resource with a service principal of its own.

Owns their declaration, and the view of an identity below the resource that has it.

Source: Azure REST API, "User Assigned Identities" and "System Assigned Identities" (2024-11-30).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from keyless.directory.principals import Directory
from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management import resources as table
from keyless.management.arm import ArmPath, json_response
from keyless.management.resource_type import Draft, ResourceType
from keyless.model.access import Permission, Requirement
from keyless.model.errors import not_found
from keyless.model.identity import PrincipalKind
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.store.engine import Tx

NAME = "Microsoft.ManagedIdentity/userAssignedIdentities"


def user_assigned_identities(directory: Directory, tenant: str) -> ResourceType:
    """The declaration."""

    def view(identity: Resource) -> Mapping[str, object]:
        return {"tenantId": tenant, **identity.properties}

    def written(tx: Tx, old: Resource | None, new: Resource) -> Resource:
        if old is not None:
            return replace(new, properties=old.properties)
        made = directory.create(tx, PrincipalKind.USER_ASSIGNED, new.name, resource_id=str(new.id))
        return replace(new, properties={"principalId": made.principal_id, "clientId": made.client_id})

    def deleted(tx: Tx, gone: Resource) -> None:
        directory.delete(tx, str(gone.properties["principalId"]))
        # an identity of the same name that comes later must not find itself assigned already
        for user in table.read_users(tx, gone.id):
            rest = tuple(i for i in user.user_identities if i.lower() != gone.id.key)
            table.write(tx, replace(user, user_identities=rest), unique=False)

    return ResourceType(
        NAME,
        re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}"),
        "3 to 128 letters, digits, '-' or '_', beginning with a letter or digit.",
        _no_properties,
        view,
        written=written,
        deleted=deleted,
    )


def _no_properties(_draft: Draft) -> Mapping[str, object]:
    return {}


@dataclass(frozen=True)
class IdentityRouter:
    """Adds `{scope}/providers/Microsoft.ManagedIdentity/identities/default` to the declared types."""

    inner: Callable[[str, ArmPath], Operation]
    directory: Directory
    tenant: str
    existing: Callable[[ResourceId], Resource]

    def route(self, method: str, path: ArmPath) -> Operation:
        """See `management.surface.Router`."""
        if method == "GET" and tuple(word.lower() for word in path.rest) == ("identities", "default"):
            action = "Microsoft.ManagedIdentity/identities/read"
            return Operation(action, self._system_assigned(path), (Requirement(path.scope, (Permission(action),)),))
        return self.inner(method, path)

    def _system_assigned(self, path: ArmPath) -> Callable[[Call], Awaitable[Response]]:
        async def handle(_call: Call) -> Response:
            owner = self.existing(path.scope)
            principal = self.directory.by_id(owner.system_identity) if owner.system_identity else None
            if principal is None:
                raise not_found(f"{owner.name!r} has no system-assigned identity.", "IdentityNotFound")
            properties = {
                "tenantId": self.tenant,
                "principalId": principal.principal_id,
                "clientId": principal.client_id,
            }
            body = {"id": str(path.id), "name": "default", "type": "Microsoft.ManagedIdentity/identities"}
            return json_response(200, body | {"location": owner.location, "properties": properties})

        return handle

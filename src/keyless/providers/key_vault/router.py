"""Microsoft.KeyVault in the resource manager, beside its resource type: deleted vaults, and free names.

Owns these REST operations. Vaults themselves are the generic engine's.

Source: Azure REST API, "Vaults" (2023-07-01): List Deleted, Get Deleted, Purge Deleted, Check Name Availability.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management.arm import ArmPath, at_subscription, json_response, list_response, read_object, text_of
from keyless.management.surface import Router
from keyless.model.access import Permission, Requirement
from keyless.model.errors import invalid
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.providers.key_vault.deleted_vaults import DeletedVault, DeletedVaults, no_deleted_vault
from keyless.providers.key_vault.vault import vault_of

_NAMESPACE = "Microsoft.KeyVault"


@dataclass(frozen=True)
class KeyVaultRouter:
    """Serves what stands at a subscription; all else is `vaults`'. `named` finds a vault that is not deleted."""

    vaults: Router
    deleted: DeletedVaults
    named: Callable[[str], Resource | None]
    name_pattern: re.Pattern[str]
    name_rule: str

    def route(self, method: str, path: ArmPath) -> Operation:
        """See `management.surface.Router`."""
        words = tuple(word.lower() for word in path.rest)
        match (method, words):
            case ("GET", ("deletedvaults",)):
                return _operation("deletedVaults/read", path, lambda _call: self._list(path.scope))
            case ("GET", ("locations", location, "deletedvaults", name)):
                return _operation("locations/deletedVaults/read", path, lambda _call: self._get(path, location, name))
            case ("POST", ("locations", location, "deletedvaults", name, "purge")):
                action = "locations/deletedVaults/purge/action"
                return _operation(action, path, lambda _call: self._purge(path, location, name), changes=True)
            case ("POST", ("checknameavailability",)):
                return _operation("checkNameAvailability/read", path, self._check_name)
        return self.vaults(method, path)

    async def _list(self, scope: ResourceId) -> Response:
        found = await self.deleted.all()
        return list_response([_show(one) for one in found if scope.contains(one.resource.id)])

    async def _get(self, path: ArmPath, location: str, name: str) -> Response:
        return json_response(200, _show(await self._existing(path, location, name)))

    async def _purge(self, path: ArmPath, location: str, name: str) -> Response:
        await self.deleted.purge(await self._existing(path, location, name))
        return Response(200)

    async def _existing(self, path: ArmPath, location: str, name: str) -> DeletedVault:
        found = await self.deleted.find(name)
        if found is None or not path.scope.contains(found.resource.id) or _place(found) != location.replace(" ", ""):
            raise no_deleted_vault(name)
        return found

    async def _check_name(self, call: Call) -> Response:
        body = await read_object(call.request)
        name = text_of(body, "name")
        if text_of(body, "type").lower() != f"{_NAMESPACE}/vaults".lower():
            raise invalid(f"The type is {_NAMESPACE}/vaults.", "BadRequest")
        if not self.name_pattern.fullmatch(name):
            reason, message = "AccountNameInvalid", f"{name!r} is not a name for a vault: {self.name_rule}"
        elif self.named(name) or await self.deleted.find(name):
            reason, message = "AlreadyExists", f"The name {name!r} is taken, or a deleted vault holds it still."
        else:
            return json_response(200, {"nameAvailable": True})
        return json_response(200, {"nameAvailable": False, "reason": reason, "message": message})


def _operation(
    action: str, path: ArmPath, handle: Callable[[Call], Awaitable[Response]], *, changes: bool = False
) -> Operation:
    full = f"{_NAMESPACE}/{action}"
    need = Requirement(at_subscription(path).scope, (Permission(full),))
    return Operation(full, handle, (need,), changes=changes)


def _place(vault: DeletedVault) -> str:
    return vault.resource.location.lower().replace(" ", "")


def _show(vault: DeletedVault) -> dict[str, object]:
    was = vault.resource
    scope = ResourceId(was.id.segments[:2])
    return {
        "id": f"{scope}/providers/{_NAMESPACE}/locations/{_place(vault)}/deletedVaults/{was.name}",
        "name": was.name,
        "type": f"{_NAMESPACE}/deletedVaults",
        "properties": {
            "vaultId": str(was.id),
            "location": was.location,
            "tags": dict(was.tags),
            "deletionDate": _date(vault.deleted),
            "scheduledPurgeDate": _date(vault.due),
            **({"purgeProtectionEnabled": True} if vault_of(was).purge_protected else {}),
        },
    }


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

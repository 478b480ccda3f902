"""An account's Blob service in the resource manager: `…/storageAccounts/{account}/blobServices/default`.

Owns its reading and its setting. What Set Blob Service Properties of the data plane can say, and what only this can:
versioning, and the soft delete of containers.

Source: Azure REST API, "Blob Services - Set Service Properties" (2023-05-01).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.management.arm import flag_of, json_response, list_response, object_of, read_object
from keyless.management.resource_type import SubOperation
from keyless.model.errors import KeylessError, invalid
from keyless.model.resource import Resource
from keyless.providers.storage.errors import unsupported
from keyless.providers.storage.tables.services import MAX_DAYS, Policy, Services

_TYPE = "Microsoft.Storage/storageAccounts/blobServices"
#: What can be said but not switched on, and by which member it would be.
_OFF = {
    "changeFeed": "enabled",
    "restorePolicy": "enabled",
    "lastAccessTimeTrackingPolicy": "enable",
}


@dataclass(frozen=True)
class BlobServices:
    """The operations on the Blob service of an account."""

    services: Services

    def operations(self) -> Mapping[tuple[str, str], SubOperation]:
        """By method and what follows the account in the path."""
        return {
            ("GET", "blobservices"): SubOperation(f"{_TYPE}/read", self._list),
            ("GET", "blobservices/default"): SubOperation(f"{_TYPE}/read", self._get),
            ("PUT", "blobservices/default"): SubOperation(f"{_TYPE}/write", self._put, changes=True),
        }

    async def _list(self, _call: Call, account: Resource) -> Response:
        return list_response([_view(account, await self.services.get(account.id.key))])

    async def _get(self, _call: Call, account: Resource) -> Response:
        return json_response(200, _view(account, await self.services.get(account.id.key)))

    async def _put(self, call: Call, account: Resource) -> Response:
        body = object_of(await read_object(call.request), "properties")
        wanted = {name: value for name, value in body.items() if value is not None}
        _parse(wanted, Policy())  # what is wrong is refused before anything is written
        policy = await self.services.change(account.id.key, lambda there: _parse(wanted, there))
        return json_response(200, _view(account, policy))


def _parse(wanted: Mapping[str, object], there: Policy) -> Policy:
    """The policy with what is named changed; raises INVALID or UNSUPPORTED."""
    for name, member in _OFF.items():
        if flag_of(object_of(wanted, name), member, False):
            raise unsupported(f"{name} of the Blob service")
    if object_of(wanted, "cors").get("corsRules"):
        raise unsupported("CORS rules")
    if wanted.get("defaultServiceVersion"):
        raise unsupported("a default version of the Blob service")
    return replace(
        there,
        delete_days=_days(wanted, "deleteRetentionPolicy", there.delete_days),
        container_days=_days(wanted, "containerDeleteRetentionPolicy", there.container_days),
        versioning=flag_of(wanted, "isVersioningEnabled", there.versioning),
    )


def _days(wanted: Mapping[str, object], name: str, there: int) -> int:
    if name not in wanted:
        return there
    policy = object_of(wanted, name)
    if flag_of(policy, "allowPermanentDelete", False):
        raise unsupported("permanent deletion of what is kept")
    if not flag_of(policy, "enabled", False):
        return 0
    days = policy.get("days")
    if type(days) is not int or not 1 <= days <= MAX_DAYS:
        raise _bad_days(name)
    return days


def _bad_days(name: str) -> KeylessError:
    return invalid(f"The days of {name} must be a number from 1 to {MAX_DAYS}.", "InvalidRequestPropertyValue")


def _view(account: Resource, policy: Policy) -> dict[str, object]:
    return {
        "id": f"{account.id}/blobServices/default",
        "name": "default",
        "type": _TYPE,
        "sku": {"name": "Standard_LRS", "tier": "Standard"},
        "properties": {
            "cors": {"corsRules": []},
            "deleteRetentionPolicy": _retention(policy.delete_days),
            "containerDeleteRetentionPolicy": _retention(policy.container_days),
            "isVersioningEnabled": policy.versioning,
            "changeFeed": {"enabled": False},
            "restorePolicy": {"enabled": False},
        },
    }


def _retention(days: int) -> dict[str, object]:
    return {"enabled": True, "days": days, "allowPermanentDelete": False} if days else {"enabled": False}

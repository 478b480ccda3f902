"""The settings of foreign issuers as a resource type of the subscription: list, get, put, delete.

Owns these REST operations. A provider of our own, since the cloud's operator decides alone where it fetches keys from.
Who may write them may speak for every identity that trusts the issuer, so they are a matter of authorisation: who
manages resources only (Contributor) does not have them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from keyless.authority.federation.foreign_keys import parse_key_set
from keyless.authority.federation.https_get import check_roots
from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management.arm import (
    ArmPath,
    at_subscription,
    flag_of,
    json_response,
    list_response,
    object_of,
    read_object,
    text_of,
)
from keyless.model.access import Permission, Requirement
from keyless.model.errors import KeylessError, invalid, not_found
from keyless.model.federation import IssuerSettings, check_issuer
from keyless.model.resource_id import ResourceId
from keyless.providers.federation.issuers import Issuers

NAMESPACE = "Keyless.Federation"
_TYPE = f"{NAMESPACE}/issuers"
_WRITE = "Microsoft.Authorization/issuers/write"
_DELETE = "Microsoft.Authorization/issuers/delete"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,119}")


@dataclass(frozen=True)
class IssuersRouter:
    """Serves `{subscription}/providers/Keyless.Federation/issuers`."""

    issuers: Issuers

    def route(self, method: str, path: ArmPath) -> Operation:
        """See `management.surface.Router`."""
        scope = at_subscription(path).scope
        match (method, *path.rest):
            case ("GET", kind) if kind.lower() == "issuers":
                return _operation(f"{_TYPE}/read", scope, lambda _call: self._list(scope))
            case ("GET", kind, name) if kind.lower() == "issuers":
                return _operation(f"{_TYPE}/read", scope, lambda _call: self._get(scope, name))
            case ("PUT", kind, name) if kind.lower() == "issuers":
                return _operation(_WRITE, scope, lambda call: self._put(call, scope, name), changes=True)
            case ("DELETE", kind, name) if kind.lower() == "issuers":
                return _operation(_DELETE, scope, lambda _call: self._delete(name), changes=True)
        raise not_found(f"There is no {method} {NAMESPACE}/{'/'.join(path.rest)} here.", "InvalidResourceType")

    async def _list(self, scope: ResourceId) -> Response:
        return list_response([_show(scope, name, settings) for name, settings in self.issuers.all()])

    async def _get(self, scope: ResourceId, name: str) -> Response:
        settings = self.issuers.get(name)
        if settings is None:
            raise not_found(f"There are no settings of an issuer under the name {name!r}.", "ResourceNotFound")
        return json_response(200, _show(scope, name.lower(), settings))

    async def _put(self, call: Call, scope: ResourceId, name: str) -> Response:
        if not _NAME.fullmatch(name):
            raise invalid(
                f"{name!r} is not a name for it: 3 to 120 letters, digits, '.', '-' or '_'.", "InvalidResourceName"
            )
        properties = object_of(await read_object(call.request), "properties")
        key_set = object_of(properties, "keySet")
        settings = IssuerSettings(
            check_issuer(text_of(properties, "issuer")),
            msgspec.json.encode(key_set) if key_set else None,
            text_of(properties, "certificateAuthority", ""),
            flag_of(properties, "allowPrivate", False),
        )
        _check(settings)
        created = await self.issuers.put(name, settings)
        return json_response(201 if created else 200, _show(scope, name.lower(), settings))

    async def _delete(self, name: str) -> Response:
        if self.issuers.get(name) is None:
            return Response(204)
        await self.issuers.delete(name)
        return Response(200)


def _check(settings: IssuerSettings) -> None:
    try:
        if settings.key_set is not None:
            parse_key_set(settings.key_set)
        if settings.ca_pem:
            check_roots(settings.ca_pem)
    except KeylessError as error:
        raise invalid(f"The issuer's settings cannot be taken: {error.message}.", error.code) from error


def _operation(
    action: str, scope: ResourceId, handle: Callable[[Call], Awaitable[Response]], *, changes: bool = False
) -> Operation:
    return Operation(action, handle, (Requirement(scope, (Permission(action),)),), changes=changes)


def _show(scope: ResourceId, name: str, settings: IssuerSettings) -> dict[str, object]:
    properties: dict[str, object] = {"issuer": settings.issuer, "allowPrivate": settings.allow_private}
    if settings.key_set is not None:
        properties["keySet"] = msgspec.json.decode(settings.key_set)
    if settings.ca_pem:
        properties["certificateAuthority"] = settings.ca_pem
    return {"id": f"{scope}/providers/{_TYPE}/{name}", "name": name, "type": _TYPE, "properties": properties}

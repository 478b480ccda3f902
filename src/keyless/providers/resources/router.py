"""Tenants, subscriptions and resource groups: the paths that have no provider's namespace.

Owns those paths. A resource group is a declared type like any other; only its path differs.

Source: Azure REST API, "Subscriptions" (2022-12-01), "Resource Groups" (2021-04-01), "Providers".
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management.arm import ArmPath, json_response, list_response
from keyless.management.engine import RESOURCE_GROUP, Engine
from keyless.management.resource_type import Draft, ResourceType
from keyless.model.access import Permission, Requirement
from keyless.model.errors import invalid, not_found
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId

_SUBSCRIPTION_READ = "Microsoft.Resources/subscriptions/read"


def _no_properties(_draft: Draft) -> Mapping[str, object]:
    return {}


def _view_group(_group: Resource) -> Mapping[str, object]:
    return {"provisioningState": "Succeeded"}


RESOURCE_GROUPS = ResourceType(
    RESOURCE_GROUP,
    re.compile(r"[\w().-]{0,89}[\w()-]"),
    "1 to 90 letters, digits, '_', '-', '.', '(' or ')', and no '.' at the end.",
    _no_properties,
    _view_group,
    action_prefix="Microsoft.Resources/subscriptions/resourceGroups",
)


@dataclass(frozen=True)
class ResourcesRouter:
    """Serves what is above the resource providers."""

    engine: Engine
    subscription: str
    has_any_role: Callable[[Principal], bool]

    def route(self, method: str, path: ArmPath) -> Operation:
        """See `management.surface.Router`."""
        words = tuple(segment.lower() for segment in path.id.segments)
        match words:
            case () | ("subscriptions",) if method == "GET":
                return Operation(_SUBSCRIPTION_READ, self._subscriptions, self_service=True)
            case ("tenants",) if method == "GET":
                return Operation("Microsoft.Resources/tenants/read", self._tenants, self_service=True)
            case ("subscriptions", _) if method == "GET":
                return self._read(_SUBSCRIPTION_READ, path.id, self._subscription)
            case ("subscriptions", _, "resourcegroups") if method == "GET":
                return self._read(RESOURCE_GROUPS.action("read"), _above(path.id), self._groups)
            case ("subscriptions", _, "resources") | ("subscriptions", _, "resourcegroups", _, "resources") if (
                method == "GET"
            ):
                scope = _above(path.id)
                return self._read("Microsoft.Resources/subscriptions/resources/read", scope, self._below(scope))
            case ("subscriptions", _, "resourcegroups", _):
                return self.engine.on_resource(method, RESOURCE_GROUPS, path.id)
        raise not_found(f"There is no {method} {path.id} here.", "InvalidResourceType")

    @staticmethod
    def _read(action: str, scope: ResourceId, handle: Callable[[Call], Awaitable[Response]]) -> Operation:
        return Operation(action, handle, (Requirement(scope, (Permission(action),)),))

    async def _subscriptions(self, call: Call) -> Response:
        # as in the cloud, whoever has a role at it or anywhere below it finds it in the list
        return list_response([self._show()] if self.has_any_role(call.caller) else [])

    async def _tenants(self, _call: Call) -> Response:
        tenant = self.engine.tenant
        return list_response([{"id": f"/tenants/{tenant}", "tenantId": tenant, "displayName": "keyless"}])

    async def _subscription(self, call: Call) -> Response:
        if self.subscription not in call.request.path.lower():
            raise not_found("There is no such subscription here.", "SubscriptionNotFound")
        return json_response(200, self._show())

    def _show(self) -> dict[str, object]:
        return {
            "id": f"/subscriptions/{self.subscription}",
            "subscriptionId": self.subscription,
            "tenantId": self.engine.tenant,
            "displayName": "keyless",
            "state": "Enabled",
        }

    async def _groups(self, call: Call) -> Response:
        scope = _above(ResourceId(tuple(s for s in call.request.segments() if s)))
        return self.engine.page(call, self.engine.resources.below(scope, RESOURCE_GROUP))

    def _below(self, scope: ResourceId) -> Callable[[Call], Awaitable[Response]]:
        async def handle(call: Call) -> Response:
            found = self.engine.tracked(self.engine.resources.below(scope))
            return self.engine.page(call, (r for r in found if r.id.type != RESOURCE_GROUP))

        return handle


@dataclass(frozen=True)
class ProvidersRouter:
    """`…/providers/{namespace}` and its `register`: clients ask for both before they use a provider."""

    inner: Callable[[str, ArmPath], Operation]
    namespace: str

    def route(self, method: str, path: ArmPath) -> Operation:
        """See `management.surface.Router`."""
        registers = method == "POST" and tuple(r.lower() for r in path.rest) == ("register",)
        if registers or (method == "GET" and not path.rest):
            return Operation(f"{self.namespace}/register/action", self._show, self_service=True)
        if not path.rest:
            raise invalid(f"{method} needs a resource type.", "MethodNotAllowed")
        return self.inner(method, path)

    async def _show(self, _call: Call) -> Response:
        return json_response(200, {"namespace": self.namespace, "registrationState": "Registered", "resourceTypes": []})


def _above(resource_id: ResourceId) -> ResourceId:
    return ResourceId(resource_id.segments[:-1])

"""`Microsoft.Web/sites/{app}/instances`: making, listing and revoking instances that keyless does not start.

Owns these REST operations. The cloud lists an app's instances here as well; making one is keyless's own, and shows the
secret in its answer, once. To make one is to borrow the app's identities, so the right to launch is needed too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management.arm import ArmPath, json_response, list_response, object_of, page_of, read_object, text_of
from keyless.management.surface import Router
from keyless.model.access import Permission, Requirement
from keyless.model.app import LAUNCH
from keyless.model.errors import invalid, not_found
from keyless.model.hosts import APP_SERVICE
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.workload.hosted import DEFAULT_LIFETIME, Hosted, HostedInstances, Wanted, read_sources

TYPE = "Microsoft.Web/sites/instances"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,58}[A-Za-z0-9])?")
_SITE = 2


@dataclass(frozen=True)
class HostedRouter:
    """Answers for `instances` below a site; `otherwise` for the rest of the provider."""

    otherwise: Router
    existing: Callable[[ResourceId], Resource]
    hosted: HostedInstances

    def route(self, method: str, path: ArmPath) -> Operation:
        """The operation that a path names."""
        kinds = tuple(kind.lower() for kind in path.rest[::2])
        if kinds != ("sites", "instances") or not path.scope.resource_group:
            return self.otherwise(method, path)
        app = ResourceId(path.id.segments[: len(path.id.segments) - len(path.rest) + _SITE])
        if len(path.rest) == _SITE + 1:
            return self._on_all(method, app)
        return self._on_one(method, app, path.id)

    def _on_all(self, method: str, app: ResourceId) -> Operation:
        if method != "GET":
            raise invalid(f"{method} needs the name of an instance.", "MethodNotAllowed")

        async def handle(call: Call) -> Response:
            self.existing(app)
            shown, link = page_of(call.request, self.hosted.of_app(app), lambda one: one.name.lower())
            return list_response([_view(one) for one in shown], link)

        return Operation(f"{TYPE}/read", handle, (_need(app, f"{TYPE}/read"),))

    def _on_one(self, method: str, app: ResourceId, instance: ResourceId) -> Operation:
        async def get(_call: Call) -> Response:
            self.existing(app)
            held = self.hosted.get(app, instance.name)
            if held is None:
                raise not_found(f"{instance} is not there.", "ResourceNotFound")
            return json_response(200, _view(held))

        async def put(call: Call) -> Response:
            wanted = _wanted(instance.name, await read_object(call.request))
            made, secret = await self.hosted.create(self.existing(app), wanted)
            return json_response(201, _view(made, headerSecret=secret.reveal()))

        async def delete(_call: Call) -> Response:
            self.existing(app)
            return Response(200 if await self.hosted.revoke(app, instance.name) else 204)

        if method == "GET":
            return Operation(f"{TYPE}/read", get, (_need(instance, f"{TYPE}/read"),))
        if method == "PUT":
            needs = (_need(instance, f"{TYPE}/write"), _need(app, LAUNCH))
            return Operation(f"{TYPE}/write", put, needs, changes=True)
        if method == "DELETE":
            return Operation(f"{TYPE}/delete", delete, (_need(instance, f"{TYPE}/delete"),), changes=True)
        raise invalid(f"{method} is not an operation of {TYPE}.", "MethodNotAllowed")


def _need(scope: ResourceId, action: str) -> Requirement:
    return Requirement(scope, (Permission(action),))


def _wanted(name: str, body: Mapping[str, object]) -> Wanted:
    if not _NAME.fullmatch(name):
        raise invalid(
            f"{name!r} is not a name for it: 1 to 60 letters, digits or '-', with a letter or digit at both ends.",
            "InvalidResourceName",
        )
    properties = object_of(body, "properties")
    lifetime = properties.get("lifetimeSeconds", DEFAULT_LIFETIME)
    sources = properties.get("sources", [])
    if not isinstance(lifetime, int) or isinstance(lifetime, bool):
        raise invalid("'lifetimeSeconds' is a number.", "InvalidLifetime")
    if not isinstance(sources, list):
        raise invalid("'sources' is a list of networks, such as 172.17.0.0/16.", "InvalidSource")
    return Wanted(
        name, text_of(properties, "hostShape", APP_SERVICE), lifetime, read_sources([str(s) for s in sources])
    )


def _view(one: Hosted, **more: str) -> Mapping[str, object]:
    properties = {
        "hostShape": one.host,
        "sources": [str(network) for network in one.sources],
        "createdOn": _moment(one.created),
        "expiresOn": _moment(one.expires),
        "lastUsedOn": _moment(one.last_used) if one.last_used is not None else None,
        **more,
    }
    return {"id": f"{one.app}/instances/{one.name}", "name": one.name, "type": TYPE, "properties": properties}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

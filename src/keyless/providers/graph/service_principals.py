"""`/servicePrincipals`: the principals of applications, of managed identities and of the owner.

Owns their operations. Those of managed identities come and go with their resources, and are only shown.

Source: Microsoft Graph v1.0, "servicePrincipal resource type" and its methods.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keyless.directory.applications import Application, Applications
from keyless.directory.principals import Directory
from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management.arm import flag_of, text_of
from keyless.model.errors import conflict, not_found
from keyless.model.identity import Principal, PrincipalKind
from keyless.providers.graph.bodies import read_body
from keyless.providers.graph.credentials import Credentials
from keyless.providers.graph.memberships import Memberships
from keyless.providers.graph.odata import collection, entity
from keyless.providers.graph.rights import changes, reads
from keyless.providers.graph.surface import find
from keyless.store.engine import Store, Tx

KIND = "servicePrincipals"
KINDS = (PrincipalKind.APPLICATION, PrincipalKind.SYSTEM_ASSIGNED, PrincipalKind.USER_ASSIGNED)


@dataclass(frozen=True)
class ServicePrincipalsApi:
    """See `surface.Collection`."""

    store: Store
    directory: Directory
    applications: Applications
    credentials: Credentials
    memberships: Memberships
    tenant: str

    def route(self, method: str, key: str, rest: tuple[str, ...]) -> Operation:
        routes = {
            ("GET", ""): lambda: reads(KIND, self._list),
            ("POST", ""): lambda: changes(f"{KIND}/create", self._create),
            ("GET", "{id}"): lambda: reads(KIND, self._on(key, self._get)),
            ("PATCH", "{id}"): lambda: changes(f"{KIND}/basic/update", self._on(key, self._update)),
            ("DELETE", "{id}"): lambda: changes(f"{KIND}/delete", self._on(key, self._delete)),
            ("POST", "{id}/addpassword"): lambda: changes(
                "applications/credentials/update", self._on(key, self._add_password)
            ),
            ("POST", "{id}/removepassword"): lambda: changes(
                "applications/credentials/update", self._on(key, self._remove_password)
            ),
            ("GET", "{id}/memberof"): lambda: reads(KIND, self.memberships.of(key, whole=False)),
            ("GET", "{id}/transitivememberof"): lambda: reads(KIND, self.memberships.of(key, whole=True)),
        }
        return find(KIND, method, key, rest, routes)

    def _on(
        self, key: str, handle: Callable[[Call, Principal], Awaitable[Response]]
    ) -> Callable[[Call], Awaitable[Response]]:
        async def found(call: Call) -> Response:
            one = self.directory.by_id(key) or self.directory.by_client_id(key)
            if one is None or one.kind not in KINDS:
                raise not_found(f"There is no service principal {key!r}.")
            return await handle(call, one)

        return found

    async def _list(self, call: Call) -> Response:
        return collection(call.request, map(self.view, self.directory.of_kind(*KINDS)))

    async def _get(self, call: Call, one: Principal) -> Response:
        return entity(call.request, self.view(one))

    async def _create(self, call: Call) -> Response:
        body = await read_body(call.request, ("appId", "accountEnabled", "displayName"))
        client_id, enabled = text_of(body, "appId"), flag_of(body, "accountEnabled", True)

        def work(tx: Tx) -> Principal:
            made = self.applications.create_service_principal(tx, client_id)
            return made if enabled else self.directory.update(tx, made.principal_id, enabled=False)

        return entity(call.request, self.view(await self.store.write(work)), 201)

    async def _update(self, call: Call, one: Principal) -> Response:
        enabled = flag_of(await read_body(call.request, ("accountEnabled",)), "accountEnabled", one.enabled)
        self._registered(one)
        await self.store.write(lambda tx: self.directory.update(tx, one.principal_id, enabled=enabled))
        return Response(204)

    async def _delete(self, _call: Call, one: Principal) -> Response:
        self._registered(one)
        await self.store.write(lambda tx: self.directory.delete(tx, one.principal_id))
        return Response(204)

    async def _add_password(self, call: Call, one: Principal) -> Response:
        return await self.credentials.add_password(call, self._registered(one).object_id)

    async def _remove_password(self, call: Call, one: Principal) -> Response:
        return await self.credentials.remove_password(call, self._registered(one).object_id)

    def _registered(self, one: Principal) -> Application:
        """The registration; raises CONFLICT for those whose life is decided elsewhere."""
        found = self.applications.by_client_id(one.client_id)
        if found is None:
            what = "belongs to a resource" if one.resource_id else "is the owner's"
            raise conflict(f"The service principal {one.display_name!r} {what}: it cannot be changed here.")
        return found

    def view(self, one: Principal) -> dict[str, object]:
        """As an answer shows it."""
        application = self.applications.by_client_id(one.client_id)
        uris = application.identifier_uris if application else ()
        return {
            "id": one.principal_id,
            "appId": one.client_id,
            "displayName": one.display_name,
            "appDisplayName": one.display_name,
            "accountEnabled": one.enabled,
            "servicePrincipalType": "Application" if one.kind is PrincipalKind.APPLICATION else "ManagedIdentity",
            "servicePrincipalNames": [one.client_id, *uris],
            "alternativeNames": [one.resource_id] if one.resource_id else [],
            "appOwnerOrganizationId": self.tenant,
            "appRoles": [],
            "keyCredentials": [],
            "passwordCredentials": [],
            "tags": [],
        }

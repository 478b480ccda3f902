"""`/groups`: groups and their members.

Owns their operations. All groups here are security groups with assigned members.

Source: Microsoft Graph v1.0, "group resource type" and its methods.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keyless.directory.groups import Groups
from keyless.directory.principals import Directory
from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management.arm import text_of
from keyless.model.errors import invalid, not_found
from keyless.model.identity import Principal, PrincipalKind
from keyless.providers.graph.bodies import display_name, must_be, read_body
from keyless.providers.graph.memberships import Memberships
from keyless.providers.graph.odata import collection, entity
from keyless.providers.graph.rights import changes, reads
from keyless.providers.graph.surface import find
from keyless.store.engine import Store

KIND = "groups"
_MEMBERS = f"{KIND}/members/update"
_PROPERTIES = ("displayName", "mailEnabled", "mailNickname", "securityEnabled", "groupTypes")
_REFERENCE = re.compile(
    r"https://[^/]{1,255}/v1\.0/(?:directoryObjects|users|groups|servicePrincipals)/([0-9a-f-]{36})", re.IGNORECASE
)


@dataclass(frozen=True)
class GroupsApi:
    """See `surface.Collection`."""

    store: Store
    directory: Directory
    groups: Groups
    memberships: Memberships

    def route(self, method: str, key: str, rest: tuple[str, ...]) -> Operation:
        match tuple(map(str.lower, rest)):
            case ("members", member, "$ref") if method == "DELETE" and key:
                return changes(_MEMBERS, self._on(key, self._remove(member)))
        routes = {
            ("GET", ""): lambda: reads(KIND, self._list),
            ("POST", ""): lambda: changes(f"{KIND}/create", self._create),
            ("GET", "{id}"): lambda: reads(KIND, self._on(key, self._get)),
            ("PATCH", "{id}"): lambda: changes(f"{KIND}/basic/update", self._on(key, self._update)),
            ("DELETE", "{id}"): lambda: changes(f"{KIND}/delete", self._on(key, self._delete)),
            ("GET", "{id}/members"): lambda: reads(KIND, self._on(key, self._members)),
            ("POST", "{id}/members/$ref"): lambda: changes(_MEMBERS, self._on(key, self._add)),
            ("GET", "{id}/memberof"): lambda: reads(KIND, self.memberships.of(key, whole=False)),
            ("GET", "{id}/transitivememberof"): lambda: reads(KIND, self.memberships.of(key, whole=True)),
        }
        return find(KIND, method, key, rest, routes)

    def _on(
        self, key: str, handle: Callable[[Call, Principal], Awaitable[Response]]
    ) -> Callable[[Call], Awaitable[Response]]:
        async def found(call: Call) -> Response:
            one = self.directory.by_id(key)
            if one is None or one.kind is not PrincipalKind.GROUP:
                raise not_found(f"There is no group {key!r}.")
            return await handle(call, one)

        return found

    async def _list(self, call: Call) -> Response:
        return collection(call.request, map(view, self.directory.of_kind(PrincipalKind.GROUP)))

    async def _get(self, call: Call, one: Principal) -> Response:
        return entity(call.request, view(one))

    async def _create(self, call: Call) -> Response:
        body = await read_body(call.request, _PROPERTIES)
        name = display_name(body)
        must_be(body, "mailEnabled", False)
        must_be(body, "securityEnabled", True)
        must_be(body, "groupTypes", [])
        return entity(call.request, view(await self.store.write(lambda tx: self.groups.create(tx, name))), 201)

    async def _update(self, call: Call, one: Principal) -> Response:
        name = display_name(await read_body(call.request, ("displayName",)))
        await self.store.write(lambda tx: self.directory.update(tx, one.principal_id, display_name=name))
        return Response(204)

    async def _delete(self, _call: Call, one: Principal) -> Response:
        await self.store.write(lambda tx: self.directory.delete(tx, one.principal_id))
        return Response(204)

    async def _members(self, call: Call, one: Principal) -> Response:
        members = [member.principal_id for member in self.groups.members(one.principal_id)]
        return collection(call.request, self.memberships.shown(members))

    async def _add(self, call: Call, one: Principal) -> Response:
        match = _REFERENCE.fullmatch(text_of(await read_body(call.request, ()), "@odata.id"))
        if match is None:
            raise invalid("'@odata.id' is the URL of an object, https://graph.microsoft.com/v1.0/directoryObjects/ID.")
        member = match[1].lower()
        await self.store.write(lambda tx: Groups.add(tx, one.principal_id, member))
        return Response(204)

    def _remove(self, member: str) -> Callable[[Call, Principal], Awaitable[Response]]:
        async def handle(_call: Call, one: Principal) -> Response:
            await self.store.write(lambda tx: Groups.remove(tx, one.principal_id, member))
            return Response(204)

        return handle


def view(one: Principal) -> dict[str, object]:
    """As an answer shows it."""
    return {
        "id": one.principal_id,
        "displayName": one.display_name,
        "description": None,
        "groupTypes": [],
        "mailEnabled": False,
        "mailNickname": None,
        "securityEnabled": True,
    }

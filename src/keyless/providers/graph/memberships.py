"""Which groups an object is in, and objects of whatever kind by their IDs: `/directoryObjects`.

Owns these operations.

Source: Microsoft Graph v1.0, "directoryObject resource type", "List memberOf", "checkMemberGroups", "getMemberGroups",
"getByIds".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keyless.directory.groups import Groups
from keyless.directory.principals import Directory
from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.model.errors import invalid, not_found
from keyless.model.identity import Principal, PrincipalKind
from keyless.providers.graph.bodies import read_body, strings
from keyless.providers.graph.odata import View, collection, entity, json_response
from keyless.providers.graph.rights import reads
from keyless.providers.graph.surface import unknown

KIND = "directoryObjects"
MAX_IDS = 1000
_TYPES = {PrincipalKind.USER: "user", PrincipalKind.GROUP: "group"}


@dataclass(frozen=True)
class Memberships:
    """`view` shows a principal as its own collection does."""

    directory: Directory
    groups: Groups
    view: Callable[[Principal], View]

    def of(self, key: str, *, whole: bool) -> Callable[[Call], Awaitable[Response]]:
        """List the groups of an object: its own, or the `whole` of them."""

        async def handle(call: Call) -> Response:
            one = self.existing(key)
            found = self.groups.of(one.principal_id) if whole else self.groups.direct(one.principal_id)
            return collection(call.request, self.shown(sorted(found)))

        return handle

    def existing(self, key: str) -> Principal:
        """The object; raises NOT_FOUND."""
        found = self.directory.by_id(key)
        if found is None:
            raise not_found(f"There is no object {key!r}.")
        return found

    def shown(self, principal_ids: list[str]) -> list[View]:
        """Objects of different kinds, each with its type."""
        found = (self.directory.by_id(principal_id) for principal_id in principal_ids)
        return [self._typed(one) for one in found if one is not None]

    def _typed(self, one: Principal) -> View:
        return {"@odata.type": f"#microsoft.graph.{_TYPES.get(one.kind, 'servicePrincipal')}", **self.view(one)}


@dataclass(frozen=True)
class DirectoryObjectsApi:
    """See `surface.Collection`."""

    memberships: Memberships

    def route(self, method: str, key: str, rest: tuple[str, ...]) -> Operation:
        word = rest[0].lower() if len(rest) == 1 else ""
        match (method, key.lower(), word):
            case ("POST", "getbyids", "") if not rest:
                return reads(KIND, self._by_ids)
            case ("GET", name, "") if name and not rest:
                return reads(KIND, self._get(key))
            case ("POST", name, "checkmembergroups" | "getmembergroups" | "getmemberobjects") if name:
                return reads(KIND, self._groups(key, only_asked=word.startswith("check")))
        raise unknown(method, KIND, rest)

    def _get(self, key: str) -> Callable[[Call], Awaitable[Response]]:
        async def handle(call: Call) -> Response:
            (view,) = self.memberships.shown([self.memberships.existing(key).principal_id])
            return entity(call.request, view)

        return handle

    async def _by_ids(self, call: Call) -> Response:
        body = await read_body(call.request, ("ids", "types"))
        ids = strings(body.get("ids"), "ids")
        if len(ids) > MAX_IDS:
            raise invalid(f"'ids' may name at most {MAX_IDS} objects.")
        return json_response(200, {"value": self.memberships.shown(list(ids))})

    def _groups(self, key: str, *, only_asked: bool) -> Callable[[Call], Awaitable[Response]]:
        async def handle(call: Call) -> Response:
            body = await read_body(call.request, ("groupIds", "securityEnabledOnly"))
            asked = strings(body.get("groupIds"), "groupIds")
            found = self.memberships.groups.of(self.memberships.existing(key).principal_id)
            return json_response(200, {"value": [one for one in found if not only_asked or one in asked]})

        return handle

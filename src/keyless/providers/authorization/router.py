"""Microsoft.Authorization as extension resources: they stand below any scope.

Owns the REST operations on role assignments and role definitions, and `checkAccess`, which explains a decision.

Source: Azure REST API, "Role Assignments", "Role Definitions" (2022-04-01) and `checkAccess` (2018-09-01-preview).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from keyless.http.message import Request, Response
from keyless.http.surface import Call, Operation
from keyless.management import resources as table
from keyless.management.arm import ArmPath, json_response, list_response, next_link, object_of, read_object, text_of
from keyless.model.access import Allowed, Assignment, Permission, PolicyGrant, Requirement, Role
from keyless.model.clock import Clock
from keyless.model.errors import invalid, not_found
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId, parse_resource_id
from keyless.providers.authorization.assignments import Assignments
from keyless.providers.authorization.builtin_roles import role_definition_id
from keyless.store.engine import Store, Tx

_NAMESPACE = "Microsoft.Authorization"
_READ = f"{_NAMESPACE}/roleAssignments/read"
_PAGE = 1000
_MAX_ACTIONS = 100
_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_FILTER = re.compile(
    r"(principalId|roleName)\s+eq\s+'([^']*)'|(assignedTo|atScope)\(\s*(?:'([^']*)')?\s*\)", re.IGNORECASE
)


@dataclass(frozen=True)
class AuthorizationRouter:
    """`resource` finds a resource or a group from memory, for what only reads."""

    assignments: Assignments
    store: Store
    clock: Clock
    principal: Callable[[str], Principal | None]
    resource: Callable[[ResourceId], Resource | None]
    subscription: str

    def route(self, method: str, path: ArmPath) -> Operation:
        """See `management.surface.Router`."""
        kind = path.rest[0].lower() if path.rest else ""
        name = path.rest[1] if len(path.rest) == 2 else ""
        if kind == "checkaccess" and method == "POST" and len(path.rest) == 1:
            return self._operation(_READ, path.scope, lambda call: self._check_access(call, path.scope))
        if kind == "roleassignments" and len(path.rest) <= 2:
            return self._assignment_route(method, path, name)
        if kind == "roledefinitions" and len(path.rest) <= 2 and method == "GET":
            action = f"{_NAMESPACE}/roleDefinitions/read"
            return self._operation(action, path.scope, lambda call: self._definitions(call, path.scope, name))
        raise not_found(f"There is no {method} {_NAMESPACE}/{'/'.join(path.rest)} here.", "InvalidResourceType")

    def _assignment_route(self, method: str, path: ArmPath, name: str) -> Operation:
        if method == "GET" and not name:
            return self._operation(_READ, path.scope, lambda call: self._list(call, path.scope))
        if not _GUID.fullmatch(name):
            raise invalid("A role assignment's name is a GUID.", "InvalidRoleAssignmentId")
        if method == "GET":
            return self._operation(_READ, path.scope, lambda _call: self._get(path.id))
        if method == "PUT":
            action = f"{_NAMESPACE}/roleAssignments/write"
            return self._operation(action, path.scope, lambda call: self._put(call, path), changes=True)
        if method == "DELETE":
            action = f"{_NAMESPACE}/roleAssignments/delete"
            return self._operation(action, path.scope, lambda _call: self._delete(path.id), changes=True)
        raise invalid(f"{method} is not an operation of role assignments.", "MethodNotAllowed")

    @staticmethod
    def _operation(
        action: str, scope: ResourceId, handle: Callable[[Call], Awaitable[Response]], *, changes: bool = False
    ) -> Operation:
        return Operation(action, handle, (Requirement(scope, (Permission(action),)),), changes=changes)

    # role assignments

    async def _list(self, call: Call, scope: ResourceId) -> Response:
        wanted = _filters(call.request)
        found = await self.assignments.at(
            scope,
            below="atscope" not in wanted,
            principal_id=(wanted.get("principalid") or wanted.get("assignedto", "")).lower(),
            after=call.request.query.get("$skipToken", ""),
            limit=_PAGE + 1,
        )
        page, more = found[:_PAGE], len(found) > _PAGE
        link = next_link(call.request, page[-1].id.lower()) if more else ""
        return list_response([self._view(one) for one in page], link)

    async def _get(self, resource_id: ResourceId) -> Response:
        found = await self.assignments.get(resource_id)
        if found is None:
            raise not_found(f"The role assignment {resource_id.name} is not there.", "RoleAssignmentNotFound")
        return json_response(200, self._view(found))

    async def _put(self, call: Call, path: ArmPath) -> Response:
        properties = object_of(await read_object(call.request), "properties")
        role = self._role(text_of(properties, "roleDefinitionId"))
        principal = self.principal(text_of(properties, "principalId"))
        if principal is None:
            raise invalid(
                "There is no principal with that principalId: use the principal ID (object ID), not the client ID.",
                "PrincipalNotFound",
            )
        one = Assignment(str(path.id), principal.principal_id, role.guid, path.scope.key)

        def work(tx: Tx) -> bool:
            # in the write, so that nothing is left at a scope that is being deleted
            self._check_scope(path.scope, table.read(tx, table.holder_of(path.scope)))
            return self.assignments.add(tx, one, self.clock(), call.caller.principal_id)

        await self.store.write(work)
        return json_response(201, self._view(one))

    def _check_scope(self, scope: ResourceId, holder: Resource | None) -> None:
        if holder is None and scope.key not in {"/", f"/subscriptions/{self.subscription}"}:
            raise not_found(f"The scope {scope} is not there.", "ResourceNotFound")

    async def _delete(self, resource_id: ResourceId) -> Response:
        gone = await self.store.write(lambda tx: self.assignments.remove(tx, resource_id))
        return json_response(200, self._view(gone)) if gone else Response(204)

    def _role(self, text: str) -> Role:
        guid = text.rstrip("/").rsplit("/", 1)[-1].lower()
        role = self.assignments.roles.get(guid)
        if role is None:
            raise invalid(f"There is no role definition {guid!r} here.", "RoleDefinitionDoesNotExist")
        return role

    def _view(self, one: Assignment) -> dict[str, object]:
        scope = str(parse_resource_id(one.id).parent)
        holder = self.principal(one.principal_id)
        return {
            "id": one.id,
            "name": one.id.rsplit("/", 1)[-1],
            "type": f"{_NAMESPACE}/roleAssignments",
            "properties": {
                "roleDefinitionId": role_definition_id(self.subscription, one.role),
                "principalId": one.principal_id,
                "principalType": holder.kind.principal_type if holder else "Unknown",
                "scope": scope,
            },
        }

    # role definitions

    async def _definitions(self, call: Call, scope: ResourceId, name: str) -> Response:
        if name:
            return json_response(200, self._show_role(self._found(name)))
        if scope.key != "/":
            self._check_scope(scope, self.resource(table.holder_of(scope)))
        wanted = _filters(call.request).get("rolename", "").lower()
        roles = sorted(self.assignments.roles.values(), key=lambda role: role.name)
        return list_response([self._show_role(r) for r in roles if wanted in {"", r.name.lower()}])

    def _found(self, name: str) -> Role:
        role = self.assignments.roles.get(name.lower())
        if role is None:
            raise not_found(f"There is no role definition {name!r} here.", "RoleDefinitionDoesNotExist")
        return role

    def _show_role(self, role: Role) -> dict[str, object]:
        return {
            "id": role_definition_id(self.subscription, role.guid),
            "name": role.guid,
            "type": f"{_NAMESPACE}/roleDefinitions",
            "properties": {
                "roleName": role.name,
                "type": "BuiltInRole",
                "description": role.description,
                "assignableScopes": ["/"],
                "permissions": [
                    {
                        "actions": role.actions,
                        "notActions": role.not_actions,
                        "dataActions": role.data_actions,
                        "notDataActions": role.not_data_actions,
                    }
                ],
            },
        }

    # why

    async def _check_access(self, call: Call, scope: ResourceId) -> Response:
        body = await read_object(call.request)
        object_id = text_of(object_of(object_of(body, "Subject"), "Attributes"), "ObjectId")
        actions = body.get("Actions")
        if not isinstance(actions, list) or not 0 < len(actions) <= _MAX_ACTIONS:
            raise invalid(f"'Actions' is a list of 1 to {_MAX_ACTIONS} actions.", "InvalidRequestContent")
        principal = self.principal(object_id)
        if principal is None:
            raise not_found(f"There is no principal {object_id!r}.", "PrincipalNotFound")
        return json_response(200, [self._explain(principal, scope, action) for action in actions])

    def _explain(self, principal: Principal, scope: ResourceId, action: object) -> Mapping[str, object]:
        if not isinstance(action, dict):
            raise invalid("An action is an object with 'Id' and 'IsDataAction'.", "InvalidRequestContent")
        permission = Permission(text_of(action, "Id"), bool(action.get("IsDataAction")))
        decision = self.assignments.authorise(principal, [Requirement(scope, (permission,))])
        told: dict[str, object] = {
            "actionId": permission.action,
            "isDataAction": permission.data,
            "timeToLiveInMs": 0,
        }
        if isinstance(decision, Allowed):
            one = decision.by[0]
            if isinstance(one, PolicyGrant):
                return told | {"accessDecision": "Allowed", "roleAssignment": None, "reason": one.why, "remedy": ""}
            role = self.assignments.roles[one.role].name
            reason = f"{role!r} is assigned{self._through(principal, one)} at {parse_resource_id(one.id).parent}."
            return told | {
                "accessDecision": "Allowed",
                "roleAssignment": self._view(one),
                "reason": reason,
                "remedy": "",
            }
        return told | {
            "accessDecision": "NotAllowed",
            "roleAssignment": None,
            "reason": decision.why,
            "remedy": decision.remedy,
        }

    def _through(self, principal: Principal, one: Assignment) -> str:
        """To which group, if it is not the principal's own."""
        group = self.principal(one.principal_id) if one.principal_id != principal.principal_id else None
        return f" to its group {group.display_name!r}" if group else ""


def _filters(request: Request) -> dict[str, str]:
    """The terms of `$filter`, names in lower case; raises INVALID for one that is not understood."""
    text = request.query.get("$filter", "").strip()
    found: dict[str, str] = {}
    for term in filter(None, re.split(r"\s+and\s+", text)):
        match = _FILTER.fullmatch(term.strip())
        if match is None:
            raise invalid(
                "$filter takes atScope(), assignedTo('…'), principalId eq '…' or roleName eq '…'.", "InvalidFilter"
            )
        found[(match[1] or match[3]).lower()] = match[2] or match[4] or ""
    return found

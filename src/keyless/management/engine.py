"""The generic engine: create, read, update, delete and list for every declared resource type.

Owns what is the same for all of them: permissions, preconditions inside the write, identities, views. Must not
know any particular type.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from keyless.directory.principals import Directory
from keyless.http.message import Response
from keyless.http.surface import Call, Operation
from keyless.management import resources as table
from keyless.management.arm import (
    ArmPath,
    json_response,
    list_response,
    object_of,
    page_of,
    read_object,
    text_of,
    texts_of,
)
from keyless.management.identity_block import Wanted, read_identity, show_identity
from keyless.management.resource_type import Draft, ResourceType, SubOperation
from keyless.management.resources import Resources
from keyless.model.access import Permission, Requirement
from keyless.model.clock import Clock
from keyless.model.errors import KeylessError, conflict, invalid, not_found
from keyless.model.identity import PrincipalKind
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId, parse_resource_id
from keyless.store.engine import Store, Tx

ASSIGN_IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
RESOURCE_GROUP = "Microsoft.Resources/resourceGroups"
MAX_TAGS = 50

#: Called inside the write that deletes a scope, for what is kept by scope elsewhere (role assignments).
ScopeDeleted = Callable[[Tx, ResourceId], None]


@dataclass(frozen=True)
class Engine:
    """Serves the declared types. `types` is keyed by the type's name in lower case."""

    types: Mapping[str, ResourceType]
    resources: Resources
    directory: Directory
    store: Store
    tenant: str
    clock: Clock
    scope_deleted: Sequence[ScopeDeleted] = ()

    def route(self, method: str, path: ArmPath) -> Operation:
        """The operation that a path below a provider's namespace names."""
        names, kinds = path.rest[1::2], path.rest[::2]
        for depth in range(len(kinds), 0, -1):
            declared = self.types.get("/".join((path.namespace, *kinds[:depth])).lower())
            if declared is None:
                continue
            if len(names) < depth == 1:
                within = path.scope if depth == 1 else ResourceId(path.id.segments[:-1])
                return self._list(method, declared, within)
            if len(path.scope.segments) != 4 or not path.scope.resource_group:
                raise invalid(f"{declared.name} is to be had in a resource group only.", "InvalidResourceId")
            if len(names) < depth:
                return self._list(method, declared, ResourceId(path.id.segments[:-1]))
            rest = path.rest[2 * depth :]
            resource_id = ResourceId(path.id.segments[: len(path.id.segments) - len(rest)])
            return self.on_resource(method, declared, resource_id, rest)
        raise not_found(
            f"There is no resource type {'/'.join((path.namespace, *kinds))!r} here.", "InvalidResourceType"
        )

    def on_resource(
        self, method: str, declared: ResourceType, resource_id: ResourceId, rest: tuple[str, ...] = ()
    ) -> Operation:
        """An operation on one resource, or on what lies below it."""
        if rest:
            return self._sub_operation(method, declared, resource_id, "/".join(rest).lower())
        if method == "HEAD":
            return _operation(declared, "read", resource_id, lambda _call: self._exists(resource_id))
        if method == "GET":
            return _operation(declared, "read", resource_id, lambda _call: self._get(declared, resource_id))
        if method == "PUT":
            return _operation(declared, "write", resource_id, lambda call: self._put(call, declared, resource_id))
        if method == "PATCH":
            return _operation(declared, "write", resource_id, lambda call: self._patch(call, declared, resource_id))
        if method == "DELETE":
            return _operation(declared, "delete", resource_id, lambda _call: self._delete(declared, resource_id))
        raise invalid(f"{method} is not an operation of {declared.name}.", "MethodNotAllowed")

    def _sub_operation(self, method: str, declared: ResourceType, resource_id: ResourceId, rest: str) -> Operation:
        found: SubOperation | None = declared.operations.get((method, rest))
        if found is None:
            raise not_found(f"{declared.name} has no operation {method} {rest!r}.", "InvalidResourceType")

        async def handle(call: Call) -> Response:
            return await found.handle(call, self.existing(resource_id))

        need = Requirement(resource_id, tuple(map(Permission, (found.action, *found.other_actions))))
        return Operation(found.action, handle, (need,), changes=found.changes)

    def existing(self, resource_id: ResourceId) -> Resource:
        """The resource; raises NOT_FOUND."""
        found = self.resources.get(resource_id)
        if found is None:
            raise _missing(resource_id)
        return found

    # reading

    def _list(self, method: str, declared: ResourceType, scope: ResourceId) -> Operation:
        if method != "GET":
            raise invalid(f"{method} needs the name of a resource.", "MethodNotAllowed")

        async def handle(call: Call) -> Response:
            if scope.resource_group:
                self.existing(scope)
            return self.page(call, self.resources.below(scope, declared.name))

        need = Requirement(scope, (Permission(declared.action("read")),))
        return Operation(declared.action("read"), handle, (need,))

    async def _get(self, declared: ResourceType, resource_id: ResourceId) -> Response:
        return json_response(200, self.view(declared, self.existing(resource_id)))

    async def _exists(self, resource_id: ResourceId) -> Response:
        self.existing(resource_id)
        return Response(204)

    def view(self, declared: ResourceType, resource: Resource) -> dict[str, object]:
        """A resource as an answer shows it."""
        shown: dict[str, object] = {"id": str(resource.id), "name": resource.name, "type": declared.name}
        optional = {
            "location": resource.location,
            "kind": resource.kind,
            "sku": dict(resource.sku),
            "identity": show_identity(resource, self.tenant, self.directory.by_resource),
        }
        if declared.tracked:
            shown |= {name: value for name, value in optional.items() if value} | {"tags": dict(resource.tags)}
        return shown | {"properties": dict(declared.view(resource))}

    def tracked(self, found: Iterable[Resource]) -> Iterable[Resource]:
        """Those that stand for themselves in a list of all resources."""
        return (one for one in found if self.types[one.id.type.lower()].tracked)

    def page(self, call: Call, found: Iterable[Resource]) -> Response:
        """A page of resources of whatever types, which come ordered by ID."""
        shown, link = page_of(call.request, found, lambda resource: resource.id.key)
        return list_response([self.view_any(resource) for resource in shown], link)

    def view_any(self, resource: Resource) -> dict[str, object]:
        """The same, for a resource of whatever type."""
        return self.view(self.types[resource.id.type.lower()], resource)

    # writing

    async def _put(self, call: Call, declared: ResourceType, resource_id: ResourceId) -> Response:
        if not declared.name_pattern.fullmatch(resource_id.name):
            raise invalid(f"{resource_id.name!r} is not a name for it: {declared.name_rule}", "InvalidResourceName")
        body = await read_object(call.request)
        old = self.resources.get(resource_id)
        draft = Draft(resource_id, body, object_of(body, "properties"), old)
        return await self._write(call, declared, draft, read_identity(body, old, merge=False))

    async def _patch(self, call: Call, declared: ResourceType, resource_id: ResourceId) -> Response:
        body = await read_object(call.request)
        old = self.existing(resource_id)
        merged = {"location": old.location, "kind": old.kind, "sku": dict(old.sku), "tags": dict(old.tags)} | body
        draft = Draft(resource_id, merged, dict(old.properties) | object_of(body, "properties"), old)
        return await self._write(call, declared, draft, read_identity(body, old, merge=True))

    async def _write(self, call: Call, declared: ResourceType, draft: Draft, wanted: Wanted) -> Response:
        if (wanted.system or wanted.user) and not declared.carries_identity:
            raise invalid(f"No identity can be assigned to {declared.name}.", "IdentityNotSupported")
        new = Resource(
            id=draft.old.id if draft.old else draft.id,
            properties=declared.parse(draft),
            location=text_of(draft.body, "location", draft.old.location if draft.old else "local"),
            tags=texts_of(draft.body, "tags", MAX_TAGS),
            kind=text_of(draft.body, "kind", ""),
            sku=object_of(draft.body, "sku"),
            user_identities=wanted.user,
        )
        links = [*declared.links(draft), *self._assigning(wanted, draft.old)]
        if links:
            await call.require(links)
        created, resource = await self.store.write(lambda tx: self._store_one(tx, declared, draft, new, wanted))
        return json_response(201 if created else 200, self.view(declared, resource))

    def _assigning(self, wanted: Wanted, old: Resource | None) -> Iterable[Requirement]:
        """To assign an identity is to lend it, so each one that is new here has to be granted."""
        before = {parse_resource_id(i).key for i in old.user_identities} if old else set()
        for identity in map(parse_resource_id, wanted.user):
            if identity.key not in before:
                yield Requirement(identity, (Permission(ASSIGN_IDENTITY),))

    def _store_one(
        self, tx: Tx, declared: ResourceType, draft: Draft, new: Resource, wanted: Wanted
    ) -> tuple[bool, Resource]:
        old = table.read(tx, new.id)
        if old != draft.old:
            raise conflict(f"{new.name!r} was changed by another request: try again.", "ConcurrentUpdate")
        self._check(tx, declared, new)
        now = self.clock()
        system = old.system_identity if old else ""
        if wanted.system and not system:
            made = self.directory.create(tx, PrincipalKind.SYSTEM_ASSIGNED, new.name, resource_id=str(new.id))
            system = made.principal_id
        elif system and not wanted.system:
            self.directory.delete(tx, system)
            system = ""
        new = replace(new, system_identity=system, created=old.created if old else now, changed=now)
        new = declared.written(tx, old, new)
        table.write(tx, new, unique=declared.globally_unique)
        return old is None, new

    def _check(self, tx: Tx, declared: ResourceType, new: Resource) -> None:
        parent = new.id.parent
        if parent.resource_group and table.read(tx, ResourceId(parent.segments[:4])) is None:
            raise not_found(f"Resource group {parent.resource_group!r} is not there.", "ResourceGroupNotFound")
        if not declared.tracked and table.read(tx, parent) is None:
            raise not_found(f"{parent} is not there: create it first.", "ParentResourceNotFound")
        if declared.globally_unique and table.name_is_taken(tx, new.id):
            raise conflict(f"The name {new.name!r} is taken by another resource group.", "NameAlreadyExists")
        for identity in new.user_identities:
            if table.read(tx, parse_resource_id(identity)) is None:
                raise invalid(f"The identity {identity} is not there: create it first.", "FailedIdentityOperation")

    async def _delete(self, declared: ResourceType, resource_id: ResourceId) -> Response:
        if self.resources.get(resource_id) is None:
            return Response(204)
        await self.store.write(lambda tx: self.delete_scope(tx, resource_id))
        return Response(200)

    def delete_scope(self, tx: Tx, scope: ResourceId) -> None:
        """Delete a resource, or a group, with everything below it."""
        found = table.read(tx, scope)
        for gone in [*table.read_below(tx, scope), *([found] if found else [])]:
            if gone.system_identity:
                self.directory.delete(tx, gone.system_identity)
            self.types[gone.id.type.lower()].deleted(tx, gone)
            table.delete(tx, gone)
        for tell in self.scope_deleted:
            tell(tx, scope)


def _operation(
    declared: ResourceType, verb: str, resource_id: ResourceId, handle: Callable[[Call], Awaitable[Response]]
) -> Operation:
    need = Requirement(resource_id, (Permission(declared.action(verb)),))
    return Operation(declared.action(verb), handle, (need,), changes=verb != "read")


def _missing(resource_id: ResourceId) -> KeylessError:
    if resource_id.type == RESOURCE_GROUP:
        return not_found(f"Resource group {resource_id.name!r} is not there.", "ResourceGroupNotFound")
    return not_found(f"{resource_id} is not there.", "ResourceNotFound")

"""All resources: kept in the database, held in memory, found by ID, by type and by globally unique name.

Owns the `resource` tables. Must not know what any type's properties mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId, parse_resource_id
from keyless.store.engine import Migration, Row, Store, Tx

MIGRATION = Migration(
    "management",
    (
        (
            """CREATE TABLE resource(
                key TEXT PRIMARY KEY, type TEXT NOT NULL, unique_name TEXT, body BLOB NOT NULL) WITHOUT ROWID""",
            "CREATE UNIQUE INDEX resource_unique_name ON resource(type, unique_name) WHERE unique_name IS NOT NULL",
            """CREATE TABLE resource_identity(
                resource_key TEXT NOT NULL REFERENCES resource(key) ON DELETE CASCADE, identity_key TEXT NOT NULL,
                PRIMARY KEY(resource_key, identity_key)) WITHOUT ROWID""",
            "CREATE INDEX resource_identity_by_identity ON resource_identity(identity_key)",
        ),
    ),
)


@dataclass(frozen=True)
class ResourceWritten:
    """A committed change."""

    resource: Resource


@dataclass(frozen=True)
class ResourceDeleted:
    """A committed change."""

    id: ResourceId


class _Stored(msgspec.Struct, omit_defaults=True):
    id: str
    properties: dict[str, object]
    location: str = ""
    tags: dict[str, str] = {}
    kind: str = ""
    sku: dict[str, object] = {}
    system_identity: str = ""
    user_identities: tuple[str, ...] = ()
    created: float = 0.0
    changed: float = 0.0


class Resources:
    """Every resource of the tenant."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_key: dict[str, Resource] = {}
        self._by_type: dict[str, dict[str, Resource]] = {}
        self._by_name: dict[tuple[str, str], Resource] = {}
        store.subscribe(ResourceWritten, self._written)
        store.subscribe(ResourceDeleted, self._deleted)

    async def load(self) -> None:
        """Read all resources; once, at start."""
        for row in await self._store.rows("SELECT body FROM resource"):
            self._written(ResourceWritten(_decode(row)))

    def get(self, resource_id: ResourceId) -> Resource | None:
        """By ID."""
        return self._by_key.get(resource_id.key)

    def named(self, resource_type: str, name: str) -> Resource | None:
        """By the name of a type whose names are unique everywhere (vaults, accounts); the last written wins."""
        return self._by_name.get((resource_type.lower(), name.lower()))

    def all_named(self, resource_type: str, name: str) -> list[Resource]:
        """Every resource of a type that has this name, in whatever group."""
        return [r for r in self._by_type.get(resource_type.lower(), {}).values() if r.name.lower() == name.lower()]

    def below(self, scope: ResourceId, resource_type: str = "") -> Iterator[Resource]:
        """The resources below a scope (not the scope itself), by ID; of one type, or of all."""
        types = [resource_type.lower()] if resource_type else list(self._by_type)
        held = {key: one for name in types for key, one in self._by_type.get(name, {}).items()}
        for key in sorted(held):
            if scope.contains(held[key].id) and key != scope.key:
                yield held[key]

    def _written(self, change: ResourceWritten) -> None:
        resource = change.resource
        kind = resource.id.type.lower()
        self._by_key[resource.id.key] = resource
        self._by_type.setdefault(kind, {})[resource.id.key] = resource
        self._by_name[kind, resource.name.lower()] = resource

    def _deleted(self, change: ResourceDeleted) -> None:
        kind = change.id.type.lower()
        self._by_key.pop(change.id.key, None)
        self._by_type.get(kind, {}).pop(change.id.key, None)
        held = self._by_name.get((kind, change.id.name.lower()))
        if held and held.id == change.id:
            del self._by_name[kind, change.id.name.lower()]


def holder_of(scope: ResourceId) -> ResourceId:
    """The resource or group that a scope is, or lies in: a container's account, a secret's vault."""
    at = scope.provider_index
    return ResourceId(scope.segments[: at + 4 if at >= 0 else 4])


def read(tx: Tx, resource_id: ResourceId) -> Resource | None:
    """A resource as it stands inside a write."""
    row = tx.row("SELECT body FROM resource WHERE key=?", (resource_id.key,))
    return _decode(row) if row else None


def read_below(tx: Tx, scope: ResourceId) -> list[Resource]:
    """The resources below a scope, deepest first."""
    # "0" follows "/" in ASCII: all keys that begin with scope + "/"
    rows = tx.rows(
        "SELECT body FROM resource WHERE key>? AND key<? ORDER BY key DESC", (scope.key + "/", scope.key + "0")
    )
    return [_decode(row) for row in rows]


def read_users(tx: Tx, identity: ResourceId) -> list[Resource]:
    """The resources to which a user-assigned identity is assigned."""
    rows = tx.rows(
        "SELECT body FROM resource JOIN resource_identity ON resource_key=key WHERE identity_key=?", (identity.key,)
    )
    return [_decode(row) for row in rows]


def name_is_taken(tx: Tx, resource_id: ResourceId) -> bool:
    """Whether another resource of this type has the globally unique name already."""
    row = tx.row(
        "SELECT 1 FROM resource WHERE type=? AND unique_name=? AND key<>?",
        (resource_id.type.lower(), resource_id.name.lower(), resource_id.key),
    )
    return row is not None


def encode(resource: Resource) -> bytes:
    """A resource as it is stored."""
    stored = _Stored(
        str(resource.id),
        dict(resource.properties),
        resource.location,
        dict(resource.tags),
        resource.kind,
        dict(resource.sku),
        resource.system_identity,
        resource.user_identities,
        resource.created,
        resource.changed,
    )
    return msgspec.json.encode(stored)


def write(tx: Tx, resource: Resource, *, unique: bool) -> None:
    """Insert or replace a resource; `unique` counts when it is new, and reserves its name in every group."""
    key = resource.id.key
    tx.execute(
        "INSERT INTO resource VALUES(?, ?, ?, ?) ON CONFLICT(key) DO UPDATE SET body=excluded.body",
        (key, resource.id.type.lower(), resource.name.lower() if unique else None, encode(resource)),
    )
    tx.execute("DELETE FROM resource_identity WHERE resource_key=?", (key,))
    for identity in resource.user_identities:
        tx.execute("INSERT INTO resource_identity VALUES(?, ?)", (key, parse_resource_id(identity).key))
    tx.emit(ResourceWritten(resource))


def delete(tx: Tx, resource: Resource) -> None:
    """Remove a resource."""
    tx.execute("DELETE FROM resource WHERE key=?", (resource.id.key,))
    tx.emit(ResourceDeleted(resource.id))


def _decode(row: Row) -> Resource:
    (body,) = row
    assert isinstance(body, bytes)
    return decode(body)


def decode(body: bytes) -> Resource:
    """A resource that `encode` wrote."""
    stored = msgspec.json.decode(body, type=_Stored)
    return Resource(
        parse_resource_id(stored.id),
        stored.properties,
        stored.location,
        stored.tags,
        stored.kind,
        stored.sku,
        stored.system_identity,
        stored.user_identities,
        stored.created,
        stored.changed,
    )

"""The directory: every principal, kept in the database and held in memory.

Owns creating, finding and deleting principals. Must not know roles (`providers/authorization`) nor tokens. A
principal that is deleted is gone from memory before its deletion is acknowledged, so that its tokens die at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from keyless.model.errors import not_found
from keyless.model.identity import Principal, PrincipalKind
from keyless.store.engine import Migration, Row, Store, Tx

MIGRATION = Migration(
    "directory",
    (
        (
            """CREATE TABLE principal(
                principal_id TEXT PRIMARY KEY, client_id TEXT NOT NULL UNIQUE, display_name TEXT NOT NULL,
                kind TEXT NOT NULL, resource_id TEXT NOT NULL, assertion_key BLOB)""",
        ),
    ),
)


@dataclass(frozen=True)
class PrincipalCreated:
    """A committed change."""

    principal: Principal
    assertion_key: dict[str, str] | None = None


@dataclass(frozen=True)
class PrincipalDeleted:
    """A committed change."""

    principal_id: str


class Directory:
    """All principals, by each of their names."""

    def __init__(self, store: Store, new_guid: Callable[[], str]) -> None:
        self._store = store
        self._new_guid = new_guid
        self._by_id: dict[str, Principal] = {}
        self._by_client: dict[str, Principal] = {}
        self._by_resource: dict[str, Principal] = {}
        self._assertion_keys: dict[str, dict[str, str]] = {}
        store.subscribe(PrincipalCreated, self._created)
        store.subscribe(PrincipalDeleted, self._deleted)

    async def load(self) -> None:
        """Read all principals; once, at start."""
        for row in await self._store.rows(
            "SELECT principal_id, client_id, display_name, kind, resource_id, assertion_key FROM principal"
        ):
            self._created(_from_row(row))

    def by_id(self, principal_id: str) -> Principal | None:
        """By object ID."""
        return self._by_id.get(principal_id.lower())

    def by_client_id(self, client_id: str) -> Principal | None:
        """By application ID."""
        return self._by_client.get(client_id.lower())

    def by_resource(self, key: str) -> Principal | None:
        """The managed identity that a resource is (user-assigned) or has (system-assigned); by its ID's key."""
        return self._by_resource.get(key)

    def assertion_key(self, principal_id: str) -> dict[str, str] | None:
        """The public JWK with which an application's assertions verify."""
        return self._assertion_keys.get(principal_id)

    def create(
        self,
        tx: Tx,
        kind: PrincipalKind,
        display_name: str,
        *,
        resource_id: str = "",
        assertion_key: dict[str, str] | None = None,
    ) -> Principal:
        """Make a principal with new IDs, inside a write."""
        principal = Principal(self._new_guid(), self._new_guid(), display_name, kind, resource_id)
        tx.execute(
            "INSERT INTO principal VALUES(?, ?, ?, ?, ?, ?)",
            (
                principal.principal_id,
                principal.client_id,
                display_name,
                kind.value,
                resource_id,
                msgspec.json.encode(assertion_key) if assertion_key else None,
            ),
        )
        tx.emit(PrincipalCreated(principal, assertion_key))
        return principal

    def replace_assertion_key(self, tx: Tx, principal_id: str, key: dict[str, str]) -> None:
        """Give an application another key, inside a write; assertions of the former one count no more."""
        row = tx.row(
            "SELECT principal_id, client_id, display_name, kind, resource_id, assertion_key FROM principal"
            " WHERE principal_id=?",
            (principal_id,),
        )
        if row is None:
            raise not_found(f"There is no principal {principal_id} any more.")
        tx.execute(
            "UPDATE principal SET assertion_key=? WHERE principal_id=?", (msgspec.json.encode(key), principal_id)
        )
        tx.emit(PrincipalCreated(_from_row(row).principal, key))

    def delete(self, tx: Tx, principal_id: str) -> None:
        """Delete a principal, inside a write; its tokens count no more once that is committed."""
        tx.execute("DELETE FROM principal WHERE principal_id=?", (principal_id,))
        tx.emit(PrincipalDeleted(principal_id))

    def _created(self, change: PrincipalCreated) -> None:
        principal = change.principal
        self._by_id[principal.principal_id] = principal
        self._by_client[principal.client_id] = principal
        if principal.resource_id:
            self._by_resource[principal.resource_id.lower()] = principal
        if change.assertion_key:
            self._assertion_keys[principal.principal_id] = change.assertion_key

    def _deleted(self, change: PrincipalDeleted) -> None:
        principal = self._by_id.pop(change.principal_id, None)
        self._assertion_keys.pop(change.principal_id, None)
        if principal:
            self._by_client.pop(principal.client_id, None)
            self._by_resource.pop(principal.resource_id.lower(), None)


def _from_row(row: Row) -> PrincipalCreated:
    principal_id, client_id, name, kind, resource_id, key = row
    principal = Principal(str(principal_id), str(client_id), str(name), PrincipalKind(kind), str(resource_id))
    assert key is None or isinstance(key, bytes)
    return PrincipalCreated(principal, msgspec.json.decode(key, type=dict[str, str]) if key else None)

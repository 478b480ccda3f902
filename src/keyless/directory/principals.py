"""The directory: every principal, kept in the database and held in memory.

Owns creating, finding, changing and deleting principals. What only some kinds have is beside it: registrations
(`applications.py`), people (`users.py`), members (`groups.py`). Must not know roles (`providers/authorization`) nor
tokens. A principal that is deleted is gone from memory before its deletion is acknowledged, so that its tokens die
at once; what else is kept of it goes with its row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import msgspec

from keyless.model.errors import conflict, not_found
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
        (
            # users and groups have no client ID
            """CREATE TABLE principal_of_any_kind(
                principal_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, display_name TEXT NOT NULL,
                kind TEXT NOT NULL, resource_id TEXT NOT NULL, assertion_key BLOB,
                enabled INTEGER NOT NULL DEFAULT 1)""",
            """INSERT INTO principal_of_any_kind(
                principal_id, client_id, display_name, kind, resource_id, assertion_key)
                SELECT principal_id, client_id, display_name, kind, resource_id, assertion_key FROM principal""",
            "DROP TABLE principal",
            "ALTER TABLE principal_of_any_kind RENAME TO principal",
            "CREATE UNIQUE INDEX principal_client ON principal(client_id) WHERE client_id<>''",
        ),
    ),
)

_COLUMNS = "principal_id, client_id, display_name, kind, resource_id, assertion_key, enabled"
_WITHOUT_CLIENT = {PrincipalKind.USER, PrincipalKind.GROUP}


@dataclass(frozen=True)
class PrincipalWritten:
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
        store.subscribe(PrincipalWritten, self._written)
        store.subscribe(PrincipalDeleted, self._deleted)

    async def load(self) -> None:
        """Read all principals; once, at start."""
        for row in await self._store.rows(f"SELECT {_COLUMNS} FROM principal"):
            self._written(_from_row(row))

    def by_id(self, principal_id: str) -> Principal | None:
        """By object ID."""
        return self._by_id.get(principal_id.lower())

    def by_client_id(self, client_id: str) -> Principal | None:
        """By application ID."""
        return self._by_client.get(client_id.lower())

    def of_kind(self, *kinds: PrincipalKind) -> Iterator[Principal]:
        """All principals of some kinds, by object ID."""
        for principal_id in sorted(self._by_id):
            if self._by_id[principal_id].kind in kinds:
                yield self._by_id[principal_id]

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
        client_id: str = "",
        resource_id: str = "",
        assertion_key: dict[str, str] | None = None,
    ) -> Principal:
        """Make a principal with a new object ID, inside a write; with a new client ID too if none is given.

        Raises CONFLICT if the client ID has a principal already.
        """
        if client_id and tx.row("SELECT 1 FROM principal WHERE client_id=?", (client_id,)):
            raise conflict(f"The application {client_id} has a service principal already.")
        client_id = client_id or ("" if kind in _WITHOUT_CLIENT else self._new_guid())
        principal = Principal(self._new_guid(), client_id, display_name, kind, resource_id)
        self._write(tx, principal, assertion_key)
        return principal

    def update(
        self, tx: Tx, principal_id: str, *, display_name: str | None = None, enabled: bool | None = None
    ) -> Principal:
        """Change what may be changed of a principal, inside a write."""
        held = _read(tx, principal_id)
        changed = replace(
            held.principal,
            display_name=held.principal.display_name if display_name is None else display_name,
            enabled=held.principal.enabled if enabled is None else enabled,
        )
        self._write(tx, changed, held.assertion_key)
        return changed

    def replace_assertion_key(self, tx: Tx, principal_id: str, key: dict[str, str]) -> None:
        """Give an application another key, inside a write; assertions of the former one count no more."""
        self._write(tx, _read(tx, principal_id).principal, key)

    @staticmethod
    def _write(tx: Tx, principal: Principal, assertion_key: dict[str, str] | None) -> None:
        tx.execute(
            f"INSERT INTO principal({_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?) ON CONFLICT(principal_id) DO UPDATE SET"
            " display_name=excluded.display_name, assertion_key=excluded.assertion_key, enabled=excluded.enabled",
            (
                principal.principal_id,
                principal.client_id,
                principal.display_name,
                principal.kind.value,
                principal.resource_id,
                msgspec.json.encode(assertion_key) if assertion_key else None,
                principal.enabled,
            ),
        )
        tx.emit(PrincipalWritten(principal, assertion_key))

    def delete(self, tx: Tx, principal_id: str) -> None:
        """Delete a principal, inside a write; its tokens count no more once that is committed."""
        tx.execute("DELETE FROM principal WHERE principal_id=?", (principal_id,))
        tx.emit(PrincipalDeleted(principal_id))

    def _written(self, change: PrincipalWritten) -> None:
        principal = change.principal
        self._by_id[principal.principal_id] = principal
        if principal.client_id:
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


def _read(tx: Tx, principal_id: str) -> PrincipalWritten:
    row = tx.row(f"SELECT {_COLUMNS} FROM principal WHERE principal_id=?", (principal_id,))
    if row is None:
        raise not_found(f"There is no principal {principal_id} any more.")
    return _from_row(row)


def _from_row(row: Row) -> PrincipalWritten:
    principal_id, client_id, name, kind, resource_id, key, enabled = row
    principal = Principal(
        str(principal_id), str(client_id), str(name), PrincipalKind(kind), str(resource_id), bool(enabled)
    )
    assert key is None or isinstance(key, bytes)
    return PrincipalWritten(principal, msgspec.json.decode(key, type=dict[str, str]) if key else None)

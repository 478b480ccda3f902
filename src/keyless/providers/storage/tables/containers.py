"""Containers: making, finding, dropping and listing them.

Owns the queries. Must not know the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from keyless.management.engine import ScopeDeleted
from keyless.model.clock import Clock
from keyless.model.errors import KeylessError, conflict, not_found
from keyless.model.resource_id import ResourceId, parse_resource_id
from keyless.providers.storage.conditions import Conditions, Version
from keyless.providers.storage.tables.garbage import Garbage
from keyless.providers.storage.tables.listing import successor
from keyless.providers.storage.tables.records import Container
from keyless.providers.storage.tables.rows import decode_metadata, encode_metadata
from keyless.store.engine import Row, Store, Tx

_FIND = "SELECT id, name, etag, changed, metadata FROM storage_container WHERE account = ? AND name = ? AND garbage = 0"
_PAGE = """SELECT id, name, etag, changed, metadata FROM storage_container
    WHERE account = ? AND garbage = 0 AND name >= ? AND name < ? ORDER BY name LIMIT ?"""
#: Container names are ASCII.
_AFTER_ALL = "\x7f"


class Containers:
    """The containers of all accounts; `account` is the key of the account's resource ID.

    A container is a scope: `scope_deleted` is told when one is gone, so that another one of its name does not find
    the old one's role assignments.
    """

    def __init__(self, store: Store, clock: Clock, etag: Callable[[], str], scope_deleted: ScopeDeleted) -> None:
        self._store = store
        self._clock = clock
        self._etag = etag
        self._scope_deleted = scope_deleted

    async def create(self, account: str, name: str, metadata: Mapping[str, str]) -> Container:
        """Make a container; raises CONFLICT `ContainerAlreadyExists`."""
        now, etag = int(self._clock()), self._etag()
        encoded = encode_metadata(metadata)

        def work(tx: Tx) -> Container:
            if _find(tx, account, name) is not None:
                raise conflict(f"The container {name} exists already.", "ContainerAlreadyExists")
            rows = tx.rows(
                "INSERT INTO storage_container(account, name, etag, changed, metadata) VALUES(?,?,?,?,?) RETURNING id",
                (account, name, etag, now, encoded),
            )
            return Container(int(rows[0][0]), name, etag, now, dict(metadata))  # type: ignore[arg-type]

        return await self._store.write(work)

    async def get(self, account: str, name: str) -> Container:
        """One container; raises NOT_FOUND `ContainerNotFound`."""
        found = await self._store.row(_FIND, (account, name))
        if found is None:
            raise container_not_found(name)
        return _container(found)

    async def delete(self, account: str, name: str, conditions: Conditions) -> None:
        """Drop a container with all that is in it; raises NOT_FOUND, PRECONDITION."""

        def work(tx: Tx) -> None:
            found = _find(tx, account, name)
            if found is None:
                raise container_not_found(name)
            conditions.check_change(Version(found.etag, found.changed))
            tx.execute("UPDATE storage_container SET garbage = 1 WHERE id = ?", (found.id,))
            self._scope_deleted(tx, container_scope(parse_resource_id(account), name))
            tx.emit(Garbage())

        await self._store.write(work)

    async def page(self, account: str, prefix: str, start: str, limit: int) -> list[Container]:
        """Containers by name from `start` on; at most `limit`."""
        bound = successor(prefix) or _AFTER_ALL
        rows = await self._store.rows(_PAGE, (account, max(prefix, start), bound, limit))
        return [_container(row) for row in rows]


def container_scope(account: ResourceId, name: str) -> ResourceId:
    """The scope that a container is, below the resource ID of its account."""
    return account.child("blobServices", "default", "containers", name)


def container_id(tx: Tx, account: str, name: str) -> int:
    """The ID of a container, inside of a transaction; raises NOT_FOUND."""
    found = _find(tx, account, name)
    if found is None:
        raise container_not_found(name)
    return found.id


def container_not_found(name: str) -> KeylessError:
    """There is no such container."""
    return not_found(f"The container {name} does not exist: create it first.", "ContainerNotFound")


def _find(tx: Tx, account: str, name: str) -> Container | None:
    found = tx.row(_FIND, (account, name))
    return None if found is None else _container(found)


def _container(row: Row) -> Container:
    ident, name, etag, changed, metadata = row
    return Container(ident, name, etag, changed, decode_metadata(metadata))  # type: ignore[arg-type]

"""Containers: making, finding, dropping and listing them.

Owns the queries. Must not know the protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

from keyless.management.engine import ScopeDeleted
from keyless.model.clock import Clock
from keyless.model.errors import KeylessError, conflict, not_found
from keyless.model.resource_id import ResourceId, parse_resource_id
from keyless.providers.storage.conditions import Conditions
from keyless.providers.storage.leases import Lease
from keyless.providers.storage.tables.garbage import Garbage
from keyless.providers.storage.tables.listing import successor
from keyless.providers.storage.tables.records import Container
from keyless.providers.storage.tables.rows import decode_lease, decode_texts, encode_lease, encode_texts
from keyless.providers.storage.tables.schema import DROPPED, KEPT
from keyless.providers.storage.tables.services import DAY, read_policy
from keyless.store.engine import Row, Store, Tx

#: From the lease that is there, and the time, to the one that is to be; raises CONFLICT.
ChangeLease = Callable[[Lease | None, float], Lease | None]


_COLUMNS = "id, name, etag, changed, metadata, lease, deleted, expires"
_FIND = f"SELECT {_COLUMNS} FROM storage_container WHERE account = ? AND name = ? AND garbage = 0"
_PAGE = f"""SELECT {_COLUMNS} FROM storage_container
    WHERE account = ? AND garbage = 0 AND (name, id) >= (?, ?) AND name < ? ORDER BY name, id LIMIT ?"""
_PAGE_WITH_DELETED = _PAGE.replace("garbage = 0", "garbage <> 1").replace(
    " ORDER", " AND (garbage = 0 OR expires > ?) ORDER"
)
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
        encoded = encode_texts(metadata)

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

    async def set_metadata(
        self, account: str, name: str, metadata: Mapping[str, str], conditions: Conditions
    ) -> Container:
        """Give a container other metadata; raises NOT_FOUND, PRECONDITION."""
        now, etag = self._clock(), self._etag()

        def work(tx: Tx) -> Container:
            found = find_container(tx, account, name)
            conditions.check_container(found, now)
            new = replace(found, metadata=dict(metadata), etag=etag, changed=int(now))
            tx.execute(
                "UPDATE storage_container SET metadata = ?, etag = ?, changed = ? WHERE id = ?",
                (encode_texts(metadata), new.etag, new.changed, new.id),
            )
            return new

        return await self._store.write(work)

    async def set_lease(self, account: str, name: str, conditions: Conditions, change: ChangeLease) -> Container:
        """Change a container's lease; raises NOT_FOUND, PRECONDITION, and what `change` raises."""
        now = self._clock()

        def work(tx: Tx) -> Container:
            found = find_container(tx, account, name)
            conditions.check_container(found, now)
            lease = change(found.lease, now)
            tx.execute("UPDATE storage_container SET lease = ? WHERE id = ?", (encode_lease(lease), found.id))
            return replace(found, lease=lease)

        return await self._store.write(work)

    async def delete(self, account: str, name: str, conditions: Conditions) -> None:
        """Drop a container with all that is in it, softly if the account wants that; raises NOT_FOUND, PRECONDITION."""
        now = self._clock()

        def work(tx: Tx) -> None:
            found = find_container(tx, account, name)
            conditions.check_container(found, now, deletes=True)
            days = read_policy(tx, account).container_days
            tx.execute(
                "UPDATE storage_container SET garbage = ?, lease = '', deleted = ?, expires = ? WHERE id = ?",
                (KEPT if days else DROPPED, int(now), int(now) + days * DAY, found.id),
            )
            self._scope_deleted(tx, container_scope(parse_resource_id(account), name))
            tx.emit(Garbage())

        await self._store.write(work)

    async def restore(self, account: str, name: str, ident: int) -> Container:
        """Bring back a container that was deleted softly; raises NOT_FOUND, CONFLICT `ContainerAlreadyExists`."""
        now = int(self._clock())

        def work(tx: Tx) -> Container:
            if _find(tx, account, name) is not None:
                raise conflict(f"There is another container {name} by now.", "ContainerAlreadyExists")
            restored = tx.execute(
                "UPDATE storage_container SET garbage = 0, deleted = NULL, expires = NULL"
                " WHERE id = ? AND account = ? AND name = ? AND garbage = 2 AND expires > ?",
                (ident, account, name, now),
            )
            if not restored:
                raise container_not_found(name)
            return find_container(tx, account, name)

        return await self._store.write(work)

    async def page(
        self, account: str, prefix: str, start: tuple[str, int], limit: int, *, deleted: bool = False
    ) -> list[Container]:
        """Containers by name and ID from `start` on, those deleted softly on demand; at most `limit`."""
        bound = successor(prefix) or _AFTER_ALL
        sql = _PAGE_WITH_DELETED if deleted else _PAGE
        now = int(self._clock())
        rows = await self._store.rows(sql, (account, *max(start, (prefix, 0)), bound, *([now] * deleted), limit))
        return [_container(row) for row in rows]


@lru_cache(maxsize=1024)
def container_scope(account: ResourceId, name: str) -> ResourceId:
    """The scope that a container is, below the resource ID of its account."""
    return account.child("blobServices", "default", "containers", name)


def find_container(tx: Tx, account: str, name: str) -> Container:
    """One container, inside of a transaction; raises NOT_FOUND."""
    found = _find(tx, account, name)
    if found is None:
        raise container_not_found(name)
    return found


def container_not_found(name: str) -> KeylessError:
    """There is no such container."""
    return not_found(f"The container {name} does not exist: create it first.", "ContainerNotFound")


def _find(tx: Tx, account: str, name: str) -> Container | None:
    found = tx.row(_FIND, (account, name))
    return None if found is None else _container(found)


def _container(row: Row) -> Container:
    ident, name, etag, changed, metadata, lease, deleted, expires = row
    texts, held = decode_texts(str(metadata)), decode_lease(str(lease))
    return Container(ident, name, etag, changed, texts, held, deleted, expires)  # type: ignore[arg-type]

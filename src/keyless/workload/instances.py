"""Instances of apps and the leases that bind them to their launchers.

Owns who holds which lease. A lease lives while its launcher holds a connection; the server keeps only hashes of
its secrets, so that a launcher can present it again after the server's restart. Must not know sockets.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from keyless.model.app import Lease
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.hosts import APP_SERVICE
from keyless.model.resource_id import ResourceId, parse_resource_id
from keyless.model.secretstr import SecretStr
from keyless.store.engine import Migration, Store

MIGRATION = Migration(
    "workload",
    (
        (
            """CREATE TABLE lease(
                id TEXT PRIMARY KEY, app TEXT NOT NULL, key_hash TEXT NOT NULL, header_hash TEXT NOT NULL,
                created REAL NOT NULL) WITHOUT ROWID""",
        ),
        (
            "ALTER TABLE lease ADD COLUMN host TEXT NOT NULL DEFAULT 'app-service'",
            "ALTER TABLE lease ADD COLUMN faults TEXT NOT NULL DEFAULT ''",
        ),
    ),
)

MAX_INSTANCES = 10_000
#: How long after a start a launcher may come back with its lease, in seconds.
RESUME_SECONDS = 120.0


@dataclass(frozen=True)
class NewLease:
    """A lease with its secrets, for the launcher only."""

    lease: Lease
    key: SecretStr
    header: SecretStr


class Instances:
    """All instances: the live ones, and those whose launchers have yet to come back."""

    def __init__(self, store: Store, clock: Clock, new_guid: Callable[[], str], new_secret: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._new_guid = new_guid
        self._new_secret = new_secret
        self._live: dict[str, Lease] = {}
        self._dormant: dict[str, Lease] = {}
        self._started = clock()

    async def load(self) -> None:
        """Read the leases of the time before this start."""
        for row in await self._store.rows("SELECT id, app, key_hash, header_hash, host, faults FROM lease"):
            lease_id, app, key_hash, header_hash, host, faults = map(str, row)
            lease = Lease(lease_id, parse_resource_id(app), key_hash, header_hash, 0, host, frozenset(faults.split()))
            self._dormant[lease.id] = lease

    async def open(
        self, app: ResourceId, identity_port: int, host: str = APP_SERVICE, faults: Iterable[str] = ()
    ) -> NewLease:
        """A lease on a new instance in a host of that shape, durable before it is handed out."""
        if len(self._live) + len(self._dormant) >= MAX_INSTANCES:
            raise KeylessError(ErrorKind.UNAVAILABLE, f"{MAX_INSTANCES} instances are running: end some.")
        key, header = SecretStr(self._new_secret()), SecretStr(self._new_secret())
        hashes = hash_of(key.reveal()), hash_of(header.reveal())
        lease = Lease(self._new_guid(), app, *hashes, identity_port, host, frozenset(faults))
        row = (lease.id, str(app), *hashes, self._clock(), host, " ".join(sorted(lease.faults)))
        await self._store.write(lambda tx: tx.execute("INSERT INTO lease VALUES(?, ?, ?, ?, ?, ?, ?)", row))
        self._live[lease.id] = lease
        return NewLease(lease, key, header)

    def resume(self, lease_id: str, key: str, identity_port: int, app: ResourceId | None = None) -> Lease:
        """Take up a lease again after a restart of the server; raises FORBIDDEN when it is over, or not of `app`."""
        held = self._dormant.get(lease_id) or self._live.get(lease_id)
        if held is None or not _matches(key, held.key_hash) or app not in {None, held.app}:
            raise lease_is_over()
        self._dormant.pop(lease_id, None)
        lease = replace(held, identity_port=identity_port)
        self._live[lease_id] = lease
        return lease

    def authenticate(self, lease_id: str, key: str, app: ResourceId | None = None) -> Lease:
        """The live lease that this key belongs to; raises FORBIDDEN when there is none, or none of `app`."""
        lease = self._live.get(lease_id)
        if lease is None or not _matches(key, lease.key_hash) or app not in {None, lease.app}:
            raise lease_is_over()
        return lease

    def live(self, lease_id: str) -> Lease | None:
        """The lease of this ID, if it lives."""
        return self._live.get(lease_id)

    def is_dormant(self, lease_id: str) -> bool:
        """Whether a launcher may still come back with this lease, after a restart of the server."""
        return lease_id in self._dormant

    def is_live(self, lease: Lease) -> bool:
        """Whether a lease still counts."""
        return lease.id in self._live

    async def end(self, lease_ids: Iterable[str]) -> None:
        """End leases: their secrets count no more from this moment, whatever the disk does."""
        ids = tuple(lease_ids)
        for lease_id in ids:
            self._live.pop(lease_id, None)
            self._dormant.pop(lease_id, None)
        if ids:
            marks = ",".join("?" * len(ids))
            await self._store.write(lambda tx: tx.execute(f"DELETE FROM lease WHERE id IN ({marks})", ids))

    async def tick(self) -> None:
        """Forget the leases whose launchers did not come back."""
        if self._dormant and self._clock() > self._started + RESUME_SECONDS:
            await self.end(tuple(self._dormant)[:500])

    def of_app(self, app: ResourceId) -> list[Lease]:
        """The leases of one app."""
        return [lease for lease in (*self._live.values(), *self._dormant.values()) if lease.app == app]

    @property
    def count(self) -> int:
        """How many instances are live."""
        return len(self._live)


def hash_of(secret: str) -> str:
    """SHA-256 in hex: enough for a secret of 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _matches(secret: str, expected: str) -> bool:
    return hmac.compare_digest(hash_of(secret), expected)


def lease_is_over() -> KeylessError:
    """For whoever presents a lease that is not there, or not its own."""
    return KeylessError(
        ErrorKind.FORBIDDEN, "The lease is over: start the program again with `keyless run`.", code="LeaseOver"
    )

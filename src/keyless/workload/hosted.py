"""Instances that keyless does not start: in a container, a unit, a virtual machine or a pod.

Owns who they are: the hash of the header secret that proves one, where it may ask from, until when, and when it last
did. They outlive restarts of the server; an app's go with it. Must not know HTTP (`hosted_endpoint.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from keyless.management import resources as table
from keyless.model.clock import Clock
from keyless.model.errors import conflict, invalid, not_found
from keyless.model.hosts import APP_SERVICE, APP_SERVICE_2017
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId, parse_resource_id
from keyless.model.secretstr import SecretStr
from keyless.store.engine import Migration, Store, Tx
from keyless.workload.instances import hash_of

MIGRATION = Migration(
    "hosted",
    (
        (
            """CREATE TABLE hosted_instance(
                app_key TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, app TEXT NOT NULL, header_hash TEXT NOT NULL,
                host TEXT NOT NULL, sources TEXT NOT NULL, created REAL NOT NULL, expires REAL NOT NULL, last_used REAL,
                PRIMARY KEY(app_key, name)) WITHOUT ROWID""",
        ),
    ),
)

#: The shapes of hosts in which a header secret proves the caller: nothing else reaches as far as another host.
SHAPES = (APP_SERVICE, APP_SERVICE_2017)
MAX_OF_APP = 100
MAX_SOURCES = 16
MIN_LIFETIME = 60
MAX_LIFETIME = 366 * 86_400
DEFAULT_LIFETIME = 30 * 86_400

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Hosted:
    """One such instance. Without `sources`, it may ask from wherever the server can be reached."""

    app: ResourceId
    name: str
    header_hash: str
    host: str
    sources: tuple[Network, ...]
    created: float
    expires: float
    last_used: float | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What tells it apart."""
        return self.app.key, self.name.lower()

    def may_ask_from(self, address: str) -> bool:
        """Whether the peer's address, as the kernel tells it, is one of its sources."""
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        return not self.sources or any(peer in network for network in self.sources)


@dataclass(frozen=True)
class Wanted:
    """What a new instance is to be."""

    name: str
    host: str = APP_SERVICE
    lifetime: int = DEFAULT_LIFETIME
    sources: tuple[Network, ...] = ()

    def __post_init__(self) -> None:
        if self.host not in SHAPES:
            raise invalid(f"An instance on another host has one of these shapes: {', '.join(SHAPES)}.", "InvalidHost")
        if not MIN_LIFETIME <= self.lifetime <= MAX_LIFETIME:
            raise invalid(f"An instance lives from {MIN_LIFETIME} to {MAX_LIFETIME} seconds.", "InvalidLifetime")


@dataclass(frozen=True)
class _Made:
    """A committed change."""

    instance: Hosted


@dataclass(frozen=True)
class _Gone:
    """A committed change."""

    key: tuple[str, str]


class HostedInstances:
    """All of them, found by the hash of their secret."""

    def __init__(self, store: Store, clock: Clock, new_secret: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._new_secret = new_secret
        self._by_key: dict[tuple[str, str], Hosted] = {}
        self._by_hash: dict[str, tuple[str, str]] = {}
        self._used: dict[tuple[str, str], float] = {}
        store.subscribe(_Made, self._made)
        store.subscribe(_Gone, self._gone)

    async def load(self) -> None:
        """Read them; once, at start."""
        for row in await self._store.rows(
            "SELECT app, name, header_hash, host, sources, created, expires, last_used FROM hosted_instance"
        ):
            app, name, header_hash, host, sources = map(str, row[:5])
            created, expires, used = (None if at is None else float(at) for at in row[5:])
            assert created is not None
            assert expires is not None
            networks = read_sources(sources.split())
            self._made(_Made(Hosted(parse_resource_id(app), name, header_hash, host, networks, created, expires, used)))

    async def create(self, app: Resource, wanted: Wanted) -> tuple[Hosted, SecretStr]:
        """A new instance and its secret, which is nowhere else; durable before it is handed out."""
        secret = SecretStr(self._new_secret())
        now = self._clock()
        sources = wanted.sources
        made = Hosted(app.id, wanted.name, hash_of(secret.reveal()), wanted.host, sources, now, now + wanted.lifetime)
        await self._store.write(lambda tx: _insert(tx, app, made))
        return made, secret

    async def revoke(self, app: ResourceId, name: str) -> bool:
        """End one: its secret counts no more, also after a restart. Whether there was one."""
        held = self._by_key.get((app.key, name.lower()))
        if held is None:
            return False
        await self._store.write(lambda tx: _delete(tx, [held.key]))
        return True

    def find(self, header_hash: str) -> Hosted | None:
        """The live instance that a secret of this hash proves."""
        held = self._by_key.get(self._by_hash.get(header_hash, ("", "")))
        return held if held and held.expires > self._clock() else None

    def get(self, app: ResourceId, name: str) -> Hosted | None:
        """By name."""
        return next((one for one in self.of_app(app) if one.name.lower() == name.lower()), None)

    def of_app(self, app: ResourceId) -> list[Hosted]:
        """The live instances of an app, by name."""
        now = self._clock()
        found = (one for one in self._by_key.values() if one.app == app and one.expires > now)
        return [
            replace(one, last_used=self._used.get(one.key, one.last_used)) for one in sorted(found, key=lambda o: o.key)
        ]

    def used(self, instance: Hosted) -> None:
        """Note that one has got a token."""
        self._used[instance.key] = self._clock()

    async def tick(self) -> None:
        """Write down when they were used, and forget those that have ended."""
        used, self._used = self._used, {}
        now = self._clock()
        ended = [one.key for one in self._by_key.values() if one.expires <= now]
        for key, at in used.items():
            if held := self._by_key.get(key):
                self._by_key[key] = replace(held, last_used=at)
        if used or ended:
            await self._store.write(lambda tx: _note(tx, used, ended))

    @staticmethod
    def remove_scope(tx: Tx, scope: ResourceId) -> None:
        """Forget the instances of the apps at or below a scope, inside the write that deletes it."""
        # "0" follows "/" in ASCII: all keys that begin with scope + "/"
        rows = tx.rows(
            "SELECT app_key, name FROM hosted_instance WHERE app_key=? OR (app_key>? AND app_key<?)",
            (scope.key, scope.key + "/", scope.key + "0"),
        )
        _delete(tx, [(str(app), str(name).lower()) for app, name in rows])

    def _made(self, change: _Made) -> None:
        one = change.instance
        self._by_key[one.key] = one
        self._by_hash[one.header_hash] = one.key

    def _gone(self, change: _Gone) -> None:
        self._used.pop(change.key, None)
        if held := self._by_key.pop(change.key, None):
            del self._by_hash[held.header_hash]


def read_sources(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks as people write them; raises INVALID."""
    if len(texts) > MAX_SOURCES:
        raise invalid(f"An instance has at most {MAX_SOURCES} sources.", "InvalidSource")
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        message = f"A source is a network such as 172.17.0.0/16 or an address: {error}."
        raise invalid(message, "InvalidSource") from None


def _insert(tx: Tx, app: Resource, made: Hosted) -> None:
    now = table.read(tx, app.id)
    if now is None or now.created != app.created:
        raise not_found(f"{app.id} is not there.", "ResourceNotFound")
    names = [
        str(name).lower() for (name,) in tx.rows("SELECT name FROM hosted_instance WHERE app_key=?", (app.id.key,))
    ]
    if made.name.lower() in names:
        message = f"The app {app.name!r} has an instance {made.name!r}: revoke it first, or take another name."
        raise conflict(message, "InstanceExists")
    if len(names) >= MAX_OF_APP:
        raise conflict(f"An app has at most {MAX_OF_APP} such instances: revoke some.", "TooManyInstances")
    tx.execute(
        "INSERT INTO hosted_instance VALUES(?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        (
            app.id.key,
            made.name,
            str(made.app),
            made.header_hash,
            made.host,
            " ".join(map(str, made.sources)),
            made.created,
            made.expires,
        ),
    )
    tx.emit(_Made(made))


def _delete(tx: Tx, keys: Iterable[tuple[str, str]]) -> None:
    for key in keys:
        tx.execute("DELETE FROM hosted_instance WHERE app_key=? AND name=?", key)
        tx.emit(_Gone(key))


def _note(tx: Tx, used: dict[tuple[str, str], float], ended: list[tuple[str, str]]) -> None:
    for key, at in used.items():
        tx.execute("UPDATE hosted_instance SET last_used=? WHERE app_key=? AND name=?", (at, *key))
    _delete(tx, ended)

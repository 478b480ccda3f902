"""The signing keys over time: one signs, one is announced, some still verify.

Owns the table of keys, their rotation and their revocation. A key is announced in the key set before it signs,
so that relying parties have it by then; one that has been replaced verifies until the last token that it signed
has lapsed. A revoked key verifies nothing from then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from keyless.authority.keys import SigningKey, VerifyingKey
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, not_found
from keyless.store.engine import Migration, Row, Store, Tx
from keyless.store.sealing import Sealer

MIGRATION = Migration(
    "authority",
    (
        (
            """CREATE TABLE signing_key(
                kid TEXT PRIMARY KEY, state TEXT NOT NULL, sealed BLOB, created REAL NOT NULL,
                activated REAL, retires REAL)""",
            "CREATE UNIQUE INDEX signing_key_one_active ON signing_key(state) WHERE state='active'",
        ),
    ),
)


class KeyState(Enum):
    """The life of a key, in its order."""

    NEXT = "next"  # announced, does not sign yet
    ACTIVE = "active"
    RETIRED = "retired"  # still verifies
    REVOKED = "revoked"  # does nothing any more


@dataclass(frozen=True)
class KeyRecord:
    """One key; times in Unix seconds. `retires` is when a replaced key stops verifying."""

    kid: str
    state: KeyState
    created: float
    activated: float | None
    retires: float | None


class KeyRing:
    """Call `load` once at start, and `tick` from time to time."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        clock: Clock,
        *,
        rotate_after: float,
        overlap: float,
        generate: Callable[[], SigningKey] = SigningKey.generate,
    ) -> None:
        """`rotate_after`: seconds that a key signs; `overlap`: seconds that it verifies after that."""
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._rotate_after = rotate_after
        self._overlap = overlap
        self._generate = generate
        self._changing = asyncio.Lock()
        self._records: dict[str, KeyRecord] = {}
        self._signing: dict[str, SigningKey] = {}
        self._verifying: dict[str, VerifyingKey] = {}

    async def load(self) -> None:
        """Read the keys; make the first one if there is none."""
        await self._read()
        if not any(record.state is KeyState.ACTIVE for record in self._records.values()):
            await self.rotate()

    @property
    def active(self) -> SigningKey:
        """The key that signs."""
        return next(self._signing[kid] for kid, r in self._records.items() if r.state is KeyState.ACTIVE)

    @property
    def verifying(self) -> Mapping[str, VerifyingKey]:
        """The keys that tokens may be signed with."""
        return self._verifying

    def is_revoked(self, kid: str) -> bool:
        """Whether tokens may have been signed with this key in good faith, and count no more."""
        record = self._records.get(kid)
        return record is not None and record.state is KeyState.REVOKED

    def public_keys(self) -> list[dict[str, str]]:
        """The key set for discovery: public parts only."""
        return [self._signing[kid].public_jwk() for kid in self._verifying]

    def records(self) -> list[KeyRecord]:
        """All keys, newest first."""
        return sorted(self._records.values(), key=lambda record: -record.created)

    async def rotate(self) -> KeyRecord:
        """Let the announced key sign (or a new one, if none is announced), and announce the next."""
        async with self._changing:
            return await self._rotate()

    async def _rotate(self) -> KeyRecord:
        announced = [r.kid for r in self._records.values() if r.state is KeyState.NEXT]
        fresh = await asyncio.to_thread(self._generate) if not announced else None
        now = self._clock()

        def work(tx: Tx) -> None:
            tx.execute("UPDATE signing_key SET state='retired', retires=? WHERE state='active'", (now + self._overlap,))
            if fresh:
                self._insert(tx, fresh, KeyState.ACTIVE, now)
            else:
                tx.execute("UPDATE signing_key SET state='active', activated=? WHERE kid=?", (now, announced[0]))

        await self._store.write(work)
        await self._read()
        return next(r for r in self._records.values() if r.state is KeyState.ACTIVE)

    async def announce(self) -> None:
        """Make the next key, if there is none; its making takes a while, so nobody waits for it."""
        async with self._changing:
            if any(record.state is KeyState.NEXT for record in self._records.values()):
                return
            fresh = await asyncio.to_thread(self._generate)
            now = self._clock()
            await self._store.write(lambda tx: self._insert(tx, fresh, KeyState.NEXT, now))
            await self._read()

    def _insert(self, tx: Tx, key: SigningKey, state: KeyState, now: float) -> None:
        sealed = self._sealer.seal(key.to_bytes(), context=_context(key.kid))
        activated = now if state is KeyState.ACTIVE else None
        tx.execute(
            "INSERT INTO signing_key VALUES(?, ?, ?, ?, ?, NULL)", (key.kid, state.value, sealed, now, activated)
        )

    async def revoke(self, kid: str) -> KeyRecord:
        """Stop trusting a key at once; every token that it signed is refused from now on."""
        async with self._changing:
            record = self._records.get(kid)
            if record is None:
                raise not_found(f"There is no signing key {kid!r}.", "KeyNotFound")
            if record.state is KeyState.ACTIVE:
                await self._rotate()
            await self._store.write(
                lambda tx: tx.execute("UPDATE signing_key SET state='revoked', sealed=NULL WHERE kid=?", (kid,))
            )
            await self._read()
            return self._records[kid]

    async def tick(self) -> None:
        """Rotate when it is time, forget what has lapsed, announce what comes next."""
        now = self._clock()
        if any(
            r.state is KeyState.ACTIVE and r.activated is not None and now >= r.activated + self._rotate_after
            for r in self._records.values()
        ):
            await self.rotate()
        if any(r.state is KeyState.RETIRED and r.retires is not None and now >= r.retires for r in self.records()):
            async with self._changing:
                await self._store.write(
                    lambda tx: tx.execute("DELETE FROM signing_key WHERE state='retired' AND retires<=?", (now,))
                )
                await self._read()
        await self.announce()

    async def _read(self) -> None:
        rows = await self._store.rows("SELECT kid, state, sealed, created, activated, retires FROM signing_key")
        self._records = {record.kid: record for record in map(_record, rows)}
        for kid, _state, sealed, *_times in rows:
            if str(kid) not in self._signing and isinstance(sealed, bytes):
                self._signing[str(kid)] = SigningKey.from_bytes(self._sealer.unseal(sealed, context=_context(str(kid))))
        trusted = [kid for kid, record in self._records.items() if record.state is not KeyState.REVOKED]
        self._signing = {kid: self._signing[kid] for kid in trusted}
        self._verifying = {kid: self._signing[kid].verifying_key() for kid in trusted}


def _record(row: Row) -> KeyRecord:
    kid, state, _sealed, created, activated, retires = row
    if not isinstance(created, float):
        raise KeylessError(ErrorKind.INTERNAL, "The table of signing keys is damaged: restore it from a backup.")
    return KeyRecord(str(kid), KeyState(state), created, _time(activated), _time(retires))


def _time(value: object) -> float | None:
    return value if isinstance(value, float) else None


def _context(kid: str) -> bytes:
    return b"signing-key\0" + kid.encode()

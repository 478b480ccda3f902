"""A token authority on a real store, with a clock that stands still and keys that are made beforehand."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from keyless.authority import key_ring
from keyless.authority.key_ring import KeyRing
from keyless.authority.keys import SigningKey
from keyless.authority.tokens import TokenAuthority
from keyless.directory import principals
from keyless.directory.principals import Directory
from keyless.store.sealing import MasterKey, Sealer, new_wrapped_key
from keyless.store.sqlite import SqliteStore, open_store

TENANT = "5a1f0d3c-0000-4000-8000-00000000beef"
ISSUER = f"https://login.keyless.localhost:8443/{TENANT}"
ROTATE, LIFE = 30 * 86_400.0, 86_400


@dataclass
class FakeClock:
    """Time that moves only when it is told to."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """What a test of the authority needs."""

    path: Path
    clock: FakeClock
    store: SqliteStore
    sealer: Sealer
    generate: Callable[[], SigningKey]
    directory: Directory
    ring: KeyRing
    authority: TokenAuthority
    signers: ThreadPoolExecutor

    async def another_ring(self) -> KeyRing:
        """The ring as it is after a restart."""
        ring = KeyRing(self.store, self.sealer, self.clock, rotate_after=ROTATE, overlap=LIFE, generate=self.generate)
        await ring.load()
        return ring


@pytest.fixture(scope="session")
def made_keys() -> list[SigningKey]:
    """Making an RSA key takes a while, so the tests share a few."""
    return [SigningKey.generate() for _ in range(5)]


@pytest.fixture
async def world(tmp_path: Path, made_keys: list[SigningKey]) -> AsyncIterator[World]:
    clock = FakeClock()
    store = open_store(tmp_path / "db", [principals.MIGRATION, key_ring.MIGRATION])
    master = MasterKey(b"k" * 32)
    sealer = Sealer.from_wrapped(master, [new_wrapped_key(master, os.urandom)])
    keys: Iterator[SigningKey] = iter(made_keys)
    numbers = itertools.count(1)
    directory = Directory(store, lambda: f"00000000-0000-4000-8000-{next(numbers):012}")
    ring = KeyRing(store, sealer, clock, rotate_after=ROTATE, overlap=LIFE, generate=lambda: next(keys))
    await ring.load()
    signers = ThreadPoolExecutor(1)
    authority = TokenAuthority(
        ring,
        directory,
        clock,
        os.urandom,
        signers,
        issuer=ISSUER,
        tenant=TENANT,
        domain="keyless.localhost",
        lifetime=LIFE,
        is_signed_in=lambda _sign_in, _person: False,
    )
    yield World(tmp_path / "db", clock, store, sealer, lambda: next(keys), directory, ring, authority, signers)
    signers.shutdown()
    await store.close()

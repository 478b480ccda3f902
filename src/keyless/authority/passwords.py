"""Hashes of what is known to two sides only: client secrets and people's passwords.

Owns Argon2id with its parameters, and how many hashes are computed at a time: each takes some tens of milliseconds and
19 MiB, so they run in threads of their own, and what would wait too long is told to come again. Must not know whose
secret it is, nor count failures (`failures.py`).

Source: RFC 9106 (Argon2) with its string form (PHC); OWASP, "Password Storage Cheat Sheet" (the parameters).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import cached_property
from typing import TypeVar

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.secretstr import SecretStr

T = TypeVar("T")

MAX_SECRET_BYTES = 1024
MAX_WAITING = 64
_MEMORY_KIB, _ITERATIONS, _LANES = 19 * 1024, 2, 1
_SALT_BYTES, _HASH_BYTES = 16, 32


class Passwords:
    """Makes and compares hashes in the threads of `hashers`."""

    def __init__(self, hashers: Executor, random: Callable[[int], bytes]) -> None:
        self._hashers = hashers
        self._random = random
        self._waiting = 0

    async def hash(self, secret: SecretStr) -> str:
        """A new hash, with its salt and parameters in it."""
        return await self._compute(lambda: _hash(secret, self._random(_SALT_BYTES)))

    async def matches(self, secret: SecretStr, held: str) -> bool:
        """Whether `held` is a hash of the secret. An empty one, where nobody has a secret, takes as long to say no."""
        return await self._compute(lambda: _matches(secret, held or self._nobodys) and bool(held))

    @cached_property
    def _nobodys(self) -> str:
        return _hash(SecretStr(self._random(32).hex()), self._random(_SALT_BYTES))

    async def _compute(self, work: Callable[[], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise KeylessError(ErrorKind.THROTTLED, "Too many secrets are being checked: try again.", retry_after=1)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._hashers, work)
        finally:
            self._waiting -= 1


def _hash(secret: SecretStr, salt: bytes) -> str:
    return Argon2id(
        salt=salt, length=_HASH_BYTES, iterations=_ITERATIONS, lanes=_LANES, memory_cost=_MEMORY_KIB
    ).derive_phc_encoded(secret.reveal().encode())


def _matches(secret: SecretStr, held: str) -> bool:
    given = secret.reveal().encode()
    if len(given) > MAX_SECRET_BYTES:
        return False
    try:
        Argon2id.verify_phc_encoded(given, held)
    except (InvalidKey, ValueError):
        return False
    return True

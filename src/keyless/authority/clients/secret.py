"""Proof by a client secret.

Owns the check: against the hashes of those secrets of the application that are in their time. A secret that was right
is remembered for some minutes under a keyed hash, so that a busy client does not pay for Argon2id at every token; that
it is still one of the application's is looked at every time. Who fails too often waits.

Source: RFC 6749, section 2.3.1.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass, field

from keyless.authority.clients.assertion import SKEW
from keyless.authority.clients.presented import Client, refused
from keyless.authority.failures import Failures
from keyless.authority.passwords import Passwords
from keyless.directory.applications import ClientSecret
from keyless.model.clock import Clock
from keyless.model.secretstr import SecretStr

REMEMBERED_SECONDS = 300.0
MAX_REMEMBERED = 10_000
#: How many characters of a secret are kept in the clear, to tell it from others.
HINT_LENGTH = 3


@dataclass
class ClientSecretWay:
    """See `clients.SecretWay`. `key` is random, and lives as long as the process."""

    passwords: Passwords
    failures: Failures
    clock: Clock
    key: bytes = field(repr=False)
    _right: dict[bytes, float] = field(default_factory=dict, repr=False)
    _checking: dict[bytes, asyncio.Task[bool]] = field(default_factory=dict, repr=False)

    async def prove(self, client: Client, secret: SecretStr, peer: str) -> None:
        hint = secret.reveal()[:HINT_LENGTH]
        held = client.application.secrets if client.application else ()
        candidates = [one for one in held if one.hint == hint]
        if any(self._is_current(one) and self._is_remembered(one, secret) for one in candidates):
            return
        failed = f"{client.client_id} {peer}"
        self.failures.check(failed)
        found = None
        for one in candidates:
            if await self._matches(one, secret):
                found = one
                break
        if found is None:
            self.failures.add(failed)
            raise refused("the client secret is not one of its own", "AADSTS7000215")
        if not self._is_current(found):
            told = "the client secret has expired: make another with `keyless principal add-secret`"
            raise refused(told, "AADSTS7000222")

    def _is_current(self, one: ClientSecret) -> bool:
        return one.start - SKEW <= self.clock() < one.end

    def _is_remembered(self, one: ClientSecret, secret: SecretStr) -> bool:
        return self._right.get(self._digest(one, secret), 0.0) > self.clock()

    async def _matches(self, one: ClientSecret, secret: SecretStr) -> bool:
        """Many may ask at the same moment: one hash serves them all."""
        digest = self._digest(one, secret)
        task = self._checking.get(digest)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._check(digest, one, secret))
            self._checking[digest] = task
            task.add_done_callback(lambda _done: self._checking.pop(digest, None))
        return await asyncio.shield(task)

    async def _check(self, digest: bytes, one: ClientSecret, secret: SecretStr) -> bool:
        if not await self.passwords.matches(secret, one.hash):
            return False
        while len(self._right) >= MAX_REMEMBERED:
            del self._right[next(iter(self._right))]
        self._right.pop(digest, None)
        self._right[digest] = self.clock() + REMEMBERED_SECONDS
        return True

    def _digest(self, one: ClientSecret, secret: SecretStr) -> bytes:
        return hmac.digest(self.key, one.hash.encode() + b"\0" + secret.reveal().encode(), "sha256")

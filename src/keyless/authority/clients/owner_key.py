"""Proof by a key whose public half stands with the principal: the owner's way.

Owns the check of such an assertion, and that each is used once. Commands make a new one for every token. What was used
is remembered in memory, for as long as it could be used again.

Source: RFC 7523, sections 2.2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from keyless.authority.clients.assertion import Assertion, check_claims
from keyless.authority.clients.presented import Client, refused
from keyless.authority.keys import verify_assertion
from keyless.directory.principals import Directory
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError

MAX_LIFE = 600
MAX_REMEMBERED = 10_000


@dataclass
class OwnerKeyWay:
    """See `clients.AssertionWay`."""

    directory: Directory
    clock: Clock
    _used: dict[str, float] = field(default_factory=dict, repr=False)

    async def prove(self, client: Client, assertion: Assertion, audiences: tuple[str, ...]) -> None:
        key = self.directory.assertion_key(client.principal.principal_id) if client.principal else None
        if key is None:
            raise refused("it has no key of its own here")
        verify_assertion(assertion.text.reveal(), key)
        expires = check_claims(assertion, client.client_id, audiences, self.clock(), MAX_LIFE)
        self._use_once(assertion.claims.get("jti"), expires)

    def _use_once(self, once: object, expires: float) -> None:
        now = self.clock()
        self._used = {jti: until for jti, until in self._used.items() if until > now}
        if not isinstance(once, str) or not once or once in self._used:
            raise refused("the assertion has no jti, or was used before")
        if len(self._used) >= MAX_REMEMBERED:
            raise KeylessError(ErrorKind.THROTTLED, "Too many assertions at once: try again.", retry_after=5)
        self._used[once] = expires

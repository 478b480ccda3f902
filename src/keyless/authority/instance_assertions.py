"""Assertions about running instances: signed by this authority, and taken back by it as proof of a client.

Owns what stands in one and what it must be to count. It says of which resource (`sub`) and of which instance of it
(`instance`) it speaks; whether that instance still lives, and whom it may speak for, is not known here. It is no access
token: it has no principal, and its audience is none that a service takes. An access token for that audience is no
assertion either, because it names no instance.

It may be used until it ends: it lies in a file that programs read again when they like.

Source: RFC 7523, section 3; Microsoft identity platform, "Workload identity federation" (the audience).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple

from keyless.authority.clients.assertion import Assertion
from keyless.authority.clients.presented import refused
from keyless.authority.jwt import encode_base64url
from keyless.authority.key_ring import KeyRing
from keyless.authority.keys import verify_signature
from keyless.model.clock import Clock
from keyless.model.secretstr import SecretStr

AUDIENCE = "api://AzureADTokenExchange"
LIFE = 3600


class InstanceClaims(NamedTuple):
    """What an assertion says: the resource's ID, and the running instance's."""

    subject: str
    instance: str


class AssertionAuthority:
    """Signs and verifies them. `random` gives bytes; signing runs in `signers`."""

    def __init__(
        self,
        keys: KeyRing,
        clock: Clock,
        random: Callable[[int], bytes],
        signers: Executor,
        *,
        issuer: str,
        tenant: str,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._random = random
        self._signers = signers
        self._issuer = issuer
        self._tenant = tenant

    async def sign(self, about: InstanceClaims) -> tuple[SecretStr, int]:
        """A new assertion, and the Unix second in which it ends."""
        now = int(self._clock())
        claims: dict[str, object] = {
            "aud": AUDIENCE,
            "exp": now + LIFE,
            "iat": now,
            "instance": about.instance,
            "iss": self._issuer,
            "jti": encode_base64url(self._random(16)).decode("ascii"),
            "nbf": now,
            "sub": about.subject,
            "tid": self._tenant,
        }
        signed = await asyncio.get_running_loop().run_in_executor(self._signers, self._keys.active.sign, claims)
        return SecretStr(signed), now + LIFE

    def is_own(self, assertion: Assertion) -> bool:
        """Whether an assertion says that it is one of these."""
        return assertion.issuer == self._issuer and "instance" in assertion.claims

    def verify(self, assertion: Assertion) -> InstanceClaims:
        """What an assertion says, once its signature and its times hold; raises UNAUTHENTICATED."""
        claims = verify_signature(assertion.text.reveal(), self._keys.verifying)
        subject, instance = claims.get("sub"), claims.get("instance")
        expires, not_before = claims.get("exp"), claims.get("nbf")
        if claims.get("iss") != self._issuer or claims.get("aud") != AUDIENCE:
            raise refused("its assertion is for somebody else")
        if not (isinstance(subject, str) and isinstance(instance, str)):
            raise refused("its assertion names no instance")
        if not (isinstance(expires, int) and isinstance(not_before, int) and not_before <= self._clock() < expires):
            told = "its assertion has expired, or is not valid yet: read AZURE_FEDERATED_TOKEN_FILE again"
            raise refused(told, "AADSTS700024")
        return InstanceClaims(subject, instance)

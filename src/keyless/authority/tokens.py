"""Access tokens: what they claim, who gets the same one again, and when one counts.

Owns issuing and verifying. Only the result of the signature check is remembered; that the key is still trusted,
the time is right and the principal still exists is looked at for every request, from memory.

Source: Microsoft identity platform, "Access token claims reference" (v1.0 tokens); RFC 9068; RFC 7519.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

from keyless.authority.jwt import encode_base64url, refused, take_apart
from keyless.authority.key_ring import KeyRing
from keyless.authority.keys import SigningKey, verify_signature
from keyless.directory.principals import Directory
from keyless.model.clock import Clock
from keyless.model.clouds import canonical_audience
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.identity import Principal
from keyless.model.secretstr import SecretStr

MAX_CACHED = 20_000
MAX_RESOURCE = 1024
#: A cached token is given out again until less than this share of its life is left, or an hour if that is less.
_RENEW_SHARE = 0.25
_RENEW_SECONDS = 3600.0

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class IssuedToken:
    """A signed token; times in whole Unix seconds."""

    token: SecretStr
    resource: str
    not_before: int
    expires_on: int


@dataclass(frozen=True)
class VerifiedToken:
    """A token whose signature holds. `sign_in` is the ID of a person's sign-in; empty where no person is behind it."""

    kid: str
    principal_id: str
    audience: str
    family: str
    sign_in: str
    not_before: float
    expires_on: float


class TokenAuthority:
    """Issues and verifies the tokens of one tenant."""

    def __init__(
        self,
        keys: KeyRing,
        directory: Directory,
        clock: Clock,
        random: Callable[[int], bytes],
        signers: Executor,
        *,
        issuer: str,
        tenant: str,
        domain: str,
        lifetime: int,
        is_signed_in: Callable[[str, str], bool],
    ) -> None:
        """`lifetime` in seconds; signing runs in `signers`.

        `is_signed_in` tells of a sign-in's ID and a person's object ID whether that sign-in still lasts.
        """
        self._keys = keys
        self._directory = directory
        self._clock = clock
        self._random = random
        self._signers = signers
        self.issuer = issuer
        self._tenant = tenant
        self._domain = domain
        self._lifetime = lifetime
        self._is_signed_in = is_signed_in
        self._issued: dict[tuple[str, str, int], tuple[str, IssuedToken]] = {}
        self._signing: dict[tuple[str, str, int], asyncio.Task[IssuedToken]] = {}
        self._verified: dict[str, VerifiedToken] = {}

    # issuing

    async def issue(
        self, principal: Principal, resource: str, *, longest_life: int | None = None, rejected: str = ""
    ) -> IssuedToken:
        """A token for a principal and an audience: the same one again until it nears its end.

        It lives for `longest_life` seconds if the setting is more. The one whose SHA-256 in hex is `rejected` is not
        given out again.
        """
        if not 0 < len(resource) <= MAX_RESOURCE or not resource.isprintable():
            raise invalid("The resource is the URI of what the token is for, such as https://vault.azure.net.")
        lifetime = min(longest_life or self._lifetime, self._lifetime)
        key = (principal.principal_id, resource, lifetime)
        cached = self._issued.get(key)
        if cached and cached[0] in self._keys.verifying and self._is_fresh(cached[1]):
            if not rejected or _sha256(cached[1].token) != rejected:
                return cached[1]
            del self._issued[key]
        # many may ask at the same moment: one signature serves them all
        task = self._signing.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._sign(principal, resource, lifetime))
            self._signing[key] = task
            task.add_done_callback(lambda _done: self._signing.pop(key, None))
        return await asyncio.shield(task)

    def _is_fresh(self, token: IssuedToken) -> bool:
        left = token.expires_on - self._clock()
        return left > min(_RENEW_SECONDS, _RENEW_SHARE * (token.expires_on - token.not_before))

    async def _sign(self, principal: Principal, resource: str, lifetime: int) -> IssuedToken:
        now = int(self._clock())
        expires = now + lifetime
        claims: dict[str, object] = {
            "aud": resource,
            "iss": self.issuer,
            "iat": now,
            "nbf": now,
            "exp": expires,
            "appid": principal.client_id,
            "appidacr": "2",
            "idtyp": "app",
            "oid": principal.principal_id,
            "sub": principal.principal_id,
            "tid": self._tenant,
            "uti": encode_base64url(self._random(16)).decode("ascii"),
            "ver": "1.0",
        }
        if principal.resource_id:
            claims["xms_mirid"] = principal.resource_id
        signer = self._keys.active
        token = await self.sign(claims, signer)
        issued = IssuedToken(SecretStr(token), resource, now, expires)
        _remember(self._issued, (principal.principal_id, resource, lifetime), (signer.kid, issued))
        return issued

    async def sign(self, claims: Mapping[str, object], signer: SigningKey | None = None) -> str:
        """A token with these claims, signed with the key that signs now."""
        signer = signer or self._keys.active
        return await asyncio.get_running_loop().run_in_executor(self._signers, signer.sign, claims)

    # verifying

    def authenticate(self, token: str, family: str, *, at: float | None = None) -> Principal:
        """The principal that a token speaks for, at the resources of `family` (`vault`, `storage`, `management`).

        Its times are compared with the moment `at`, where that is given: when a connection that it opened was made.

        Raises UNAUTHENTICATED, or REVOKED where only the key has been, with a sentence that never quotes the token.
        """
        known = self.read(token, at=at)
        if known.family != family:
            raise refused("it was issued for another resource")
        principal = self._directory.by_id(known.principal_id)
        if principal is None:
            raise refused("its principal has been deleted")
        if not principal.enabled:
            raise refused("its principal has been disabled")
        if known.sign_in and not self._is_signed_in(known.sign_in, known.principal_id):
            raise refused("the person has signed out, or the sign-in was revoked")
        return principal

    def read(self, token: str, *, at: float | None = None) -> VerifiedToken:
        """What a token of ours says, for whatever audience it is; raises as `authenticate` does.

        Says nothing about the principal: whether that still exists and is signed in.
        """
        known = self._verified.get(token)
        if known is None:
            known = self._verify(token)
            _remember(self._verified, token, known)
        if known.kid not in self._keys.verifying:
            raise _distrusted(ErrorKind.REVOKED if self._keys.is_revoked(known.kid) else ErrorKind.UNAUTHENTICATED)
        now = self._clock() if at is None else at
        if now >= known.expires_on:
            raise refused("it has expired")
        if now < known.not_before:
            raise refused("it is not valid yet")
        return known

    def _verify(self, token: str) -> VerifiedToken:
        kid = take_apart(token).key_id
        if self._keys.is_revoked(kid):
            # nobody can check the signature any more, and nothing but the kind of refusal follows from it
            raise _distrusted(ErrorKind.REVOKED)
        claims = verify_signature(token, self._keys.verifying)
        if claims.get("iss") != self.issuer or claims.get("tid") != self._tenant:
            raise refused("another authority issued it")
        audience, principal_id = claims.get("aud"), claims.get("oid")
        not_before, expires = claims.get("nbf"), claims.get("exp")
        if not (isinstance(audience, str) and isinstance(principal_id, str)):
            raise refused("it lacks an audience or a principal")
        if not (isinstance(not_before, int) and isinstance(expires, int)):
            raise refused("it lacks its times")
        family = canonical_audience(audience, self._domain)
        return VerifiedToken(kid, principal_id, audience, family, _sign_in(claims), not_before, expires)


def _sign_in(claims: Mapping[str, object]) -> str:
    """The sign-in that a person's access token belongs to; an ID token is no access token."""
    kind, sign_in = claims.get("idtyp"), claims.get("sid", "")
    if kind not in {"app", "user"} or not isinstance(sign_in, str) or (kind == "user") != bool(sign_in):
        raise refused("it is not an access token")
    return sign_in


def _sha256(token: SecretStr) -> str:
    return hashlib.sha256(token.reveal().encode()).hexdigest()


def _distrusted(kind: ErrorKind) -> KeylessError:
    return refused("the key that signed it is not trusted any more", kind)


def _remember(cache: dict[K, V], key: K, value: V) -> None:
    """Keep the newest; the oldest go first, and a token that is used again is cheap to verify again."""
    while len(cache) >= MAX_CACHED:
        del cache[next(iter(cache))]
    cache[key] = value

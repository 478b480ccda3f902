"""The tokens of people: what they claim, and the answer that carries them.

Owns access tokens and ID tokens of people and the token endpoint's answer to their grants. Must not know how a grant
was proved.

Source: Microsoft identity platform, "Access token claims reference" (v1.0 tokens) and "ID token claims reference";
OpenID Connect Core 1.0, sections 2 and 3.1.3.3; RFC 6749, section 5.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from keyless.authority.grants.authorization import Authorization, refuse_grant
from keyless.authority.grants.grant import Granted
from keyless.authority.grants.refresh_token import RefreshTokens
from keyless.authority.jwt import encode_base64url
from keyless.authority.people.people import People, Person
from keyless.authority.tokens import TokenAuthority
from keyless.model.clock import Clock


@dataclass(frozen=True)
class UserTokens:
    """Makes the answer to a grant; `lifetime` in seconds."""

    authority: TokenAuthority
    people: People
    refresh_tokens: RefreshTokens
    clock: Clock
    random: Callable[[int], bytes]
    tenant: str
    lifetime: int

    async def answer(self, authorization: Authorization) -> Granted:
        """See `authorization.Answers`."""
        signed_in = self.people.signed_in(authorization.sign_in.id)
        if signed_in is None:
            raise refuse_grant("This sign-in has ended: sign in again.")
        person, sign_in = signed_in
        now = int(self.clock())
        # a token does not outlive its sign-in
        expires = min(now + self.lifetime, int(sign_in.expires))
        left = expires - now
        scope = authorization.scope
        answer: dict[str, object] = {
            "token_type": "Bearer",
            "scope": scope.granted,
            "expires_in": left,
            "ext_expires_in": left,
            "access_token": await self.authority.sign(self._access(person, authorization, now, expires)),
            "client_info": _base64url_json({"uid": person.id, "utid": self.tenant}),
        }
        if authorization.refreshable:
            answer["refresh_token"] = self.refresh_tokens.write(authorization.sign_in).reveal()
        if scope.openid:
            answer["id_token"] = await self.authority.sign(self._identity(person, authorization, now, expires))
        what = f"tokens of this person for {scope.resource}, at {authorization.client_id}"
        return Granted(person.id, person.upn, what, answer)

    def _access(self, person: Person, authorization: Authorization, now: int, expires: int) -> dict[str, object]:
        sign_in = authorization.sign_in
        # whoever acts on behalf of a person has proved itself, whatever the client did where the person signed in
        confidential = sign_in.confidential or sign_in.client_id != authorization.client_id
        return {
            **self._common(person, authorization, now, expires),
            "aud": authorization.scope.resource,
            "appid": authorization.client_id,
            "appidacr": "1" if confidential else "0",
            "idtyp": "user",
            "scp": " ".join(authorization.scope.names),
            "unique_name": person.upn,
            "upn": person.upn,
            "ver": "1.0",
        }

    def _identity(self, person: Person, authorization: Authorization, now: int, expires: int) -> dict[str, object]:
        nonce = {"nonce": authorization.nonce} if authorization.nonce else {}
        return {
            **self._common(person, authorization, now, expires),
            "aud": authorization.client_id,
            "auth_time": int(authorization.sign_in.authenticated),
            "preferred_username": person.upn,
            "ver": "2.0",
            **nonce,
        }

    def _common(self, person: Person, authorization: Authorization, now: int, expires: int) -> dict[str, object]:
        return {
            "iss": self.authority.issuer,
            "iat": now,
            "nbf": now,
            "exp": expires,
            "name": person.name,
            "oid": person.id,
            "sid": authorization.sign_in.id,
            "sub": person.id,
            "tid": self.tenant,
            "uti": encode_base64url(self.random(16)).decode("ascii"),
        }


def _base64url_json(value: dict[str, str]) -> str:
    return encode_base64url(msgspec.json.encode(value)).decode("ascii")

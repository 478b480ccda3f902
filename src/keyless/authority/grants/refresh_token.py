"""The refresh token grant: every token works once, and gives the next one.

Owns the form of refresh tokens and their rotation. A token is not kept: it names a sign-in and its generation, under a
keyed MAC, so one of an older generation is known for what it is. When such a one comes, somebody else has a copy, and
the sign-in ends. For a few seconds the one before still gives the same successor, because clients that share a cache
renew at the same moment, and because answers get lost.

Source: RFC 6749, sections 6 and 10.4; RFC 9700, section 4.14.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from keyless.authority.clients.presented import refused
from keyless.authority.grants.authorization import Authorization, ProvenClient, refuse_grant
from keyless.authority.jwt import encode_base64url
from keyless.authority.people.sign_ins import ID_BYTES, SignIn, SignIns
from keyless.authority.scopes import parse_scope
from keyless.model.clock import Clock
from keyless.model.errors import KeylessError, invalid
from keyless.model.secretstr import SecretStr
from keyless.store.engine import Store, Tx

MAX_TOKEN = 256
_GENERATION_BYTES = 4
_MAC_BYTES = 32
_BYTES = ID_BYTES + _GENERATION_BYTES + _MAC_BYTES


class RefreshTokens:
    """Writes and reads refresh tokens; `key` is derived from the master key; 32 bytes."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, sign_in: SignIn) -> SecretStr:
        """The refresh token of a sign-in's present generation; the same one each time."""
        named = base64.urlsafe_b64decode(sign_in.id + "==") + sign_in.generation.to_bytes(_GENERATION_BYTES, "big")
        return SecretStr(encode_base64url(named + self._mac(named)).decode("ascii"))

    def read(self, token: str) -> tuple[str, int] | None:
        """The sign-in and the generation that a token of ours names; None for any other text."""
        if len(token) > MAX_TOKEN or not token.isascii():
            return None
        try:
            data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except binascii.Error:
            return None
        named, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
        if len(data) != _BYTES or not hmac.compare_digest(mac, self._mac(named)):
            return None
        sign_in_id = encode_base64url(named[:ID_BYTES]).decode("ascii")
        return sign_in_id, int.from_bytes(named[ID_BYTES:], "big")

    def _mac(self, named: bytes) -> bytes:
        return hmac.digest(self._key, named, "sha256")

    def __repr__(self) -> str:
        return "RefreshTokens(…)"


@dataclass(frozen=True)
class RefreshTokenGrant:
    """Redeems refresh tokens. `leeway`: seconds in which one that has just been replaced gives its successor again."""

    store: Store
    clock: Clock
    sign_ins: SignIns
    tokens: RefreshTokens
    leeway: int

    async def redeem(self, form: Mapping[str, str], client: ProvenClient) -> Authorization:
        """What a refresh token gives a client; INVALID (`invalid_grant`) if nothing."""
        token = form.get("refresh_token", "")
        if not token:
            raise invalid("A refresh request needs refresh_token.", "invalid_request")
        asked = parse_scope(form["scope"]) if form.get("scope") else None
        named = self.tokens.read(token)
        if named is None:
            raise _ended()
        sign_in_id, generation = named

        def work(tx: Tx) -> SignIn | None:
            held = self.sign_ins.read(tx, sign_in_id)
            if held is None or held.client_id != client.client_id or generation > held.generation:
                raise _ended()
            if held.confidential and not client.confidential:
                raise refused("a web application refreshes with its client_secret or client_assertion", "AADSTS7000218")
            if generation == held.generation:
                return self.sign_ins.renew(tx, held)
            if generation == held.generation - 1 and self.clock() < held.used + self.leeway:
                return held
            self.sign_ins.end(tx, sign_in_id)
            return None  # to be refused; raised here, it would take that end back

        sign_in = await self.store.write(work)
        if sign_in is None:
            raise refuse_grant("This refresh token was used before, so the sign-in has been revoked: sign in again.")
        return Authorization(sign_in, client.client_id, asked or parse_scope(sign_in.scope), refreshable=True)


def _ended() -> KeylessError:
    return refuse_grant("This refresh token is not good, or not good any more: sign in again.")

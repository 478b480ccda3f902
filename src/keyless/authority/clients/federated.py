"""Proof by a token of a foreign issuer.

Owns what such a token must be: about whom, for whom, by whom, until when. The client's federated credentials are
compared first, by every character, so that no issuer is asked for its keys on the word of a stranger's token.

That a token is used once is not asked for: what a platform hands out (a pod's projected token) is one file that many
processes read and that stays the same for an hour. What limits it is its life.

Source: RFC 7523, section 3; RFC 8725; RFC 7519, sections 4 and 7.2; Microsoft identity platform, "Workload identity
federation" (errors 70021, 700024, 50166).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from keyless.authority.clients.assertion import SKEW, Assertion
from keyless.authority.clients.presented import Client
from keyless.authority.federation.issuers import IssuerKeys
from keyless.authority.jwt import UnverifiedToken, decode_base64url, take_apart
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.federation import FederatedCredential
from keyless.model.identity import Principal

MAX_LIFE = 86_400
MAX_AUDIENCES = 20
_MAX_TOLD, _MAX_TOLD_AUDIENCES = 200, 3
_NO_MATCH, _TIMES, _SIGNATURE, _ISSUER, _MALFORMED = (
    f"AADSTS{number}" for number in (70021, 700024, 700027, 50166, 50027)
)

CredentialsOf = Callable[[Principal], Iterable[FederatedCredential]]


@dataclass(frozen=True)
class _Claims:
    issuer: str
    subject: str
    audiences: tuple[str, ...]
    expires: float
    not_before: float
    issued: float | None


@dataclass(frozen=True)
class FederatedWay:
    """See `clients.AssertionWay`. `of_identity` tells a managed identity's federated credentials."""

    of_identity: CredentialsOf
    keys: IssuerKeys
    clock: Clock

    async def prove(self, client: Client, assertion: Assertion, audiences: tuple[str, ...]) -> None:
        """As there; the audience is not this endpoint but what the credential says."""
        token = take_apart(assertion.text.reveal())
        claims = _read_claims(token)
        if not any(_matches(one, claims) for one in self._credentials_of(client)):
            _no_match(claims)
        self._check_times(claims)
        try:
            keys = await self.keys.find(claims.issuer, token.key_id)
        except KeylessError as error:
            _refuse(_ISSUER, f"The keys of the issuer {_told(claims.issuer)} cannot be had: {error.message}.")
        if not any(key.holds(token) for key in keys):
            _refuse(
                _SIGNATURE,
                f"The token's signature does not hold by any key of the issuer {_told(claims.issuer)}: "
                "send the token that the issuer gave, while its key is in use.",
            )

    def _credentials_of(self, client: Client) -> Iterator[FederatedCredential]:
        if client.application:
            yield from (one.credential for one in client.application.federated)
        if client.principal:
            yield from self.of_identity(client.principal)

    def _check_times(self, claims: _Claims) -> None:
        now = self.clock()
        if not now < claims.expires + SKEW:
            _refuse(_TIMES, "The token has expired: have its issuer make a fresh one.")
        if now + SKEW < max(claims.not_before, claims.issued or 0):
            _refuse(_TIMES, "The token is not valid yet: compare the clocks of its issuer and of keyless.")
        if claims.expires - (now if claims.issued is None else claims.issued) > MAX_LIFE + SKEW:
            _refuse(_TIMES, f"The token lives longer than {MAX_LIFE // 3600} hours: have its issuer make another.")


def _matches(credential: FederatedCredential, claims: _Claims) -> bool:
    return (
        credential.issuer == claims.issuer
        and credential.subject == claims.subject
        and any(audience in credential.audiences for audience in claims.audiences)
    )


def _read_claims(token: UnverifiedToken) -> _Claims:
    _object(decode_base64url(token.signing_input.partition(b".")[0]))
    claims = _object(token.payload)
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if not 0 < len(audiences) <= MAX_AUDIENCES:
        _malformed(f"it has no audience, or more than {MAX_AUDIENCES}")
    issued = claims.get("iat")
    return _Claims(
        _text(claims.get("iss"), "iss"),
        _text(claims.get("sub"), "sub"),
        tuple(_text(one, "aud") for one in audiences),
        _time(claims.get("exp"), "exp"),
        _time(claims.get("nbf", 0), "nbf"),
        None if issued is None else _time(issued, "iat"),
    )


def _object(data: bytes) -> dict[str, object]:
    """A JSON object that names each of its members once: two readers of it must not see two tokens."""
    try:
        found = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        _malformed("a part of it is not a JSON object, or names a member twice")
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _no_constant(_name: str) -> NoReturn:
    raise ValueError


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        _malformed(f"its {name!r} is missing or is not a text")
    return value


def _time(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 40:
        _malformed(f"its {name!r} is missing or is not a time")
    return value


def _told(text: str) -> str:
    """What a token says, for a person to compare; it is not secret, but may be anything."""
    shown = text if len(text) <= _MAX_TOLD else text[:_MAX_TOLD] + "…"
    return repr(shown)


def _no_match(claims: _Claims) -> NoReturn:
    audiences = ", ".join(map(_told, claims.audiences[:_MAX_TOLD_AUDIENCES]))
    _refuse(
        _NO_MATCH,
        "No federated credential of this client_id matches the token: "
        f"its issuer is {_told(claims.issuer)}, its subject {_told(claims.subject)}, its audience {audiences}. "
        "Give the identity one that is the same in every character, with `keyless federation add`.",
    )


def _malformed(why: str) -> NoReturn:
    _refuse(_MALFORMED, f"The token cannot be read because {why}: send the token that the issuer gave.")


def _refuse(code: str, message: str) -> NoReturn:
    raise KeylessError(ErrorKind.UNAUTHENTICATED, message, code=code)

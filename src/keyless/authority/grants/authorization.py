"""What a code, a refresh token or an assertion stands for: a person's authorization of a client.

Owns this shape, the error where there is none, and the grant that turns one into tokens; what each of the four stands
on is its own file. Must not know what tokens claim (`user_tokens.py`).

Source: RFC 6749, sections 1.3, 2.1 (public and confidential clients) and 5.2 (`invalid_grant`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from keyless.authority.clients.clients import Clients
from keyless.authority.clients.presented import Presented, refused
from keyless.authority.grants.grant import Granted, TokenRequest
from keyless.authority.people.sign_ins import SignIn
from keyless.authority.scopes import Scope
from keyless.model.errors import KeylessError, invalid


@dataclass(frozen=True)
class Authorization:
    """Tokens may be made: for the person of `sign_in`, at `client_id`, for `scope`.

    `nonce` goes into the ID token. `client_id` is not always the sign-in's own: a client acts on behalf of a person
    who signed in at another one. `refreshable` says that the refresh token of the sign-in's generation goes along.
    """

    sign_in: SignIn
    client_id: str
    scope: Scope
    nonce: str = ""
    refreshable: bool = False


def refuse_grant(why: str) -> KeylessError:
    """The one error for a code or token that gives nothing; `why` is a sentence that says what to do next."""
    return invalid(why, "invalid_grant")


@dataclass(frozen=True)
class ProvenClient:
    """The client of a request. A `confidential` one has proved itself; anybody may be a public one."""

    client_id: str
    confidential: bool


#: Reads an authorization out of a form of the token endpoint; raises INVALID (`invalid_grant`) if there is none.
Redeem = Callable[[Mapping[str, str], ProvenClient], Awaitable[Authorization]]


class Answers(Protocol):
    """Makes tokens; see `user_tokens.py`."""

    async def answer(self, authorization: Authorization) -> Granted:
        """The tokens of an authorization; INVALID if the sign-in has ended meanwhile."""
        ...


@dataclass(frozen=True)
class PersonGrant:
    """A grant whose tokens are a person's. See `grant.Grant`."""

    clients: Clients
    redeem: Redeem
    tokens: Answers

    async def grant(self, request: TokenRequest) -> Granted:
        client = await self._client(request.presented)
        return await self.tokens.answer(await self.redeem(request.form, client))

    async def _client(self, presented: Presented) -> ProvenClient:
        if presented.secret is not None or presented.assertion is not None:
            return ProvenClient((await self.clients.prove(presented)).client_id, True)
        client = self.clients.find(presented.client_id)
        application = client.application
        if client.principal is not None and not client.principal.enabled:
            raise refused("it has been disabled", "AADSTS7000112")
        if application is None or not application.allows_public_clients:
            raise refused("it has to send a client_secret or a client_assertion", "AADSTS7000218")
        return ProvenClient(application.client_id, False)

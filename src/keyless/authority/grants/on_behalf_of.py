"""The on-behalf-of grant: a service goes on to the next one as the person who called it.

Owns which token may be handed in: a person's access token whose audience is the very client that hands it in. What it
gives belongs to the same sign-in, and ends with it; there is no refresh token, the next token comes from the next call.

Source: RFC 7523, section 2.1; Microsoft identity platform, "OAuth 2.0 On-Behalf-Of flow".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keyless.authority.grants.authorization import Authorization, ProvenClient, refuse_grant
from keyless.authority.people.people import People
from keyless.authority.scopes import parse_scope
from keyless.authority.tokens import TokenAuthority
from keyless.directory.applications import Applications
from keyless.model.errors import ErrorKind, KeylessError, invalid

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True)
class OnBehalfOf:
    """Takes a person's token, and gives another."""

    authority: TokenAuthority
    applications: Applications
    people: People

    async def redeem(self, form: Mapping[str, str], client: ProvenClient) -> Authorization:
        """What a token gives a client; INVALID (`invalid_grant`) if nothing."""
        if form.get("requested_token_use") != "on_behalf_of":
            raise invalid("A jwt-bearer request needs requested_token_use=on_behalf_of.", "invalid_request")
        if not client.confidential:
            raise KeylessError(
                ErrorKind.UNAUTHENTICATED, "A client acts on behalf of people with its client secret or certificate."
            )
        scope = parse_scope(form.get("scope", ""))
        try:
            token = self.authority.read(form.get("assertion", ""))
        except KeylessError as error:
            raise invalid(error.message, "invalid_grant") from None
        signed_in = self.people.signed_in(token.sign_in) if token.sign_in else None
        if signed_in is None:
            raise refuse_grant("The assertion is not the access token of a person who is signed in.")
        application = self.applications.by_audience(token.audience)
        if application is None or application.client_id != client.client_id:
            raise refuse_grant(
                "The assertion is for another audience: the caller has to ask for a scope of this client."
            )
        return Authorization(signed_in[1], client.client_id, scope)

"""The client credentials grant: an application, or the owner, acts on its own.

Owns the grant. How the client proves itself is `authority/clients/`'s affair.

Source: RFC 6749, section 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.authority.clients.clients import Clients
from keyless.authority.clients.presented import refused
from keyless.authority.grants.grant import Granted, TokenRequest, resource_of
from keyless.authority.tokens import TokenAuthority
from keyless.model.clock import Clock


@dataclass(frozen=True)
class ClientCredentials:
    """See `grant.Grant`."""

    clients: Clients
    authority: TokenAuthority
    clock: Clock

    async def grant(self, request: TokenRequest) -> Granted:
        client = await self.clients.prove(request.presented)
        resource = resource_of(request.form.get("scope", ""))
        if client.principal is None:
            told = "it has no service principal: `keyless principal create-app` makes one with the registration"
            raise refused(told, "AADSTS7000229")
        issued = await self.authority.issue(client.principal, resource, longest_life=client.longest_life)
        left = issued.expires_on - int(self.clock())
        answer = {
            "token_type": "Bearer",
            "expires_in": left,
            "ext_expires_in": left,
            "access_token": issued.token.reveal(),
        }
        return Granted(client.principal.principal_id, client.principal.display_name, f"a token for {resource}", answer)

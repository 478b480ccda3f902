"""The client that a request to the token endpoint comes from, proven by what it sent.

Owns finding the client and choosing the way in which it has to prove itself. Must not know any way's details.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from keyless.authority.clients.assertion import Assertion, read_assertion
from keyless.authority.clients.presented import Client, Presented, refused
from keyless.directory.applications import Applications
from keyless.directory.principals import Directory
from keyless.model.secretstr import SecretStr


class SecretWay(Protocol):
    """Proof by a secret."""

    async def prove(self, client: Client, secret: SecretStr, peer: str) -> None:
        """Return if the secret is the client's; raise UNAUTHENTICATED otherwise."""
        ...


class AssertionWay(Protocol):
    """Proof by a signed assertion."""

    async def prove(self, client: Client, assertion: Assertion, audiences: tuple[str, ...]) -> None:
        """Return if the assertion proves the client to an endpoint of these names; raise UNAUTHENTICATED otherwise."""
        ...


class InstanceWay(Protocol):
    """Proof by an assertion that this authority gave to a running instance of an app."""

    def is_own(self, assertion: Assertion) -> bool:
        """Whether an assertion says that it is such a one."""
        ...

    async def prove(self, client: Client, assertion: Assertion) -> int | None:
        """The longest life of the client's tokens, if there is one; raises UNAUTHENTICATED if it is not proven."""
        ...


@dataclass(frozen=True)
class Clients:
    """`foreign` takes assertions that others than the client issued, where there is such a way."""

    directory: Directory
    applications: Applications
    secret: SecretWay
    owner_key: AssertionWay
    certificate: AssertionWay
    instances: InstanceWay
    foreign: AssertionWay | None = None

    def find(self, client_id: str) -> Client:
        """The client, not proven; raises UNAUTHENTICATED if there is none."""
        principal, application = self.directory.by_client_id(client_id), self.applications.by_client_id(client_id)
        if principal is None and application is None:
            told = "no application of that client_id is here: `keyless principal list` shows those there are"
            raise refused(told, "AADSTS700016")
        return Client(client_id, application, principal)

    async def prove(self, presented: Presented) -> Client:
        """The client, proven; raises UNAUTHENTICATED."""
        client = self.find(presented.client_id)
        if client.principal is not None and not client.principal.enabled:
            raise refused("it has been disabled", "AADSTS7000112")
        if presented.secret is not None:
            await self.secret.prove(client, presented.secret, presented.peer)
        elif presented.assertion is not None:
            assertion = read_assertion(presented.assertion)
            if self.instances.is_own(assertion):
                return replace(client, longest_life=await self.instances.prove(client, assertion))
            await self._way(client, assertion).prove(client, assertion, presented.audiences)
        else:
            raise refused("it has to send a client_secret or a client_assertion", "AADSTS7000218")
        return client

    def _way(self, client: Client, assertion: Assertion) -> AssertionWay:
        # a client that signs for itself names its client ID there
        if assertion.issuer.startswith("https://") and self.foreign is not None:
            return self.foreign
        key = self.directory.assertion_key(client.principal.principal_id) if client.principal else None
        return self.owner_key if key else self.certificate

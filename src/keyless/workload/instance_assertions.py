"""An instance that proves itself at the token endpoint, by an assertion about it instead of over its lease.

Owns binding the two: an assertion counts while the lease of the instance that it names lives, and for the identities
that are assigned to the app at that moment. What stands in an assertion is the authority's business.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.authority.instance_assertions import AssertionAuthority, InstanceClaims, refused
from keyless.model.app import WORKLOAD_IDENTITY, Lease
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.identity import Principal
from keyless.model.secretstr import SecretStr
from keyless.workload.faults import longest_life
from keyless.workload.identities import InstanceIdentities
from keyless.workload.instances import Instances
from keyless.workload.selectors import Selector


@dataclass(frozen=True)
class InstanceAssertions:
    """Gives instances their assertions, and takes them back."""

    authority: AssertionAuthority
    instances: Instances
    identities: InstanceIdentities

    async def issue(self, lease: Lease) -> tuple[SecretStr, int]:
        """An assertion about an instance, and the Unix second in which it ends."""
        return await self.authority.sign(InstanceClaims(str(lease.app), lease.id))

    def is_own(self, assertion: str) -> bool:
        """Whether an assertion claims to be one of these."""
        return self.authority.is_own(assertion)

    async def prove(self, client_id: str, assertion: str) -> tuple[Principal, int | None]:
        """The identity of that client ID, and how long its tokens may live, if they may not live as long as others.

        Raises UNAUTHENTICATED; UNAVAILABLE while the instance's launcher is not back after a restart of the server;
        and what every request for a token may meet.
        """
        claims = self.authority.verify(assertion)
        lease = self.instances.live(claims.instance)
        if lease is None and self.instances.is_dormant(claims.instance):
            message = "The launcher of this instance is not back yet after the server's restart: try again."
            raise KeylessError(ErrorKind.UNAVAILABLE, message, retry_after=1)
        if lease is None or lease.host != WORKLOAD_IDENTITY or str(lease.app) != claims.subject:
            raise refused("the instance that it names has ended")
        if not client_id:
            raise refused("the request needs the client_id of an identity of the app")
        try:
            principal = self.identities.choose(lease, Selector(client_id), only_one_is_meant=False)
        except KeylessError as error:
            raise KeylessError(ErrorKind.UNAUTHENTICATED, error.message, code="invalid_client") from None
        await self.identities.admit(lease, principal)
        return principal, longest_life(lease)

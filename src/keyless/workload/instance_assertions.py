"""An instance that proves itself at the token endpoint, by an assertion about it instead of over its lease.

Owns binding the two: an assertion counts while the lease of the instance that it names lives, and for the identities
that are assigned to the app at that moment. What stands in an assertion is the authority's business.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.authority.clients.assertion import Assertion
from keyless.authority.clients.presented import Client, refused
from keyless.authority.instance_assertions import AssertionAuthority, InstanceClaims
from keyless.model.app import Lease
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.hosts import WORKLOAD_IDENTITY
from keyless.model.secretstr import SecretStr
from keyless.workload.faults import longest_life
from keyless.workload.identities import InstanceIdentities
from keyless.workload.instances import Instances
from keyless.workload.selectors import Selector


@dataclass(frozen=True)
class InstanceAssertions:
    """Gives instances their assertions, and takes them back. See `clients.InstanceWay`."""

    authority: AssertionAuthority
    instances: Instances
    identities: InstanceIdentities

    async def issue(self, lease: Lease) -> tuple[SecretStr, int]:
        """An assertion about an instance, and the Unix second in which it ends."""
        return await self.authority.sign(InstanceClaims(str(lease.app), lease.id))

    def is_own(self, assertion: Assertion) -> bool:
        return self.authority.is_own(assertion)

    async def prove(self, client: Client, assertion: Assertion) -> int | None:
        """See `clients.InstanceWay`.

        Raises UNAVAILABLE as well, while the instance's launcher is not back after a restart of the server; and what
        every request for a token may meet.
        """
        claims = self.authority.verify(assertion)
        lease = self.instances.live(claims.instance)
        if lease is None and self.instances.is_dormant(claims.instance):
            message = "The launcher of this instance is not back yet after the server's restart: try again."
            raise KeylessError(ErrorKind.UNAVAILABLE, message, retry_after=1)
        if lease is None or lease.host != WORKLOAD_IDENTITY or str(lease.app) != claims.subject:
            raise refused("the instance that its assertion names has ended")
        try:
            principal = self.identities.choose(lease, Selector(client.client_id), only_one_is_meant=False)
        except KeylessError as error:
            raise KeylessError(ErrorKind.UNAUTHENTICATED, error.message) from None
        await self.identities.admit(lease, principal)
        return longest_life(lease)

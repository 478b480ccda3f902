"""Which principal an instance may speak for at this moment, however it asks.

Owns the steps app → selector → principal → faults and rate, which the identity endpoint and the token endpoint share.
Must not issue tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keyless.directory.principals import Directory
from keyless.model.app import Lease
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.workload.assigned import select
from keyless.workload.faults import Faults
from keyless.workload.rate import RateLimit
from keyless.workload.selectors import Selector


@dataclass(frozen=True)
class InstanceIdentities:
    """The identities of instances."""

    app: Callable[[ResourceId], Resource | None]
    directory: Directory
    limit: RateLimit
    faults: Faults

    def choose(self, lease: Lease, selector: Selector, *, only_one_is_meant: bool) -> Principal:
        """The identity that is meant; raises INVALID when none is, or one that the app does not have."""
        app = self.app(lease.app)
        if app is None:
            raise invalid(f"The app {lease.app.name!r} has been deleted.")
        return select(app, self.directory, selector, only_one_is_meant=only_one_is_meant)

    async def admit(self, lease: Lease, principal: Principal) -> None:
        """Let one request for a token pass; raises THROTTLED above the rate, and what the instance asked for."""
        await self.faults.trouble(lease)
        if not self.limit.allows((lease.id, principal.principal_id)):
            message = f"More than {self.limit.per_second:g} requests a second: keep the token and use it again."
            raise KeylessError(ErrorKind.THROTTLED, message, retry_after=1)

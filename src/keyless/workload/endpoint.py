"""The identity endpoint: what every request for a token goes through, whatever the shape of its host.

Owns the steps — shape → identity → rate → issue → audit — once for all shapes, and the one answer that every client's
parser takes. A request arrives over a lease (`lease_socket.py`), which says its shape; how it looks is
that shape's business (`shape.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keyless.authority.tokens import IssuedToken, TokenAuthority
from keyless.http.message import Request, Response
from keyless.http.surface import PublicOperation
from keyless.model.app import Lease
from keyless.model.audit import Audit, AuditEvent
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.hosts import APP_SERVICE
from keyless.model.identity import Principal
from keyless.workload.faults import longest_life
from keyless.workload.identities import InstanceIdentities
from keyless.workload.instances import Instances
from keyless.workload.shape import Asked, Shape, json_response

_STATUS = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.THROTTLED: 429,
    ErrorKind.UNAVAILABLE: 503,
}
_HTTP_PORT = 80


@dataclass(frozen=True)
class IdentityEndpoint:
    """See `http.surface.Surface`. Public to the kernel: the lease, and what its shape asks for, proves the caller."""

    shapes: Mapping[str, Shape]
    instances: Instances
    identities: InstanceIdentities
    authority: TokenAuthority
    audit: Audit
    clock: Clock
    name: str = "identity"

    def route(self, request: Request) -> PublicOperation:
        return PublicOperation("token", self._answer)

    async def _answer(self, request: Request) -> Response:
        lease = self._live(request)
        shape = self.shapes[lease.host]
        if "x-forwarded-for" in request.headers:
            raise invalid("A request that was forwarded gets no token.")
        if (request.host, request.port or _HTTP_PORT) not in shape.addresses(lease.identity_port):
            raise invalid("The identity endpoint answers to its own address only.")
        return await self.answer(request, lease)

    async def answer(self, request: Request, lease: Lease) -> Response:
        """The answer to a request that came where it should."""
        shape = self.shapes[lease.host]
        asked = await shape.read(request, lease)
        if isinstance(asked, Response):
            return asked
        return await self._token(request, lease, asked, shape)

    async def _token(self, request: Request, lease: Lease, asked: Asked, shape: Shape) -> Response:
        try:
            principal = self.identities.choose(lease, asked.selector, only_one_is_meant=shape.only_one_is_meant)
        except KeylessError as error:
            await self._record(request, lease, asked, None, error.message)
            raise
        await self.identities.admit(lease, principal)
        issued = await self.authority.issue(
            principal, asked.resource, longest_life=longest_life(lease), rejected=asked.rejected
        )
        await self._record(request, lease, asked, principal, f"assigned to the app {lease.app.name!r}")
        return json_response(200, token_body(asked, principal, issued, self.clock()))

    def _live(self, request: Request) -> Lease:
        lease = request.lease
        if lease is None or not self.instances.is_live(lease):
            raise KeylessError(ErrorKind.UNAUTHENTICATED, "The lease of this instance is over.")
        return lease

    async def _record(
        self, request: Request, lease: Lease, asked: Asked, principal: Principal | None, reason: str
    ) -> None:
        event = AuditEvent(
            request.request_id,
            self.name,
            "token",
            str(lease.app),
            f"token for {asked.resource[:256]}",
            principal.principal_id if principal else "",
            principal.display_name if principal else lease.app.name,
            "allowed" if principal else "denied",
            reason,
        )
        await self.audit.decision(event, durable=principal is None)

    def challenge(self, _request: Request, _error: KeylessError) -> str:
        return ""

    def error(self, request: Request, error: KeylessError) -> Response:
        return self.refuse(request, error, request.lease.host if request.lease else APP_SERVICE)

    def refuse(self, request: Request, error: KeylessError, host: str) -> Response:
        """The error in the envelope of a shape."""
        return self.shapes[host].error(request, _STATUS.get(error.kind, 500), error)

    def common_headers(self, request: Request) -> dict[str, str]:
        return {"x-ms-request-id": request.request_id, "Cache-Control": "no-store"}


def token_body(asked: Asked, principal: Principal, issued: IssuedToken, now: float) -> dict[str, str]:
    """The answer with a token. All values are strings: this is the one form that every client's parser takes."""
    left = str(max(0, issued.expires_on - int(now)))
    # clients of Azure Arc take the token of an identity that they named only if its name comes back as they wrote it
    named = {"object_id": asked.selector.object_id, "msi_res_id": asked.selector.resource_id}
    return {
        "access_token": issued.token.reveal(),
        "client_id": principal.client_id,
        **{name: value for name, value in named.items() if value},
        "expires_in": left,
        "expires_on": str(issued.expires_on),
        "ext_expires_in": left,
        "not_before": str(issued.not_before),
        "resource": issued.resource,
        "token_type": "Bearer",
    }

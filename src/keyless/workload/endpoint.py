"""The identity endpoint: what every request for a token goes through, whatever the shape of its host.

Owns the steps — app → selector → principal → rate → issue → audit — once for all shapes, and the one answer that
every client's parser takes. A request arrives over a lease (`lease_socket.py`), which says its shape; how it looks is
that shape's business (`shape.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keyless.authority.tokens import IssuedToken, TokenAuthority
from keyless.directory.principals import Directory
from keyless.http.message import Request, Response
from keyless.http.surface import PublicOperation
from keyless.model.app import APP_SERVICE, Lease
from keyless.model.audit import Audit, AuditEvent
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.workload.assigned import select
from keyless.workload.instances import Instances
from keyless.workload.rate import RateLimit
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
    app: Callable[[ResourceId], Resource | None]
    directory: Directory
    authority: TokenAuthority
    audit: Audit
    limit: RateLimit
    clock: Clock
    name: str = "identity"

    def route(self, request: Request) -> PublicOperation:
        return PublicOperation("token", self._answer)

    async def _answer(self, request: Request) -> Response:
        lease, shape = self._live(request), self._shape(request)
        if "x-forwarded-for" in request.headers:
            raise invalid("A request that was forwarded gets no token.")
        if (request.host, request.port or _HTTP_PORT) not in shape.addresses(lease.identity_port):
            raise invalid("The identity endpoint answers to its own address only.")
        asked = await shape.read(request, lease)
        if isinstance(asked, Response):
            return asked
        return await self._token(request, lease, asked, shape)

    async def _token(self, request: Request, lease: Lease, asked: Asked, shape: Shape) -> Response:
        app = self.app(lease.app)
        if app is None:
            raise invalid(f"The app {lease.app.name!r} has been deleted.")
        try:
            principal = select(app, self.directory, asked.selector, only_one_is_meant=shape.only_one_is_meant)
        except KeylessError as error:
            await self._record(request, lease, asked, None, error.message)
            raise
        if not self.limit.allows((lease.id, principal.principal_id)):
            message = f"More than {self.limit.per_second:g} requests a second: keep the token and use it again."
            raise KeylessError(ErrorKind.THROTTLED, message, retry_after=1)
        issued = await self.authority.issue(principal, asked.resource)
        await self._record(request, lease, asked, principal, f"assigned to the app {app.name!r}")
        return json_response(200, token_body(asked, principal, issued, self.clock()))

    def _live(self, request: Request) -> Lease:
        lease = request.lease
        if lease is None or not self.instances.is_live(lease):
            raise KeylessError(ErrorKind.UNAUTHENTICATED, "The lease of this instance is over.")
        return lease

    def _shape(self, request: Request) -> Shape:
        return self.shapes[request.lease.host if request.lease else APP_SERVICE]

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
        return self._shape(request).error(request, _STATUS.get(error.kind, 500), error)

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

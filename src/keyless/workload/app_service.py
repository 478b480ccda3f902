"""The identity endpoint in App Service's shape, api-version 2019-08-01.

Owns the request's checks, the answer and the error envelope of this host shape. A request arrives over a lease
(`lease_socket.py`), and has to show the header secret of that lease as well.

Source: App Service, "How to use managed identities", REST endpoint reference.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from keyless.authority.tokens import IssuedToken, TokenAuthority
from keyless.directory.principals import Directory
from keyless.http.message import Request, Response
from keyless.http.surface import PublicOperation, refusal
from keyless.model.app import Lease
from keyless.model.audit import Audit, AuditEvent
from keyless.model.clock import Clock
from keyless.model.errors import ErrorKind, KeylessError, invalid, not_found
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.workload.assigned import Selector, select
from keyless.workload.instances import Instances, hash_of
from keyless.workload.rate import RateLimit

PATH = "/msi/token"
_LOOPBACK = {"127.0.0.1", "localhost"}
#: Every spelling of the selectors that clients send, for each of the three ways to name an identity.
_CLIENT_ID = ("client_id", "clientid")
_OBJECT_ID = ("object_id", "principal_id")
_RESOURCE_ID = ("mi_res_id", "msi_res_id", "resource_id")

_STATUS = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.THROTTLED: 429,
    ErrorKind.UNAVAILABLE: 503,
}


@dataclass(frozen=True)
class AppServiceSurface:
    """See `http.surface.Surface`. Public to the kernel: the lease and its header secret are what proves the caller."""

    instances: Instances
    app: Callable[[ResourceId], Resource | None]
    directory: Directory
    authority: TokenAuthority
    audit: Audit
    limit: RateLimit
    clock: Clock
    name: str = "identity"

    def route(self, request: Request) -> PublicOperation:
        if request.path.rstrip("/").lower() != PATH:
            return refusal(not_found(f"The identity endpoint is {PATH}."))
        if request.method != "GET":
            return refusal(invalid("The identity endpoint takes GET."))
        return PublicOperation("token", self._token)

    async def _token(self, request: Request) -> Response:
        lease = self._proved(request)
        resource = request.query.get("resource", "")
        if not resource:
            raise invalid("The query needs 'resource': the URI of what the token is for.")
        app = self.app(lease.app)
        if app is None:
            raise invalid(f"The app {lease.app.name!r} has been deleted.")
        selector = read_selector(request)
        try:
            principal = select(app, self.directory, selector)
        except KeylessError as error:
            await self._record(request, lease, resource, None, error.message)
            raise
        if not self.limit.allows((lease.id, principal.principal_id)):
            message = f"More than {self.limit.per_second:g} requests a second: keep the token and use it again."
            raise KeylessError(ErrorKind.THROTTLED, message, retry_after=1)
        issued = await self.authority.issue(principal, resource)
        await self._record(request, lease, resource, principal, f"assigned to the app {app.name!r}")
        return _answer(principal, issued, self.clock())

    def _proved(self, request: Request) -> Lease:
        lease = request.lease
        if lease is None or not self.instances.is_live(lease):
            raise KeylessError(ErrorKind.UNAUTHENTICATED, "The lease of this instance is over.")
        if "x-forwarded-for" in request.headers:
            raise invalid("A request that was forwarded gets no token.")
        if request.host not in _LOOPBACK or request.port != lease.identity_port:
            raise invalid("The identity endpoint answers to its own address only.")
        shown = hash_of(request.headers.get("x-identity-header"))
        if not hmac.compare_digest(shown, lease.header_hash):
            raise KeylessError(ErrorKind.UNAUTHENTICATED, "X-IDENTITY-HEADER is missing, or is not this instance's.")
        return lease

    async def _record(
        self, request: Request, lease: Lease, resource: str, principal: Principal | None, reason: str
    ) -> None:
        event = AuditEvent(
            request.request_id,
            self.name,
            "token",
            str(lease.app),
            f"token for {resource[:256]}",
            principal.principal_id if principal else "",
            principal.display_name if principal else lease.app.name,
            "allowed" if principal else "denied",
            reason,
        )
        await self.audit.decision(event, durable=principal is None)

    def challenge(self, _request: Request, _error: KeylessError) -> str:
        return ""

    def error(self, request: Request, error: KeylessError) -> Response:
        status = _STATUS.get(error.kind, 500)
        body = {"statusCode": status, "message": error.message, "correlationId": request.request_id}
        return _json(status, body)

    def common_headers(self, request: Request) -> dict[str, str]:
        return {"x-ms-request-id": request.request_id, "Cache-Control": "no-store"}


def read_selector(request: Request) -> Selector:
    """Which identity a request names; raises INVALID when it names more than one."""

    def first(names: tuple[str, ...]) -> str:
        for name in names:
            if value := request.query.get(name):
                return value
        return ""

    selector = Selector(first(_CLIENT_ID), first(_OBJECT_ID), first(_RESOURCE_ID))
    if sum(map(bool, (selector.client_id, selector.object_id, selector.resource_id))) > 1:
        raise invalid("Name the identity in one way only: client_id, object_id or mi_res_id.")
    return selector


def _answer(principal: Principal, issued: IssuedToken, now: float) -> Response:
    left = str(max(0, issued.expires_on - int(now)))
    # all values are strings: this is the one shape that every client's parser takes
    body = {
        "access_token": issued.token.reveal(),
        "client_id": principal.client_id,
        "expires_in": left,
        "expires_on": str(issued.expires_on),
        "ext_expires_in": left,
        "not_before": str(issued.not_before),
        "resource": issued.resource,
        "token_type": "Bearer",
    }
    return _json(200, body)


def _json(status: int, body: object) -> Response:
    return Response(status, msgspec.json.encode(body), {"Content-Type": "application/json; charset=utf-8"})

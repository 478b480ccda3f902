"""Where instances that keyless does not start ask for tokens: `identity.{domain}`, on the HTTPS port.

Owns the proof of such a caller: the header secret, over TLS, and the peer's address where the instance is bound to
some. No header says where a request comes from. From there on all is as for other instances (`endpoint.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from keyless.http.message import Request, Response
from keyless.http.surface import PublicOperation
from keyless.model.app import Lease
from keyless.model.audit import AuditEvent
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.hosts import APP_SERVICE
from keyless.workload.endpoint import IdentityEndpoint
from keyless.workload.hosted import Hosted, HostedInstances
from keyless.workload.instances import hash_of
from keyless.workload.rate import RateLimit

#: The headers in which the shapes of `hosted.SHAPES` carry the secret.
_PROOFS = ("x-identity-header", "secret")


@dataclass(frozen=True)
class HostedEndpoint:
    """See `http.surface.Surface`. Public to the kernel: the instance's secret proves the caller."""

    endpoint: IdentityEndpoint
    hosted: HostedInstances
    refusals: RateLimit
    name: str = "identity"

    def route(self, request: Request) -> PublicOperation:
        return PublicOperation("token", self._answer)

    async def _answer(self, request: Request) -> Response:
        if "x-forwarded-for" in request.headers:
            raise invalid("A request that was forwarded gets no token.")
        instance = self._shown(request)
        if instance is None:
            raise KeylessError(
                ErrorKind.UNAUTHENTICATED,
                "The identity header is missing, or no instance's: it may have been revoked, or have ended; "
                "make another with `keyless instance create`.",
            )
        if not instance.may_ask_from(request.peer):
            await self._record_refusal(request, instance)
            raise KeylessError(ErrorKind.FORBIDDEN, f"This instance may not ask from the address {request.peer}.")
        lease = Lease(
            f"{instance.app.name}/{instance.name}", instance.app, "", instance.header_hash, 0, host=instance.host
        )
        response = await self.endpoint.answer(request, lease)
        if response.status == 200:
            self.hosted.used(instance)
        return response

    def _shown(self, request: Request) -> Hosted | None:
        shown = next((value for name in _PROOFS if (value := request.headers.get(name))), "")
        return self.hosted.find(hash_of(shown)) if shown else None

    async def _record_refusal(self, request: Request, instance: Hosted) -> None:
        if not self.refusals.allows(instance.key):
            return
        reason = f"The instance {instance.name!r} is bound to other addresses than {request.peer}."
        event = AuditEvent(
            request.request_id,
            self.name,
            "token",
            str(instance.app),
            "token",
            "",
            f"{instance.app.name}/{instance.name}",
            "denied",
            reason,
        )
        await self.endpoint.audit.decision(event, durable=True)

    def challenge(self, _request: Request, _error: KeylessError) -> str:
        return ""

    def error(self, request: Request, error: KeylessError) -> Response:
        instance = self._shown(request)
        return self.endpoint.refuse(request, error, instance.host if instance else APP_SERVICE)

    def common_headers(self, request: Request) -> dict[str, str]:
        return self.endpoint.common_headers(request)

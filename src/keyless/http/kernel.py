"""The way of a request: surface → operation → authenticate → authorise → audit → handle → answer.

Owns these steps, for every surface, so that no handler can forget one. Authentication, authorisation and the
audit are handed to it. Must not know any surface's protocol.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from keyless.http.message import Request, Response
from keyless.http.surface import Call, Delegation, Operation, PublicOperation, Surface
from keyless.model.access import Decision, Denied, Requirement
from keyless.model.audit import Audit, AuditEvent
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.identity import Principal

log = logging.getLogger("keyless.http")

MAX_TOKEN = 16 * 1024
_CHALLENGED = {ErrorKind.UNAUTHENTICATED, ErrorKind.REVOKED}


@dataclass(frozen=True)
class Kernel:
    """Dispatches requests. `authenticate` maps a token and a surface's name to a principal, or raises.

    `delegations`, by the surface's name, read another credential than a bearer token out of a request; they give
    None if there is none, and raise if it is no good.
    """

    surface_of: Callable[[Request], Surface | None]
    authenticate: Callable[[str, str], Principal]
    authorise: Callable[[Principal, Iterable[Requirement]], Decision]
    audit: Audit
    delegations: Mapping[str, Callable[[Request], Delegation | None]] = field(default_factory=dict)

    async def dispatch(self, request: Request) -> Response:
        """Answer one request; never raises, except when it is cancelled."""
        surface = self.surface_of(request)
        if surface is None:
            return _no_such_host(request)
        try:
            response = await self._answer(surface, request)
        except KeylessError as error:
            if error.kind is ErrorKind.INTERNAL:
                log.error("request %s failed: %s", request.request_id, error.message)
            response = _refusal(surface, request, error)
        except Exception as error:
            # the message of an unforeseen exception may quote what it failed on: only types and places are kept
            places = " < ".join(f"{f.name}:{f.lineno}" for f in reversed(traceback.extract_tb(error.__traceback__)))
            log.error("request %s failed: %s at %s", request.request_id, type(error).__name__, places)
            internal = KeylessError(
                ErrorKind.INTERNAL, f"keyless failed on this request ({request.request_id}); see its log."
            )
            response = surface.error(request, internal)
        for name, value in surface.common_headers(request).items():
            response.headers.setdefault(name, value)
        return response

    async def _answer(self, surface: Surface, request: Request) -> Response:
        if request.fault is not None:
            raise request.fault
        operation = _route(surface, request)
        if isinstance(operation, PublicOperation):
            return await operation.handle(request)
        read = self.delegations.get(surface.name)
        delegation = read(request) if read else None
        caller = delegation.principal if delegation else self.authenticate(bearer(request), surface.name)
        if isinstance(operation, KeylessError):
            raise operation
        asked = _Asked(self, surface.name, operation, request, caller, delegation)
        call = Call(request, caller, asked.require, self.dispatch)
        if operation.self_service:
            return await operation.handle(call)
        event = await asked.authorised(operation.requirements)
        if not operation.changes:
            return await operation.handle(call)
        try:
            response = await operation.handle(call)
        except KeylessError as error:
            self.audit.outcome(event, surface.error(request, error).status)
            raise
        except Exception:
            self.audit.outcome(event, 500)
            raise
        self.audit.outcome(event, response.status)
        return response


@dataclass  # not frozen: made for every request
class _Asked:
    """What is asked for and by whom; with a delegation, `caller` is who passed its rights on."""

    kernel: Kernel
    surface: str
    operation: Operation
    request: Request
    caller: Principal
    delegation: Delegation | None

    async def require(self, requirements: Iterable[Requirement]) -> None:
        """See `surface.Call`."""
        await self.authorised(tuple(requirements))

    async def authorised(self, requirements: tuple[Requirement, ...]) -> AuditEvent:
        """Decide, and keep the decision; raises FORBIDDEN."""
        withheld = self._withheld(requirements) if self.delegation else None
        decision = withheld or self.kernel.authorise(self.caller, requirements)
        denied = decision if isinstance(decision, Denied) else None
        reason = f"{decision.reason} (through {self.delegation.means})" if self.delegation else decision.reason
        told = denied.requirement if denied else requirements[0]
        event = AuditEvent(
            self.request.request_id,
            self.surface,
            self.operation.name,
            str(told.scope),
            " or ".join([p.action for p in told.any_of]),
            self.caller.principal_id,
            self.caller.display_name,
            "denied" if denied else "allowed",
            reason,
        )
        await self.kernel.audit.decision(event, durable=denied is not None or self.operation.changes)
        if denied:
            raise KeylessError(ErrorKind.FORBIDDEN, self._told(denied, withheld), code=denied.code)
        return event

    def _withheld(self, requirements: tuple[Requirement, ...]) -> Denied | None:
        """The denial of what was not passed on."""
        assert self.delegation is not None
        for requirement in requirements:
            if why := self.delegation.withholds(self.operation.name, requirement):
                return Denied(requirement, why, "")
        return None

    def _told(self, denied: Denied, withheld: Denied | None) -> str:
        """The sentence for the client; whoever holds a delegation is not told which roles its maker has."""
        if self.delegation is None:
            who = f"{self.caller.display_name} (principal {self.caller.principal_id})"
            return f"{who} may not do this. {denied.reason}"
        why = withheld.reason if withheld else "Whoever passed it on may not do this either: ask them."
        return f"This is beyond {self.delegation.means}. {why}"


def bearer(request: Request) -> str:
    """The bearer token of a request (RFC 6750, 2.1); raises UNAUTHENTICATED when there is none."""
    scheme, _, token = request.headers.get("authorization").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN:
        raise KeylessError(ErrorKind.UNAUTHENTICATED, "This request needs a bearer token in its Authorization header.")
    return token


def _route(surface: Surface, request: Request) -> Operation | PublicOperation | KeylessError:
    """An error is held back until the caller is authenticated."""
    try:
        return surface.route(request)
    except KeylessError as error:
        return error


def _refusal(surface: Surface, request: Request, error: KeylessError) -> Response:
    response = surface.error(request, error)
    challenge = surface.challenge(request, error) if error.kind in _CHALLENGED else ""
    if challenge:
        response.headers["WWW-Authenticate"] = challenge
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _no_such_host(request: Request) -> Response:
    text = f"No service of keyless answers to the name {request.host!r}.\n"
    return Response(404, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})

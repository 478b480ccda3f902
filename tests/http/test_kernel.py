"""The way of a request: in this order, for every surface, and nothing before its turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from keyless.http.kernel import MAX_TOKEN, Kernel, bearer
from keyless.http.message import Body, Headers, Request, Response, Target
from keyless.http.surface import Call, Operation, PublicOperation, refusal
from keyless.model.access import Allowed, Assignment, Decision, Denied, Permission, Requirement
from keyless.model.audit import AuditEvent
from keyless.model.errors import ErrorKind, KeylessError, conflict, not_found
from keyless.model.identity import Principal, PrincipalKind
from keyless.model.resource_id import parse_resource_id

SHOP = Principal("p-1", "c-1", "shop", PrincipalKind.USER_ASSIGNED)
SCOPE = parse_resource_id("/subscriptions/s/resourceGroups/g")
NEED = Requirement(SCOPE, (Permission("a/write"),))
MORE = Requirement(SCOPE.child("x", "y"), (Permission("b/read", data=True), Permission("c/read", data=True)))
BY = Assignment("/assignment", "p-1", "r", "/subscriptions/s")


@dataclass
class World:
    """Every part of the way, each of which writes down when its turn came."""

    operation: Operation | PublicOperation | KeylessError | None = None
    allowed: bool = True
    audit_fails: bool = False
    steps: list[str] = field(default_factory=list)
    events: list[tuple[AuditEvent, bool]] = field(default_factory=list)
    outcomes: list[int] = field(default_factory=list)
    name: str = "test"

    # the surface

    def route(self, _request: Request) -> Operation | PublicOperation:
        self.steps.append("route")
        if isinstance(self.operation, KeylessError):
            raise self.operation
        assert self.operation is not None
        return self.operation

    def challenge(self, _request: Request, _error: KeylessError) -> str:
        return 'Bearer realm="here"'

    def error(self, _request: Request, error: KeylessError) -> Response:
        status = {ErrorKind.UNAUTHENTICATED: 401, ErrorKind.FORBIDDEN: 403, ErrorKind.INTERNAL: 500}.get(
            error.kind, 400
        )
        return Response(status, error.message.encode())

    def common_headers(self, request: Request) -> dict[str, str]:
        return {"X-Request": request.request_id, "X-Own": "common"}

    # what is handed to the kernel

    def authenticate(self, token: str, family: str) -> Principal:
        self.steps.append(f"authenticate for {family}")
        if token != "good":
            raise KeylessError(ErrorKind.UNAUTHENTICATED, "The token is no good.")
        return SHOP

    def authorise(self, _caller: Principal, requirements: Iterable[Requirement]) -> Decision:
        self.steps.append("authorise")
        needed = tuple(requirements)
        return Allowed((BY,) * len(needed)) if self.allowed else Denied(needed[-1], "No.", "Ask.")

    async def decision(self, event: AuditEvent, *, durable: bool) -> None:
        self.steps.append("audit")
        if self.audit_fails:
            raise KeylessError(ErrorKind.UNAVAILABLE, "The audit log cannot be written.", retry_after=5)
        self.events.append((event, durable))

    def outcome(self, _event: AuditEvent, status: int) -> None:
        self.outcomes.append(status)

    async def send(self, token: str | None = "good", **changed: Any) -> Response:
        headers = Headers([("authorization", f"Bearer {token}")] if token else [])
        request = Request(
            "PUT", "h", None, Target("test"), "/", {}, headers, Body(), "r-1", fault=changed.pop("fault", None)
        )
        surface = None if changed.pop("nobody", False) else self
        kernel = Kernel(lambda _request: surface, self.authenticate, self.authorise, self)
        return await kernel.dispatch(request)

    def operates(self, handle: Callable[[Call], Awaitable[Response]] | None = None, **changed: Any) -> World:
        async def done(_call: Call) -> Response:
            self.steps.append("handle")
            return Response(201, b"done", {"X-Own": "handler"})

        self.operation = replace(Operation("write", handle or done, (NEED,), changes=True), **changed)
        return self


async def test_the_order_of_the_way() -> None:
    world = World().operates()
    answer = await world.send()
    assert world.steps == ["route", "authenticate for test", "authorise", "audit", "handle"]
    assert (answer.status, answer.headers) == (201, {"X-Own": "handler", "X-Request": "r-1"})
    ((event, durable),) = world.events
    assert durable
    assert event == AuditEvent("r-1", "test", "write", str(SCOPE), "a/write", "p-1", "shop", "allowed", "/assignment")
    assert world.outcomes == [201]


async def test_a_read_is_kept_but_does_not_wait() -> None:
    world = World().operates(changes=False)
    await world.send()
    ((_event, durable),) = world.events
    assert not durable
    assert world.outcomes == []


@pytest.mark.parametrize("token", [None, "", "bad", "x" * (MAX_TOKEN + 1)])
async def test_without_a_good_token_nothing_else_is_looked_at(token: str | None) -> None:
    world = World().operates()
    answer = await world.send(token)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="here"'
    assert not {"authorise", "audit", "handle"} & set(world.steps)


async def test_what_the_route_has_to_say_waits_for_the_token() -> None:
    world = World(not_found("There is no such thing."))
    assert (await world.send("bad")).status == 401
    assert (await world.send()).status == 400
    assert world.events == []


async def test_a_denial_is_kept_durably_and_the_handler_never_runs() -> None:
    world = World(allowed=False).operates(changes=False, requirements=(NEED, MORE))
    answer = await world.send()
    assert answer.status == 403
    assert isinstance(answer.body, bytes)
    assert b"shop (principal p-1) may not do this. No. Ask." in answer.body
    assert "handle" not in world.steps
    ((event, durable),) = world.events
    assert durable
    assert (event.decision, event.scope, event.action) == ("denied", str(MORE.scope), "b/read or c/read")
    assert event.reason == "No. Ask."


@pytest.mark.parametrize("changes", [True, False])
async def test_what_cannot_be_audited_is_not_done(changes: bool) -> None:
    world = World(audit_fails=True).operates(changes=changes)
    answer = await world.send()
    assert (answer.status, answer.headers["Retry-After"]) == (400, "5")
    assert "handle" not in world.steps


async def test_an_operation_that_forgets_its_requirements_is_denied() -> None:
    from keyless.model.access import decide

    world = World().operates(requirements=())
    world.authorise = lambda _caller, requirements: decide(requirements, [BY], {})  # type: ignore[method-assign]
    assert (await world.send()).status == 403
    assert "handle" not in world.steps


async def test_a_handler_may_require_more_and_is_refused() -> None:
    world = World()

    async def handle(call: Call) -> Response:
        world.allowed = False
        await call.require([MORE])
        raise AssertionError("it may not go on")

    answer = await world.operates(handle).send()
    assert answer.status == 403
    assert [event.decision for event, _ in world.events] == ["allowed", "denied"]
    assert world.outcomes == [403]


async def test_self_service_needs_a_token_and_no_role() -> None:
    world = World(allowed=False).operates(self_service=True, requirements=())
    assert (await world.send()).status == 201
    assert (await world.send("bad")).status == 401


async def test_a_public_operation_needs_nothing() -> None:
    async def handle(_request: Request) -> Response:
        return Response(200)

    world = World(PublicOperation("discovery", handle))
    assert (await world.send(None)).status == 200
    world.operation = refusal(conflict("No."))
    assert (await world.send(None)).status == 400
    assert world.steps == ["route", "route"]


async def test_how_a_change_ended_is_noted_whatever_came(caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(_call: Call) -> Response:
        raise conflict("No.")

    async def fail(_call: Call) -> Response:
        raise ZeroDivisionError("hunter2")

    world = World()
    assert (await world.operates(refuse).send()).status == 400
    answer = await world.operates(fail).send()
    assert answer.status == 500
    assert world.outcomes == [400, 500]
    assert isinstance(answer.body, bytes)
    assert b"r-1" in answer.body
    assert b"hunter2" not in answer.body
    assert "ZeroDivisionError at fail:" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_cancelled_request_is_cancelled() -> None:
    async def wait(_call: Call) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.ensure_future(World().operates(wait).send())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_name_that_nobody_answers_to() -> None:
    answer = await World().send(nobody=True)
    assert (answer.status, answer.headers["Content-Type"]) == (404, "text/plain; charset=utf-8")


async def test_a_fault_of_the_head_is_told_before_anything_else() -> None:
    world = World().operates()
    answer = await world.send("bad", fault=conflict("Too long."))
    assert (answer.status, answer.body, world.steps) == (400, b"Too long.", [])


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic good", "good", "Bearer\tgood"])
def test_what_is_no_bearer_token(header: str) -> None:
    request = Request("GET", "h", None, Target("t"), "/", {}, Headers([("authorization", header)]), Body(), "r")
    with pytest.raises(KeylessError):
        bearer(request)


@pytest.mark.parametrize("header", ["Bearer good", "bearer good", "BEARER  good "])
def test_a_bearer_token(header: str) -> None:
    request = Request("GET", "h", None, Target("t"), "/", {}, Headers([("authorization", header)]), Body(), "r")
    assert bearer(request) == "good"

"""The directory's surface as the owner sees it, and as others do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.harness import GRAPH, HeldLease, Owner, RunningServer


@dataclass(frozen=True)
class Graph:
    """Requests to `graph.…/v1.0/`; without a bearer they are the owner's."""

    owner: Owner
    bearer: str = field(default="", repr=False)
    principal_id: str = ""

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        token = self.bearer or self.owner.token(GRAPH)
        return self.owner.send(method, "graph", f"/v1.0/{path}", token, json=body, headers=headers)

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        """One that has to succeed; its body."""
        answer = self(method, path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def new(self, collection: str, **more: Any) -> dict[str, Any]:
        """A new object of a name of its own."""
        body = {"displayName": f"x-{uuid4().hex[:8]}"} | more
        if collection == "users":
            body = {"userPrincipalName": f"u{uuid4().hex[:8]}@keyless.localhost"} | body
        return dict(self.ok("POST", collection, body))


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def graph(owner: Owner) -> Graph:
    return Graph(owner)


@pytest.fixture
def caller(server: RunningServer, owner: Owner) -> Callable[..., Graph]:
    """A new principal with these roles over the tenant."""

    def make(*roles: str, scope: str = "") -> Graph:
        name = f"who-{uuid4().hex[:8]}"
        principal_id = owner.app(name, system=True)["identity"]["principalId"]
        for role in roles:
            owner.assign(principal_id, role, scope)
        with HeldLease.open(server, name) as lease:
            return Graph(owner, lease.token(GRAPH), principal_id)

    return make

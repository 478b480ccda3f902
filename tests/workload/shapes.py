"""How requests of each shape of host look, for the tests of the identity endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.harness import HeldLease, IdentityAnswer, Owner, RunningServer

METADATA = "/metadata/identity/oauth2/token"


def app_service_envelope(body: dict[str, Any]) -> str:
    assert set(body) == {"statusCode", "message", "correlationId"}
    return str(body["message"])


def oauth_envelope(body: dict[str, Any]) -> str:
    assert set(body) == {"error", "error_description"}
    assert isinstance(body["error"], str)
    return str(body["error_description"])


def nested_envelope(body: dict[str, Any]) -> str:
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "correlationId"}
    return str(body["error"]["message"])


@dataclass(frozen=True)
class Host:
    """How a good request of a shape looks; `secret` is the header that its proof is in, if it has one."""

    name: str
    method: str
    path: str
    secret: str | None
    headers: dict[str, str]
    envelope: Callable[[dict[str, Any]], str]
    only_one: bool

    def ask(self, lease: HeldLease, *, headers: Any = None, path: Any = "", **fields: str) -> IdentityAnswer:
        proof = {self.secret: lease.answer["header"]} if self.secret else {}
        given = {"X-IDENTITY-HEADER": None, **self.headers, **proof, **(headers or {})}
        where = {"form": fields} if self.method == "POST" else {"query": fields}
        return lease.request(self.method, path or self.path, headers=given, **where)

    def refused(self, answer: IdentityAnswer, status: int) -> str:
        assert answer.status == status, answer.content
        assert answer.headers["content-type"].startswith("application/json")
        assert b"access_token" not in answer.content
        return self.envelope(answer.json())


NEEDS_METADATA = {"Metadata": "true"}
HOSTS = {
    host.name: host
    for host in (
        Host("app-service", "GET", "/msi/token", "X-IDENTITY-HEADER", {}, app_service_envelope, False),
        Host("app-service-2017", "GET", "/msi/token", "secret", {}, app_service_envelope, False),
        Host("cloud-shell", "POST", "/oauth2/token", None, NEEDS_METADATA, nested_envelope, True),
        Host("imds", "GET", METADATA, None, NEEDS_METADATA, oauth_envelope, True),
        Host("arc", "GET", METADATA, None, NEEDS_METADATA | {"Authorization": "Basic key"}, oauth_envelope, True),
        Host("service-fabric", "GET", METADATA, "Secret", {}, nested_envelope, True),
    )
}
ALL = pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS.keys())
WITH_SECRET = [host for host in HOSTS.values() if host.secret]
WITHOUT_SECRET = [host for host in HOSTS.values() if not host.secret]


@dataclass
class World:
    """An app with a system-assigned and a user-assigned identity, and another app's."""

    server: RunningServer
    owner: Owner
    app: str
    system: str
    one: dict[str, Any]
    other: dict[str, Any]

    @contextmanager
    def lease(self, host: str, *, app: str = "", **more: Any) -> Iterator[HeldLease]:
        with HeldLease.open(self.server, app or self.app, host=host, **more) as lease:
            yield lease

"""An instance without a server behind it: requests go to a function of the test's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import ECKey

from keyless.cli.instance import Instance
from keyless.cli.owner import OwnerKey
from keyless.cli.session import Session

NOW = 1_800_000_000.0
OWNER_CLIENT = "0a000000-0000-4000-8000-000000000001"
OWNER_PRINCIPAL = "0a000000-0000-4000-8000-000000000002"
SUBSCRIPTION = "0b000000-0000-4000-8000-000000000003"
TENANT = "0c000000-0000-4000-8000-000000000004"
INSTANCE = Instance(
    data=Path("/nowhere"),
    id="0d000000-0000-4000-8000-000000000005",
    tenant=TENANT,
    subscription=SUBSCRIPTION,
    resource_group="default",
    domain="keyless.localhost",
    port=8443,
    address="127.0.0.1",
    owner_client_id=OWNER_CLIENT,
    owner_principal_id=OWNER_PRINCIPAL,
)

PRIVATE_JWK = json.dumps(ECKey.generate_key("P-256").as_dict(private=True))

Answer = Callable[[httpx.Request], httpx.Response]


class FakeServer:
    """Answers token requests itself and hands the others to `answer`; remembers all of them."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []
        self.token_requests: list[httpx.Request] = []
        self.lifetime = 3600
        self.now = NOW

    def session(self) -> Session:
        return Session(
            INSTANCE,
            lambda: OwnerKey(PRIVATE_JWK),
            transport=httpx.MockTransport(self._handle),
            clock=lambda: self.now,
        )

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if request.headers["Host"].startswith("login."):
            self.token_requests.append(request)
            number = len(self.token_requests)
            return httpx.Response(
                200, json={"access_token": f"token-{number}", "expires_in": self.lifetime, "token_type": "Bearer"}
            )
        request.read()
        self.requests.append(request)
        whole = self.answer(request)
        # as from a connection: a body that is read once
        return httpx.Response(whole.status_code, headers=whole.headers, content=iter([whole.content]))


def json_answer(body: Any, status: int = 200) -> Answer:
    """Always the same JSON."""
    return lambda _request: httpx.Response(status, json=body)

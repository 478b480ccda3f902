"""The identity endpoint, over a live lease: what is wrong gets its own envelope, and never a token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.harness import VAULT, HeldLease, Owner, connect_socket
from tests.hostile.wire import Answer, answers, read_all

from keyless.http.head import MAX_PATH

GOOD = "/msi/token?api-version=2019-08-01&resource=https://vault.azure.net"


@pytest.fixture(scope="module")
def lease(target: Owner) -> Iterator[HeldLease]:
    with HeldLease.open(target.server, "app-a") as held:
        yield held


def _ask(lease: HeldLease, data: bytes) -> list[Answer]:
    line = json.dumps({"open": "identity", "lease": lease.answer["lease"], "key": lease.answer["key"]})
    with connect_socket(lease.server) as wire:
        wire.sendall(line.encode() + b"\n" + data)
        return answers(read_all(wire, 5.0))


def _request(lease: HeldLease, method: str = "GET", path: str = GOOD, **headers: str) -> bytes:
    fields = {"Host": f"127.0.0.1:{lease.port}", "X-IDENTITY-HEADER": lease.answer["header"], "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items() if value)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def test_the_good_request(lease: HeldLease) -> None:
    (answer,) = _ask(lease, _request(lease))
    assert answer.status == 200
    assert json.loads(answer.body)["resource"] == VAULT


@pytest.mark.parametrize(
    ("status", "changed"),
    [
        (400, {"method": "POST"}),
        (400, {"method": "DELETE"}),
        (404, {"path": "/metadata/identity/oauth2/token?resource=x"}),
        (404, {"path": "/msi/token/../../etc/passwd?resource=x"}),
        (404, {"path": "/msi%2Ftoken?resource=x"}),
        (400, {"path": "/msi/token"}),
        (400, {"path": "/msi/token?resource="}),
        (400, {"path": "/msi/token?resource=%ff"}),
        (400, {"path": "/msi/token?resource=%00"}),
        (400, {"path": "/msi/token?resource=a%0d%0ab"}),
        (400, {"path": "/msi/token?resource=" + "a" * 1025}),
        (400, {"path": "/msi/token?" + "a=b&" * 1000}),
        (400, {"path": "/msi/token?resource=x&client_id=" + "a" * 5000}),
        (400, {"path": "/msi/token?resource=x&client_id=a&object_id=b"}),
        (400, {"path": "/msi/token?resource=x&mi_res_id=/subscriptions/../.."}),
        (400, {"path": "/" + "a" * MAX_PATH}),
        (401, {"X_IDENTITY_HEADER": ""}),
        (401, {"X_IDENTITY_HEADER": "\xff" * 40}),
        (401, {"X_IDENTITY_HEADER": "a" * 20_000}),
        (400, {"X_Forwarded_For": "127.0.0.1"}),
        (400, {"Host": "169.254.169.254"}),
        (400, {"Host": "127.0.0.1:1"}),
        (400, {"Host": "example.org"}),
        (400, {"X": "y" * 33_000}),
    ],
)
def test_what_is_wrong(lease: HeldLease, status: int, changed: dict[str, str]) -> None:
    (answer,) = _ask(lease, _request(lease, **changed))
    body = json.loads(answer.body)
    assert (answer.status, body["statusCode"]) == (status, status), body
    assert set(body) == {"statusCode", "message", "correlationId"}
    assert lease.answer["header"] not in body["message"]


@pytest.mark.parametrize(
    "data", [bytes(2000), b"GET\r\n\r\n", b"G" * 200_000, b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 50_000]
)
def test_what_is_no_request(lease: HeldLease, data: bytes) -> None:
    with suppress(ConnectionError):
        assert all(400 <= answer.status < 500 for answer in _ask(lease, data))
    assert lease.token(VAULT)

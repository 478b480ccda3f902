"""Federated credentials of registrations through Microsoft Graph, and what they are good for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from keyless.model.federation import EXCHANGE_AUDIENCE, MAX_CREDENTIALS
from tests.harness import HeldLease, Owner
from tests.issuers import SUBJECT, Issuer
from tests.providers.managed_identity.test_federated_credentials import exchange

GRAPH = "https://graph.microsoft.com"
BODY = {"name": "main", "issuer": "https://issuer.example.com", "subject": SUBJECT, "audiences": [EXCHANGE_AUDIENCE]}

Ask = Callable[..., httpx.Response]


@pytest.fixture
def graph(owner: Owner) -> Ask:
    def ask(method: str, path: str, body: Any = None) -> httpx.Response:
        given = {} if body is None else {"json": body}
        return owner.send(method, "graph", f"/v1.0/{path}", owner.token(GRAPH), **given)

    return ask


@pytest.fixture
def application(graph: Ask) -> dict[str, Any]:
    return dict(graph("POST", "applications", {"displayName": f"app-{uuid4().hex[:8]}"}).json())


@pytest.fixture
def below(application: dict[str, Any]) -> str:
    return f"applications/{application['id']}/federatedIdentityCredentials"


def test_the_life_of_one(graph: Ask, application: dict[str, Any], below: str) -> None:
    made = graph("POST", below, BODY | {"description": "of the main branch"})
    assert made.status_code == 201, made.text
    shown = {name: value for name, value in made.json().items() if not name.startswith("@")}
    assert shown == BODY | {"id": shown["id"], "description": "of the main branch"}
    for key in (shown["id"], "main", "MAIN"):
        assert graph("GET", f"{below}/{key}").json()["id"] == shown["id"]
    by_client = f"applications(appId='{application['appId']}')/federatedIdentityCredentials"
    assert [one["name"] for one in graph("GET", by_client).json()["value"]] == ["main"]
    assert graph("PATCH", f"{below}/main", {"subject": "other", "description": None}).status_code == 204
    changed = graph("GET", f"{below}/{shown['id']}").json()
    assert (changed["subject"], changed["description"], changed["issuer"]) == ("other", None, BODY["issuer"])
    assert [graph("DELETE", f"{below}/main").status_code for _ in range(2)] == [204, 404]
    assert graph("GET", below).json()["value"] == []


@pytest.mark.parametrize(
    "changed",
    [
        {"name": None},
        {"name": "a b"},
        {"name": "ab"},
        {"issuer": "http://issuer.example.com"},
        {"subject": ""},
        {"audiences": []},
        {"audiences": "a"},
        {"description": 1},
        {"description": "a" * 601},
        {"claimsMatchingExpression": {"value": "x"}},
    ],
)
def test_what_no_token_could_match_is_refused(graph: Ask, below: str, changed: dict[str, Any]) -> None:
    body = {name: value for name, value in (BODY | changed).items() if value is not None}
    answer = graph("POST", below, body)
    assert (answer.status_code, answer.json()["error"]["code"]) in {
        (400, "Request_BadRequest"),
        (400, "InvalidRequestContent"),
        (400, "InvalidFederatedIdentityCredential"),
    }
    assert graph("GET", below).json()["value"] == []


def test_what_is_unique(graph: Ask, below: str) -> None:
    assert graph("POST", below, BODY).status_code == 201
    assert graph("POST", below, BODY | {"name": "other"}).status_code == 409
    assert graph("POST", below, BODY | {"subject": "other"}).status_code == 400
    assert graph("POST", below, BODY | {"name": "other", "subject": "other"}).status_code == 201
    assert graph("PATCH", f"{below}/other", {"subject": SUBJECT}).status_code == 409
    assert graph("PATCH", f"{below}/other", {"name": "renamed"}).status_code == 400
    assert graph("PATCH", f"{below}/main", BODY).status_code == 204


def test_how_many_there_may_be(graph: Ask, below: str) -> None:
    for number in range(MAX_CREDENTIALS):
        assert graph("POST", below, BODY | {"name": f"fic-{number}", "subject": f"s{number}"}).status_code == 201
    assert graph("POST", below, BODY).status_code == 400
    assert graph("PATCH", f"{below}/fic-0", {"subject": SUBJECT}).status_code == 204


def test_roles_over_resources_give_nothing_here(owner: Owner, graph: Ask, below: str) -> None:
    graph("POST", below, BODY)
    name = f"who-{uuid4().hex[:8]}"
    principal_id = owner.app(name, system=True)["identity"]["principalId"]
    owner.assign(principal_id, "Owner", owner.subscription)
    with HeldLease.open(owner.server, name) as lease:
        token = lease.token(GRAPH)
    asked: list[tuple[str, str, Any]] = [
        ("GET", below, None),
        ("GET", f"{below}/main", None),
        ("POST", below, BODY | {"name": "other", "subject": "other"}),
        ("PATCH", f"{below}/main", {"subject": "other"}),
        ("DELETE", f"{below}/main", None),
    ]
    for method, path, body in asked:
        assert owner.send(method, "graph", f"/v1.0/{path}", token, json=body).status_code == 403, (method, path)
    assert [one["subject"] for one in graph("GET", below).json()["value"]] == [SUBJECT]


def test_a_token_is_exchanged_for_one_of_the_service_principal(
    owner: Owner, graph: Ask, application: dict[str, Any], below: str
) -> None:
    issuer = Issuer(f"https://{uuid4().hex}.example.com")
    settings = {"properties": {"issuer": issuer.url, "keySet": issuer.key_set()}}
    owner.arm("PUT", f"{owner.subscription}/providers/Keyless.Federation/issuers/i-{uuid4().hex[:8]}", settings)

    def ask() -> tuple[int, list[int]]:
        status, answer = exchange(owner, application["appId"], issuer.token())
        return status, answer.get("error_codes", [])

    assert ask() == (401, [70021])
    graph("POST", below, BODY | {"issuer": issuer.url})
    assert ask() == (401, [7000229])
    graph("POST", "servicePrincipals", {"appId": application["appId"]})
    assert ask() == (200, [])
    graph("DELETE", f"{below}/main")
    assert ask() == (401, [70021])
    graph("POST", below, BODY | {"issuer": issuer.url})
    assert ask() == (200, [])
    graph("DELETE", f"applications/{application['id']}")
    assert ask() == (401, [700016])

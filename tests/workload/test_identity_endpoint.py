"""The identity endpoint in App Service's shape, over a lease of the real server.

Source: wire observations of the SDKs; App Service, "REST endpoint reference".
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from tests.harness import VAULT, HeldLease, IdentityAnswer, Owner, RunningServer


@dataclass
class Case:
    """An app with a system-assigned and two user-assigned identities, and a live instance of it."""

    lease: HeldLease
    system: str
    one: dict[str, Any]
    two: dict[str, Any]
    other: dict[str, Any]

    def ask(self, **query: str) -> IdentityAnswer:
        return self.lease.request(query={"resource": VAULT} | query)


@pytest.fixture(scope="module")
def case(server: RunningServer, owner: Owner) -> Iterator[Case]:
    one, two, other = (owner.identity(f"i{uuid4().hex[:8]}") for _ in range(3))
    name = f"a{uuid4().hex[:8]}"
    app = owner.app(name, one["id"], two["id"], system=True)
    with HeldLease.open(server, name) as lease:
        yield Case(lease, app["identity"]["principalId"], one, two, other)


def refused(answer: IdentityAnswer, status: int) -> str:
    """The message, from App Service's own envelope."""
    body = answer.json()
    assert (answer.status, body["statusCode"]) == (status, status), body
    assert set(body) == {"statusCode", "message", "correlationId"}
    assert answer.headers["content-type"].startswith("application/json")
    return str(body["message"])


def test_the_one_body_that_every_parser_takes(case: Case) -> None:
    before = int(time.time())
    answer = case.ask(client_id=case.one["clientId"])
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    times = {"expires_in", "expires_on", "ext_expires_in", "not_before"}
    assert set(body) == {"access_token", "client_id", "resource", "token_type", *times}
    assert all(isinstance(value, str) for value in body.values())
    assert body["client_id"] == case.one["clientId"]
    assert body["resource"] == VAULT
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == body["ext_expires_in"]
    left, end = int(body["expires_in"]), int(body["expires_on"])
    assert 86_000 < left <= 86_400
    assert abs(end - left - before) <= 2
    assert int(body["not_before"]) + 86_400 == end
    assert body["access_token"].count(".") == 2


@pytest.mark.parametrize(
    "resource", [f"{VAULT}/", "https://storage.azure.com", "api://anything", "https://ü.example/ x"]
)
def test_the_resource_is_echoed_as_it_was_asked(case: Case, resource: str) -> None:
    assert case.ask(resource=resource).json()["resource"] == resource


@pytest.mark.parametrize(
    ("selector", "member"),
    [
        ("client_id", "clientId"),
        ("clientid", "clientId"),
        ("object_id", "principalId"),
        ("principal_id", "principalId"),
        ("mi_res_id", "id"),
        ("msi_res_id", "id"),
    ],
)
@pytest.mark.parametrize("spell", [str, str.upper])
def test_every_spelling_of_a_selector(case: Case, selector: str, member: str, spell: Any) -> None:
    for identity in (case.one, case.two):
        answer = case.ask(**{selector: spell(identity[member])})
        assert (answer.status, answer.json()["client_id"]) == (200, identity["clientId"])
    message = refused(case.ask(**{selector: spell(case.other[member])}), 400)
    assert "keyless app assign" in message


def test_without_a_selector_the_system_assigned_one_is_meant(case: Case) -> None:
    body = case.ask().json()
    assert body["client_id"] not in {case.one["clientId"], case.two["clientId"]}
    assert case.ask(client_id=body["client_id"]).json()["access_token"] == body["access_token"]
    assert case.ask(object_id=case.system).json()["access_token"] == body["access_token"]
    assert case.ask(client_id="", mi_res_id="").json() == case.ask().json()


def test_a_selector_that_makes_no_sense(case: Case) -> None:
    refused(case.ask(client_id=str(uuid4())), 400)
    refused(case.ask(client_id="'; DROP TABLE principal --"), 400)
    refused(case.ask(client_id=case.one["clientId"], object_id=case.one["principalId"]), 400)
    refused(case.ask(mi_res_id=case.one["id"], clientid=case.one["clientId"]), 400)
    refused(case.ask(client_id=case.one["principalId"]), 400)


def test_with_several_user_assigned_only_one_has_to_be_named(server: RunningServer, owner: Owner, case: Case) -> None:
    name = f"a{uuid4().hex[:8]}"
    owner.app(name, case.one["id"], case.two["id"])
    with HeldLease.open(server, name) as lease:
        assert "names none" in refused(lease.request(query={"resource": VAULT}), 400)
        assert lease.answer["client_id"] == ""
        named = lease.request(query={"resource": VAULT, "client_id": case.two["clientId"]})
        assert named.json()["client_id"] == case.two["clientId"]
        # the principal is the same one, so the token is the same one as the other app got
        assert named.json()["access_token"] == case.ask(client_id=case.two["clientId"]).json()["access_token"]


def test_with_one_user_assigned_only_it_has_to_be_named_and_the_launcher_is_told_which(
    server: RunningServer, owner: Owner, case: Case
) -> None:
    name = f"a{uuid4().hex[:8]}"
    owner.app(name, case.one["id"])
    with HeldLease.open(server, name) as lease:
        refused(lease.request(query={"resource": VAULT}), 400)
        assert lease.answer["client_id"] == case.one["clientId"]


def test_with_none_assigned_there_is_no_token(server: RunningServer, owner: Owner) -> None:
    name = f"a{uuid4().hex[:8]}"
    owner.app(name)
    with HeldLease.open(server, name) as lease:
        assert "keyless app assign" in refused(lease.request(query={"resource": VAULT}), 400)


def test_what_is_assigned_later_counts_at_once(server: RunningServer, owner: Owner, case: Case) -> None:
    name = f"a{uuid4().hex[:8]}"
    owner.app(name)
    ask = {"resource": VAULT, "client_id": case.one["clientId"]}
    with HeldLease.open(server, name) as lease:
        refused(lease.request(query=ask), 400)
        owner.app(name, case.one["id"])
        assert lease.request(query=ask).status == 200
        owner.app(name)
        refused(lease.request(query=ask), 400)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-IDENTITY-HEADER": None},
        {"X-IDENTITY-HEADER": ""},
        {"X-IDENTITY-HEADER": "wrong"},
        {"X-IDENTITY-HEADER": None, "Metadata": "true"},
        {"X-IDENTITY-HEADER": None, "secret": "{header}"},
    ],
)
def test_the_header_secret_is_needed(case: Case, headers: dict[str, str | None]) -> None:
    given = {name: value and value.format(header=case.lease.answer["header"]) for name, value in headers.items()}
    answer = case.lease.request(query={"resource": VAULT}, headers=given)
    assert case.lease.answer["header"] not in refused(answer, 401)
    assert "www-authenticate" not in answer.headers


def test_the_header_of_another_instance_is_no_good(server: RunningServer, case: Case) -> None:
    with HeldLease.open(server, case.lease.answer["app"]) as other:
        answer = case.lease.request(query={"resource": VAULT}, headers={"X-IDENTITY-HEADER": other.answer["header"]})
        refused(answer, 401)
        assert other.token(VAULT) == case.lease.token(VAULT)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"x-forwarded-for": ""},
        {"Host": "example.com:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": "169.254.169.254"},
        {"Host": "localhost.example:{port}"},
        {"Host": "127.0.0.1:{port}@x"},
    ],
)
def test_what_was_forwarded_or_meant_for_another_host_is_refused(case: Case, headers: dict[str, str]) -> None:
    given = {name: value.format(port=case.lease.port) for name, value in headers.items()}
    answer = case.lease.request(query={"resource": VAULT}, headers=given)
    assert answer.status == 400
    assert b"access_token" not in answer.content


def test_localhost_is_the_same_host(case: Case) -> None:
    assert case.lease.request(query={"resource": VAULT}, headers={"Host": f"localhost:{case.lease.port}"}).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_only_get(case: Case, method: str) -> None:
    answer = case.lease.request(method, query={"resource": VAULT})
    assert answer.status == 400
    assert b"access_token" not in answer.content


@pytest.mark.parametrize("path", ["/", "/metadata/identity/oauth2/token", "/msi", "/msi/token/x"])
def test_another_path_is_none(case: Case, path: str) -> None:
    refused(case.lease.request(path=path, query={"resource": VAULT}), 404)


def test_a_resource_is_needed(case: Case) -> None:
    for query in ({}, {"resource": ""}, {"resource": "x" * 2000}, {"resource": "a\r\nb"}):
        refused(case.lease.request(query=query), 400)


def test_what_clients_add_does_no_harm(case: Case) -> None:
    more = {"api-version": "2017-09-01", "xms_cc": "CP1", "token_sha256_to_refresh": "00", "x": "é"}
    headers = {"Metadata": "true", "Content-Type": "application/x-www-form-urlencoded", "x-ms-client-request-id": "1"}
    assert case.lease.request(query={"resource": VAULT, **more}, headers=headers).status == 200
    assert case.lease.request(path="/MSI/Token/", query={"resource": VAULT}).status == 200


def test_every_token_that_is_refused_is_on_record(case: Case, owner: Owner) -> None:
    refused(case.ask(client_id=case.other["clientId"]), 400)
    path = f"{owner.subscription}/providers/Microsoft.Insights/eventtypes/management/values"
    answer = owner.send(
        "GET", "management", f"{path}?api-version=2015-04-01", owner.token("https://management.azure.com")
    )
    events = answer.json()["value"]
    denied = [
        event for event in events if event["category"]["value"] == "identity" and event["status"]["value"] == "Failed"
    ]
    assert denied[0]["caller"] == case.lease.answer["app"]
    assert "assigned to the app" in denied[0]["properties"]["reason"]

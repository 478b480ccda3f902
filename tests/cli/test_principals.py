"""Principals as people write them."""

from __future__ import annotations

import httpx
import pytest

from keyless.cli.errors import Refused
from keyless.cli.graph import Graph
from keyless.cli.principals import REGISTRATION, USER, Principals
from keyless.cli.resources import ResourceManager
from tests.cli.fakes import OWNER_CLIENT, OWNER_PRINCIPAL, SUBSCRIPTION, FakeServer

GROUPS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"


def guid(number: int) -> str:
    return f"0e000000-0000-4000-8000-{number:012}"


def identity(name: str, number: int, group: str = "default") -> dict[str, object]:
    return {
        "id": f"{GROUPS}/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}",
        "name": name,
        "properties": {"principalId": guid(number), "clientId": guid(number + 100)},
    }


def app(name: str, number: int | None) -> dict[str, object]:
    block = {"identity": {"type": "SystemAssigned", "principalId": guid(number)}} if number else {}
    return {"id": f"{GROUPS}/default/providers/Microsoft.Web/sites/{name}", "name": name, **block}


DIRECTORY: dict[str, list[dict[str, str]]] = {
    "applications": [
        {"appId": guid(201), "displayName": "ci"},
        {"appId": guid(202), "displayName": "cron"},
        {"appId": guid(203), "displayName": "no-service-principal"},
    ],
    "servicePrincipals": [{"appId": guid(201), "id": guid(211)}, {"appId": guid(202), "id": guid(212)}],
    "users": [{"userPrincipalName": "Alice@keyless.localhost", "id": guid(221)}],
    "groups": [{"displayName": "ops", "id": guid(231)}],
}


@pytest.fixture
def principals() -> Principals:
    identities = [identity("shop", 1), identity("twice", 2), identity("twice", 3, "other"), identity("web", 4)]
    apps = [app("web", 5), app("bare", None), app("alone", 6)]

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.startswith("/v1.0/"):
            return httpx.Response(200, json={"value": DIRECTORY[path.removeprefix("/v1.0/")]})
        wanted = identities if path.endswith("userAssignedIdentities") else apps
        return httpx.Response(200, json={"value": wanted})

    session = FakeServer(answer).session()
    return Principals(ResourceManager(session), Graph(session))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("owner", OWNER_PRINCIPAL),
        (OWNER_CLIENT, OWNER_PRINCIPAL),
        ("shop", guid(1)),
        ("SHOP", guid(1)),
        ("identity:shop", guid(1)),
        (guid(1), guid(1)),
        (guid(101), guid(1)),
        (f"{GROUPS}/default/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop", guid(1)),
        ("identity:web", guid(4)),
        ("app:web", guid(5)),
        ("alone", guid(6)),
        (guid(77).upper(), guid(77)),
        ("ci", guid(211)),
        ("registration:CI", guid(211)),
        (guid(201), guid(211)),
        ("alice@keyless.localhost", guid(221)),
        ("alice", guid(221)),
        ("user:alice", guid(221)),
        ("ops", guid(231)),
        ("group:ops", guid(231)),
    ],
)
def test_a_word_stands_for_one_principal(principals: Principals, word: str, expected: str) -> None:
    assert principals.principal_id(word) == expected


@pytest.mark.parametrize("word", ["web", "twice", "identity:twice"])
def test_a_word_that_could_be_two_is_refused_with_both(principals: Principals, word: str) -> None:
    with pytest.raises(Refused) as caught:
        principals.principal_id(word)
    name = word.removeprefix("identity:")
    assert caught.value.message.count(f":{name} in ") == 2
    assert guid(4 if name == "web" else 2) in caught.value.message


@pytest.mark.parametrize(
    "word", ["nobody", "bare", "app:bare", "app:shop", "no-service-principal", "alice@x", "user:ops", ""]
)
def test_a_word_that_is_nobody_is_refused(principals: Principals, word: str) -> None:
    with pytest.raises(Refused, match="There is no principal"):
        principals.principal_id(word)


def test_shows_a_name_that_could_be_written(principals: Principals) -> None:
    assert principals.name(guid(1)) == "shop"
    assert principals.name(guid(4)) == "identity:web"
    assert principals.name(guid(5)) == "app:web"
    assert principals.name(OWNER_PRINCIPAL) == "owner"
    assert principals.name(guid(77)) == guid(77)


def test_one_of_a_kind_is_found_and_no_other(principals: Principals) -> None:
    assert principals.find("no-service-principal", REGISTRATION).client_id == guid(203)
    assert principals.find("alice", USER).name == "Alice@keyless.localhost"
    with pytest.raises(Refused, match="keyless principal list"):
        principals.find("ops", USER)


def test_who_may_not_see_the_directory_still_has_the_other_names() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/v1.0/"):
            return httpx.Response(403, json={"error": {"code": "Authorization_RequestDenied", "message": "No."}})
        return httpx.Response(200, json={"value": [identity("shop", 1)] if "Identit" in request.url.path else []})

    session = FakeServer(answer).session()
    assert Principals(ResourceManager(session), Graph(session)).principal_id("shop") == guid(1)

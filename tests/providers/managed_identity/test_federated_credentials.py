"""Federated credentials of user-assigned identities through the resource manager, and what they are good for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from keyless.model.federation import EXCHANGE_AUDIENCE, MAX_CREDENTIALS
from tests.harness import ARM, Owner, RunningServer
from tests.issuers import Issuer
from tests.manager import Manager, code_of

PROPERTIES = {
    "issuer": "https://issuer.example.com",
    "subject": "repo:acme/shop:ref:refs/heads/main",
    "audiences": [EXCHANGE_AUDIENCE],
}


def body(**changed: Any) -> dict[str, Any]:
    return {"properties": {name: value for name, value in (PROPERTIES | changed).items() if value is not None}}


@pytest.fixture
def identity(owner: Owner) -> dict[str, Any]:
    return owner.identity(f"id-{uuid4().hex[:8]}")


@pytest.fixture
def below(identity: dict[str, Any]) -> str:
    return f"{identity['id']}/federatedIdentityCredentials"


def test_the_life_of_one(arm: Manager, below: str) -> None:
    made = arm("PUT", f"{below}/main", body())
    assert made.status_code == 201
    kind = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
    shown = {"id": f"{below}/main", "name": "main", "type": kind, "properties": PROPERTIES}
    assert made.json() == shown
    assert arm("GET", f"{below}/main").json() == shown
    assert arm("GET", f"{below.upper().replace('/SUBSCRIPTIONS', '/subscriptions')}/MAIN").json() == shown
    assert arm("GET", below).json() == {"value": [shown]}
    changed = arm("PUT", f"{below}/main", body(subject="other", description="of the main branch"))
    assert (changed.status_code, changed.json()["properties"]["subject"]) == (200, "other")
    assert arm("GET", f"{below}/main").json()["properties"]["description"] == "of the main branch"
    assert [arm("DELETE", f"{below}/main").status_code for _ in range(2)] == [200, 204]
    assert code_of(arm("GET", f"{below}/main")) == "ResourceNotFound"
    assert arm("GET", below).json() == {"value": []}


def test_it_is_a_part_of_its_identity(owner: Owner, arm: Manager, identity: dict[str, Any], below: str) -> None:
    arm("PUT", f"{below}/main", body())
    everything = [one["id"] for one in arm("GET", f"{owner.group}/resources?$top=1000").json()["value"]]
    assert identity["id"] in everything
    assert f"{below}/main" not in everything
    arm("DELETE", identity["id"])
    assert arm("GET", f"{below}/main").status_code == 404
    assert arm("GET", below).status_code == 404
    assert code_of(arm("PUT", f"{below}/main", body())) == "ParentResourceNotFound"
    # one of the same name has none of its predecessor's
    owner.identity(identity["id"].rpartition("/")[2])
    assert arm("GET", below).json() == {"value": []}


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": None},
        {"issuer": ""},
        {"issuer": "http://issuer.example.com"},
        {"issuer": "https://"},
        {"issuer": "https://user@issuer.example.com"},
        {"issuer": "https://issuer.example.com?a=b"},
        {"issuer": "https://issuer.example.com#a"},
        {"issuer": "https://issuer.example.com:x"},
        {"issuer": " https://issuer.example.com"},
        {"issuer": "https://issuer.example.com/ä"},
        {"issuer": "https://" + "a" * 600},
        {"issuer": 1},
        {"subject": None},
        {"subject": ""},
        {"subject": " a"},
        {"subject": "a\nb"},
        {"subject": "a" * 601},
        {"subject": ["a"]},
        {"audiences": None},
        {"audiences": []},
        {"audiences": "api://AzureADTokenExchange"},
        {"audiences": [1]},
        {"audiences": [""]},
        {"audiences": ["a", "a"]},
        {"audiences": [f"a{n}" for n in range(11)]},
        {"description": "a" * 601},
        {"claimsMatchingExpression": {"value": "claims['sub'] matches '*'", "languageVersion": 1}},
    ],
)
def test_what_no_token_could_match_is_refused(arm: Manager, below: str, changed: dict[str, Any]) -> None:
    answer = arm("PUT", f"{below}/main", body(**changed))
    assert answer.status_code == (501 if "claimsMatchingExpression" in changed else 400), answer.text
    assert code_of(answer)
    assert arm("GET", below).json() == {"value": []}


@pytest.mark.parametrize("name", ["ab", "a.b", "-ab", "a" * 121, "a b c"])
def test_names(arm: Manager, below: str, name: str) -> None:
    assert code_of(arm("PUT", f"{below}/{name.replace(' ', '%20')}", body())) in {
        "InvalidResourceName",
        "InvalidResourceId",
    }


def test_issuer_and_subject_are_unique_in_an_identity(owner: Owner, arm: Manager, below: str) -> None:
    arm("PUT", f"{below}/one", body())
    assert code_of(arm("PUT", f"{below}/two", body(audiences=["other"]))) == "ConflictingFederatedIdentityCredential"
    assert arm("PUT", f"{below}/one", body(audiences=["other"])).status_code == 200
    assert arm("PUT", f"{below}/two", body(subject="other")).status_code == 201
    assert arm("PUT", f"{below}/two", body()).status_code == 409
    elsewhere = owner.identity(f"id-{uuid4().hex[:8]}")["id"]
    assert arm("PUT", f"{elsewhere}/federatedIdentityCredentials/one", body()).status_code == 201


def test_how_many_there_may_be(arm: Manager, below: str) -> None:
    for number in range(MAX_CREDENTIALS):
        assert arm("PUT", f"{below}/fic-{number}", body(subject=f"s{number}")).status_code == 201
    assert code_of(arm("PUT", f"{below}/more", body())) == "TooManyFederatedIdentityCredentials"
    assert arm("PUT", f"{below}/fic-0", body()).status_code == 200
    assert len(arm("GET", below).json()["value"]) == MAX_CREDENTIALS
    page = arm("GET", f"{below}?$top=7").json()
    assert len(page["value"]) == 7
    assert page["nextLink"]


def test_who_may(somebody: Callable[..., Manager], owner: Owner, identity: dict[str, Any], below: str) -> None:
    owner.arm("PUT", f"{below}/main", body())
    reader = somebody(("Reader", identity["id"]))
    assert reader("GET", f"{below}/main").status_code == 200
    assert reader("GET", below).status_code == 200
    assert reader("PUT", f"{below}/other", body(subject="x")).status_code == 403
    assert reader("DELETE", f"{below}/main").status_code == 403
    operator = somebody(("Managed Identity Operator", identity["id"]))
    assert operator("PUT", f"{below}/other", body(subject="x")).status_code == 403
    contributor = somebody(("Managed Identity Contributor", identity["id"]))
    assert contributor("PUT", f"{below}/other", body(subject="x")).status_code == 201
    elsewhere = owner.identity(f"id-{uuid4().hex[:8]}")["id"]
    assert contributor("PUT", f"{elsewhere}/federatedIdentityCredentials/main", body()).status_code == 403


def test_a_token_is_exchanged_while_there_is_one_and_after_a_restart(own_server: RunningServer) -> None:
    owner, issuer = Owner(own_server), Issuer()
    identity = owner.identity("shop")
    below = f"{identity['id']}/federatedIdentityCredentials"
    settings = {"properties": {"issuer": issuer.url, "keySet": issuer.key_set()}}
    owner.arm("PUT", f"{owner.subscription}/providers/Keyless.Federation/issuers/example", settings)

    def ask() -> int:
        return exchange(owner, identity["clientId"], issuer.token(sub=PROPERTIES["subject"]))[0]

    assert ask() == 401
    owner.arm("PUT", f"{below}/main", body())
    assert ask() == 200
    own_server.stop()
    own_server.start()
    assert ask() == 200
    owner.arm("DELETE", f"{below}/main")
    assert ask() == 401
    owner.arm("PUT", f"{below}/main", body())
    assert ask() == 200
    owner.arm("DELETE", identity["id"])
    assert ask() == 401
    owner.close()


def exchange(owner: Owner, client_id: str, assertion: str) -> tuple[int, dict[str, Any]]:
    """Ask the token endpoint for a token of the identity."""
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "scope": f"{ARM}/.default",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    answer = owner.send("POST", "login", f"/{owner.server.instance.tenant}/oauth2/v2.0/token", data=form)
    return answer.status_code, answer.json()

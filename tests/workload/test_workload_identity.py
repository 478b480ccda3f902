"""Workload identity: an assertion about an instance, and what the token endpoint takes it for."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt as jose
from joserfc.jwk import RSAKey

from keyless.authority.instance_assertions import AUDIENCE, LIFE
from keyless.workload.doors import OWNER
from keyless.workload.lease_socket import OpenLease
from tests.harness import VAULT, HeldLease, Owner, RunningServer
from tests.inprocess import Platform, PlatformOwner, running_platform
from tests.workload.shapes import World, oauth_envelope

PATH = "/workload-identity/assertion"
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def claims_of(token: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==")))


def exchange(owner: Owner, assertion: str, client_id: str, resource: str = VAULT, **changed: str) -> httpx.Response:
    """What the token endpoint says to whoever comes with an assertion."""
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "scope": f"{resource}/.default",
        "client_assertion_type": BEARER,
        "client_assertion": assertion,
    }
    return owner.send("POST", "login", f"/{owner.server.instance.tenant}/oauth2/v2.0/token", data=form | changed)


def refusal(answer: httpx.Response, status: int = 401) -> str:
    body = answer.json()
    assert (answer.status_code, body["error"]) == (status, "invalid_client"), body
    return str(body["error_description"])


def oid(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(claims_of(answer.json()["access_token"])["oid"])


@pytest.fixture
def lease(world: World) -> Iterator[HeldLease]:
    with world.lease("workload-identity") as held:
        yield held


def test_what_an_assertion_says(world: World, lease: HeldLease) -> None:
    first = lease.answer["material"]
    answer = lease.request(path=PATH)
    second = answer.json()
    assert answer.status == 200
    assert set(second) == {"assertion", "expires_on"}
    for assertion in (first, second["assertion"]):
        claims = claims_of(assertion)
        assert claims["iss"] == world.server.instance.issuer
        assert claims["aud"] == AUDIENCE
        assert claims["sub"].endswith(f"/providers/Microsoft.Web/sites/{world.app}")
        assert claims["instance"] == lease.answer["lease"]
        assert claims["exp"] - claims["iat"] == LIFE
        assert "oid" not in claims
    assert second["expires_on"] == claims_of(second["assertion"])["exp"]


def test_only_the_launcher_gets_one(world: World, lease: HeldLease) -> None:
    for header in (None, "", "wrong", lease.answer["key"]):
        answer = lease.request(path=PATH, headers={"X-IDENTITY-HEADER": header})
        assert answer.status == 401
        oauth_envelope(answer.json())
    assert lease.request("POST", PATH).status == 400
    assert lease.request(path="/msi/token", query={"resource": VAULT}).status == 404
    with world.lease("app-service") as other:
        assert other.request(path=PATH).status == 404


def test_it_counts_for_the_identities_of_the_app_and_for_no_other(world: World, owner: Owner, lease: HeldLease) -> None:
    assertion = lease.answer["material"]
    assert oid(exchange(owner, assertion, world.one["clientId"])) == world.one["principalId"]
    assert oid(exchange(owner, assertion, world.one["clientId"].upper())) == world.one["principalId"]
    assert oid(exchange(owner, assertion, lease.answer["default_client_id"])) == world.system
    for stranger in (world.other["clientId"], owner.server.instance.owner.client_id):
        assert "keyless app assign" in refusal(exchange(owner, assertion, stranger))
    for nobody in ("", str(uuid4()), world.one["principalId"]):
        refusal(exchange(owner, assertion, nobody))


def test_it_is_used_again_until_its_instance_ends(world: World, owner: Owner) -> None:
    with world.lease("workload-identity") as lease:
        assertion, client_id = lease.answer["material"], world.one["clientId"]
        assert {oid(exchange(owner, assertion, client_id)) for _ in range(3)} == {world.one["principalId"]}
    for _ in range(200):
        answer = exchange(owner, assertion, client_id)
        if answer.status_code != 200:
            break
        time.sleep(0.01)
    assert "has ended" in refusal(answer)


def test_what_is_unassigned_counts_no_more_at_once(world: World, owner: Owner) -> None:
    name = f"a{uuid4().hex[:8]}"
    owner.app(name, world.one["id"])
    with world.lease("workload-identity", app=name) as lease:
        assertion, client_id = lease.answer["material"], world.one["clientId"]
        assert exchange(owner, assertion, client_id).status_code == 200
        owner.app(name)
        refusal(exchange(owner, assertion, client_id))


def test_an_instance_of_another_shape_has_none(world: World, owner: Owner, lease: HeldLease) -> None:
    with world.lease("app-service") as other:
        forged = claims_of(lease.answer["material"]) | {"instance": other.answer["lease"]}
        refusal(exchange(owner, tampered(lease.answer["material"], forged), world.one["clientId"]))


def tampered(assertion: str, claims: dict[str, Any]) -> str:
    header, _, signature = assertion.split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}.{signature}"


def test_what_is_not_signed_by_this_authority(world: World, owner: Owner, lease: HeldLease) -> None:
    claims, client_id = claims_of(lease.answer["material"]), world.one["clientId"]
    refusal(exchange(owner, tampered(lease.answer["material"], claims | {"sub": claims["sub"] + "x"}), client_id))
    key = RSAKey.generate_key(2048)
    kid = json.loads(base64.urlsafe_b64decode(lease.answer["material"].split(".")[0] + "=="))["kid"]
    refusal(exchange(owner, jose.encode({"alg": "RS256", "kid": kid}, claims, key), client_id))
    refusal(exchange(owner, jose.encode({"alg": "RS256", "kid": "another"}, claims, key), client_id))
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": kid}).encode()).rstrip(b"=").decode()
    payload = lease.answer["material"].split(".")[1]
    refusal(exchange(owner, f"{none}.{payload}.", client_id))


def test_an_access_token_is_no_assertion_and_an_assertion_no_access_token(
    world: World, owner: Owner, lease: HeldLease
) -> None:
    with world.lease("app-service") as other:
        token = other.token(AUDIENCE)
    answer = exchange(owner, token, world.one["clientId"])
    assert answer.status_code == 401
    for audience in ("management", "vault"):
        refused = owner.send("GET", audience, "/subscriptions?api-version=2022-12-01", lease.answer["material"])
        assert refused.status_code in {401, 404}


@pytest.mark.parametrize("assertion", ["", "x", "a.b.c", "x" * 70_000, "e30.e30.e30", "é.é.é"])
def test_what_is_no_token(world: World, owner: Owner, assertion: str) -> None:
    answer = exchange(owner, assertion, world.one["clientId"])
    assert answer.status_code in {400, 401, 413}
    assert answer.json()["error_codes"]


def test_faults_and_rate_reach_the_token_endpoint(world: World, owner: Owner) -> None:
    client_id = world.one["clientId"]
    with world.lease("workload-identity", faults=["throttle", "expire-soon"]) as lease:
        answers = [exchange(owner, lease.answer["material"], client_id) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [429, 200, 200, 429]
        assert answers[0].headers["retry-after"] == "1"
        assert answers[0].json()["error"] == "temporarily_unavailable"
        assert answers[1].json()["expires_in"] <= 360
    with world.lease("workload-identity") as lease:
        statuses = [exchange(owner, lease.answer["material"], client_id).status_code for _ in range(60)]
        assert statuses[0] == 200
        assert set(statuses) <= {200, 429}


def test_a_launcher_that_has_yet_to_come_back_after_a_restart(own_server: RunningServer) -> None:
    owner = Owner(own_server)
    owner.app("web", system=True)
    lease = HeldLease.open(own_server, "web", host="workload-identity")
    assertion, client_id = lease.answer["material"], lease.answer["default_client_id"]
    own_server.stop()
    own_server.start()
    waiting = exchange(owner, assertion, client_id)
    assert (waiting.status_code, waiting.headers["retry-after"]) == (503, "1")
    with lease.resume():
        assert exchange(owner, assertion, client_id).status_code == 200
    lease.close()
    owner.close()


def test_it_ends(platform: Platform) -> None:
    owner = PlatformOwner(platform)
    app = owner.app("web", system=True)

    async def launch() -> Mapping[str, object]:
        return (await platform.built.leases.launch(OpenLease("web", 41_000, "own", "workload-identity"), OWNER))[1]

    answer = platform.run(launch())
    assertion, client_id = str(answer["material"]), str(answer["default_client_id"])
    platform.clock.now += LIFE - 1
    assert oid(exchange(owner, assertion, client_id)) == app["identity"]["principalId"]
    platform.clock.now += 1
    assert "AZURE_FEDERATED_TOKEN_FILE" in refusal(exchange(owner, assertion, client_id))
    platform.clock.now -= LIFE + 60
    refusal(exchange(owner, assertion, client_id))


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with running_platform(tmp_path) as made:
        yield made

"""Instances that keyless does not start: made, used, bound to sources, ended; on a clock of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from keyless.workload import attestation_rules, hosted
from keyless.workload.doors import OWNER
from keyless.workload.hosted import HostedInstances
from keyless.workload.instances import hash_of
from keyless.workload.lease_socket import OpenLease
from tests.harness import ARM, VAULT
from tests.inprocess import Platform, PlatformOwner, running_platform

DAY = 86_400
NAME = "identity.keyless.localhost:8443"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(tmp_path_factory.mktemp("hosted"), token_lifetime=7 * DAY) as one:
        yield one


@pytest.fixture(scope="module")
def owner(platform: Platform) -> PlatformOwner:
    """Its token is asked for before the clock is moved, and outlives all the tests."""
    one = PlatformOwner(platform)
    one.token(ARM)
    return one


@pytest.fixture
def app(owner: PlatformOwner) -> str:
    name = f"a{uuid4().hex[:8]}"
    return str(owner.app(name, system=True)["id"])


def make(owner: PlatformOwner, app: str, name: str = "one", **properties: Any) -> dict[str, Any]:
    return dict(owner.arm("PUT", f"{app}/instances/{name}", {"properties": properties}))


def secret_of(made: Mapping[str, Any]) -> str:
    return str(made["properties"]["headerSecret"])


def ask(platform: Platform, secret: str, *, peer: str = "127.0.0.1", **given: Any) -> httpx.Response:
    """A request as the instance makes it; `headers` overrule what a good one has."""
    headers = {"Host": NAME, "X-IDENTITY-HEADER": secret} | given.get("headers", {})
    headers = {name: value for name, value in headers.items() if value is not None}
    url = f"https://{NAME}{given.get('path', '/msi/token')}"
    query = {"api-version": "2019-08-01", "resource": VAULT} | given.get("query", {})

    request = httpx.Request(given.get("method", "GET"), url, params=query, headers=headers)
    return platform.run(platform.answer(request, peer=peer))


def send(owner: PlatformOwner, method: str, path: str, body: Any = None) -> httpx.Response:
    return owner.send(method, "management", f"{path}?api-version=2024-01-01", owner.token(ARM), json=body)


# making


def test_what_is_shown_once_and_what_is_shown_again(platform: Platform, owner: PlatformOwner, app: str) -> None:
    made = make(owner, app, sources=["10.0.0.0/8"], lifetimeSeconds=DAY)
    assert len(secret_of(made)) >= 43
    shown = owner.arm("GET", f"{app}/instances/one")
    assert shown["type"] == "Microsoft.Web/sites/instances"
    assert shown["properties"]["hostShape"] == "app-service"
    assert shown["properties"]["sources"] == ["10.0.0.0/8"]
    assert shown["properties"]["lastUsedOn"] is None
    assert set(made["properties"]) - set(shown["properties"]) == {"headerSecret"}
    assert owner.arm("GET", f"{app}/instances")["value"] == [shown]
    again = send(owner, "PUT", f"{app}/instances/ONE", {"properties": {}})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "InstanceExists")
    files = b"".join(path.read_bytes() for path in platform.data.rglob("*") if path.is_file())
    assert secret_of(made).encode() not in files


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"hostShape": "imds"}, "InvalidHost"),
        ({"hostShape": 1}, "InvalidRequestContent"),
        ({"lifetimeSeconds": 59}, "InvalidLifetime"),
        ({"lifetimeSeconds": 367 * DAY}, "InvalidLifetime"),
        ({"lifetimeSeconds": True}, "InvalidLifetime"),
        ({"lifetimeSeconds": "1"}, "InvalidLifetime"),
        ({"sources": "10.0.0.0/8"}, "InvalidSource"),
        ({"sources": ["10.0.0.1/8"]}, "InvalidSource"),
        ({"sources": ["everywhere"]}, "InvalidSource"),
        ({"sources": [f"10.0.0.{n}" for n in range(17)]}, "InvalidSource"),
    ],
)
def test_what_cannot_be_made(owner: PlatformOwner, app: str, properties: Mapping[str, Any], code: str) -> None:
    answer = send(owner, "PUT", f"{app}/instances/one", {"properties": properties})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert owner.arm("GET", f"{app}/instances") == {"value": []}


def test_an_app_has_so_many_at_most(owner: PlatformOwner, app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosted, "MAX_OF_APP", 2)
    for name in ("one", "two"):
        make(owner, app, name)
    answer = send(owner, "PUT", f"{app}/instances/three", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "TooManyInstances")
    owner.arm("DELETE", f"{app}/instances/one")
    make(owner, app, "three")


def test_paths_and_methods(owner: PlatformOwner, app: str) -> None:
    assert send(owner, "PUT", f"{app}/instances/-x", {}).json()["error"]["code"] == "InvalidResourceName"
    assert send(owner, "PATCH", f"{app}/instances/one", {}).json()["error"]["code"] == "MethodNotAllowed"
    assert send(owner, "POST", f"{app}/instances", {}).json()["error"]["code"] == "MethodNotAllowed"
    assert send(owner, "GET", f"{app}/instances/one").status_code == 404
    assert send(owner, "DELETE", f"{app}/instances/one").status_code == 204
    assert send(owner, "GET", f"{app}x/instances").status_code == 404
    assert send(owner, "PUT", f"{app}x/instances/one", {}).status_code == 404


def test_who_may(platform: Platform, owner: PlatformOwner, app: str) -> None:
    make(owner, app)
    reader_app = owner.app(f"r{uuid4().hex[:8]}", system=True)
    owner.assign(reader_app["identity"]["principalId"], "Reader", app)
    token = platform.identity_token(reader_app["name"], ARM)

    def status(method: str, path: str) -> int:
        return owner.send(method, "management", f"{path}?api-version=1", token, json={}).status_code

    assert status("GET", f"{app}/instances") == 200
    assert status("GET", f"{app}/instances/one") == 200
    assert status("PUT", f"{app}/instances/two") == 403
    assert status("DELETE", f"{app}/instances/one") == 403


# using


def test_the_identity_is_the_apps(platform: Platform, owner: PlatformOwner, app: str) -> None:
    identity = owner.identity(f"i{uuid4().hex[:8]}")
    two = owner.app(app.rsplit("/", 1)[1], identity["id"], system=True)
    secret = secret_of(make(owner, app))
    system = ask(platform, secret)
    user = ask(platform, secret, query={"client_id": identity["clientId"]})
    assert (system.status_code, user.status_code) == (200, 200)
    assert user.json()["client_id"] == identity["clientId"] != system.json()["client_id"]
    stranger = owner.identity(f"s{uuid4().hex[:8]}")
    for selector in ({"client_id": stranger["clientId"]}, {"object_id": stranger["principalId"]}):
        refused = ask(platform, secret, query=selector)
        assert refused.status_code == 400
        assert set(refused.json()) == {"statusCode", "message", "correlationId"}
    assert two["identity"]["principalId"]


def test_the_older_shape(platform: Platform, owner: PlatformOwner, app: str) -> None:
    secret = secret_of(make(owner, app, hostShape="app-service-2017"))
    assert ask(platform, secret, headers={"secret": secret, "X-IDENTITY-HEADER": None}).status_code == 200
    assert ask(platform, secret).status_code == 401
    wrong = ask(platform, secret, headers={"secret": "x" * 43, "X-IDENTITY-HEADER": secret})
    assert wrong.status_code == 401


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"headers": {"X-IDENTITY-HEADER": ""}}, 401),
        ({"headers": {"X-IDENTITY-HEADER": "x" * 43}}, 401),
        ({"headers": {"X-Forwarded-For": "127.0.0.1"}}, 400),
        ({"path": "/other"}, 404),
        ({"method": "POST"}, 400),
        ({"query": {"resource": ""}}, 400),
    ],
)
def test_what_gets_no_token(
    platform: Platform, owner: PlatformOwner, app: str, given: Mapping[str, Any], status: int
) -> None:
    secret = secret_of(make(owner, app))
    refused = ask(platform, secret, **given)
    assert refused.status_code == status
    assert set(refused.json()) == {"statusCode", "message", "correlationId"}
    assert ask(platform, secret).status_code == 200


def test_the_secret_is_good_under_its_own_name_only(platform: Platform, owner: PlatformOwner, app: str) -> None:
    secret = secret_of(make(owner, app))
    for host in ("keyless.localhost:8443", "127.0.0.1:8443", "attacker.example:8443", "login.keyless.localhost:8443"):
        assert ask(platform, secret, headers={"Host": host}).status_code in {400, 401, 403, 404}, host


def test_a_launched_instances_secret_is_none_here(platform: Platform, app: str) -> None:
    async def launch() -> str:
        _, answer = await platform.built.leases.launch(OpenLease(app.rsplit("/", 1)[1], 41_000, "own"), OWNER)
        return str(answer["header"])

    assert ask(platform, platform.run(launch())).status_code == 401


def test_only_its_sources_and_by_the_peers_address_alone(platform: Platform, owner: PlatformOwner, app: str) -> None:
    secret = secret_of(make(owner, app, sources=["10.1.2.0/24", "fd00::/64", "192.0.2.7"]))
    for peer in ("10.1.2.3", "fd00::1", "192.0.2.7"):
        assert ask(platform, secret, peer=peer).status_code == 200, peer
    forged = {"X-Real-IP": "10.1.2.3", "Forwarded": "for=10.1.2.3", "True-Client-IP": "10.1.2.3"}
    for peer in ("10.1.3.3", "127.0.0.1", "fd01::1", "192.0.2.8", ""):
        refused = ask(platform, secret, peer=peer, headers=forged)
        assert refused.status_code == 403, peer
    last = json.loads((platform.data / "audit.jsonl").read_text().splitlines()[-1])
    assert (last["decision"], last["principal_name"]) == ("denied", f"{app.rsplit('/', 1)[1]}/one")


def test_when_it_was_last_used(platform: Platform, owner: PlatformOwner, app: str) -> None:
    secret = secret_of(make(owner, app))
    ask(platform, "x" * 43)
    ask(platform, secret, query={"client_id": "nobody"})
    assert owner.arm("GET", f"{app}/instances/one")["properties"]["lastUsedOn"] is None
    platform.clock.now += 60
    ask(platform, secret)
    used = owner.arm("GET", f"{app}/instances/one")["properties"]["lastUsedOn"]
    assert used is not None
    platform.run(platform.built.hosted.tick())
    assert owner.arm("GET", f"{app}/instances/one")["properties"]["lastUsedOn"] == used
    (row,) = platform.run(
        platform.built.store.rows("SELECT last_used FROM hosted_instance WHERE app_key=?", (app.lower(),))
    )
    assert row[0] == platform.clock.now


def test_too_many_requests(platform: Platform, owner: PlatformOwner, app: str) -> None:
    secrets = [secret_of(make(owner, app, name)) for name in ("one", "two")]
    answers = [ask(platform, secrets[0]) for _ in range(25)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 5
    assert answers[-1].headers["Retry-After"] == "1"
    assert ask(platform, secrets[1]).status_code == 200
    platform.clock.now += 2
    assert ask(platform, secrets[0]).status_code == 200


# ending


def test_it_ends_with_its_time(platform: Platform, owner: PlatformOwner, app: str) -> None:
    secret = secret_of(make(owner, app, lifetimeSeconds=DAY))
    platform.clock.now += DAY - 1
    assert ask(platform, secret).status_code == 200
    platform.clock.now += 1
    assert ask(platform, secret).status_code == 401
    assert owner.arm("GET", f"{app}/instances") == {"value": []}
    assert send(owner, "GET", f"{app}/instances/one").status_code == 404
    platform.run(platform.built.hosted.tick())
    assert (
        platform.run(platform.built.store.rows("SELECT 1 FROM hosted_instance WHERE app_key=?", (app.lower(),))) == []
    )
    make(owner, app)


def test_it_ends_when_it_is_revoked(platform: Platform, owner: PlatformOwner, app: str) -> None:
    secrets = {name: secret_of(make(owner, app, name)) for name in ("one", "two")}
    assert send(owner, "DELETE", f"{app}/instances/ONE").status_code == 200
    assert ask(platform, secrets["one"]).status_code == 401
    assert ask(platform, secrets["two"]).status_code == 200
    make(owner, app)
    assert ask(platform, secrets["one"]).status_code == 401


def test_it_ends_with_its_app(platform: Platform, owner: PlatformOwner, app: str) -> None:
    name = app.rsplit("/", 1)[1]
    secret = secret_of(make(owner, app))
    longer = owner.app(f"{name}0", system=True)["id"]
    others = secret_of(make(owner, longer))
    owner.arm("DELETE", app)
    assert ask(platform, secret).status_code == 401
    owner.app(name, system=True)
    assert ask(platform, secret).status_code == 401
    assert owner.arm("GET", f"{app}/instances") == {"value": []}
    assert ask(platform, others).status_code == 200


def test_it_ends_with_its_group(platform: Platform, owner: PlatformOwner) -> None:
    group = f"{owner.subscription}/resourceGroups/g{uuid4().hex[:8]}"
    owner.arm("PUT", group, {"location": "local"})
    app = f"{group}/providers/Microsoft.Web/sites/a{uuid4().hex[:8]}"
    owner.arm("PUT", app, {"location": "local", "identity": {"type": "SystemAssigned"}})
    secret = secret_of(make(owner, app))
    assert ask(platform, secret).status_code == 200
    owner.arm("DELETE", group)
    assert ask(platform, secret).status_code == 401


def test_it_outlives_a_start(platform: Platform, owner: PlatformOwner, app: str, tmp_path: Path) -> None:
    secret = secret_of(make(owner, app, sources=["10.0.0.0/8"]))
    later = HostedInstances(platform.built.store, platform.clock, lambda: "unused")
    platform.run(later.load())
    found = later.find(hash_of(secret))
    assert found == platform.built.hosted.find(hash_of(secret))
    assert found is not None
    assert found.may_ask_from("10.1.1.1")
    assert not found.may_ask_from("11.1.1.1")


# rules beside it: children of an app, over the resource manager


def test_rules_are_resources_below_the_app(owner: PlatformOwner, app: str) -> None:
    rules = f"{app}/attestationRules"
    made = owner.arm("PUT", f"{rules}/default", {"properties": {"uids": [2, 1], "controlGroups": ["/a/*"], "x": 1}})
    assert made["properties"] == {"uids": [1, 2], "controlGroups": ["/a/*"], "provisioningState": "Succeeded"}
    other = owner.app(f"{app.rsplit('/', 1)[1]}0")["id"]
    owner.arm("PUT", f"{other}/attestationRules/default", {"properties": {"gids": [5]}})
    assert [rule["id"] for rule in owner.arm("GET", rules)["value"]] == [made["id"]]
    assert send(owner, "PUT", f"{rules}/none", {"properties": {}}).json()["error"]["code"] == "InvalidRule"
    gone = f"{app}x/attestationRules/default"
    assert send(owner, "PUT", gone, {"properties": {"uids": [1]}}).json()["error"]["code"] == "ParentResourceNotFound"
    owner.arm("DELETE", app)
    owner.app(app.rsplit("/", 1)[1])
    assert owner.arm("GET", rules) == {"value": []}


def test_an_app_has_so_many_rules_at_most(owner: PlatformOwner, app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attestation_rules, "MAX_RULES", 1)
    owner.arm("PUT", f"{app}/attestationRules/one", {"properties": {"uids": [1]}})
    owner.arm("PUT", f"{app}/attestationRules/one", {"properties": {"uids": [2]}})
    answer = send(owner, "PUT", f"{app}/attestationRules/two", {"properties": {"uids": [1]}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "TooManyRules")

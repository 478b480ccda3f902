"""The settings of foreign issuers through the resource manager, and the exchange with a real issuer on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from keyless.model.federation import EXCHANGE_AUDIENCE
from tests.harness import Owner
from tests.issuers import SUBJECT, Answer, Authority, Issuer, IssuerServer, issuer_server, new_key, public_jwk
from tests.manager import Manager, code_of
from tests.providers.managed_identity.test_federated_credentials import exchange


@pytest.fixture
def path(owner: Owner) -> str:
    return f"{owner.subscription}/providers/Keyless.Federation/issuers"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[IssuerServer]:
    with issuer_server(tmp_path) as server:
        yield server


@pytest.fixture
def client_id(owner: Owner, running: IssuerServer) -> str:
    """An identity that trusts the running issuer."""
    identity = owner.identity(f"id-{uuid4().hex[:8]}")
    properties = {"issuer": running.issuer.url, "subject": SUBJECT, "audiences": [EXCHANGE_AUDIENCE]}
    owner.arm("PUT", f"{identity['id']}/federatedIdentityCredentials/fic", {"properties": properties})
    return str(identity["clientId"])


def new_name() -> str:
    return f"i-{uuid4().hex[:8]}"


def test_the_life_of_settings(arm: Manager, path: str) -> None:
    name, issuer = new_name(), f"https://{uuid4().hex}.example.com"
    keys, authority = Issuer().key_set(), Authority().pem
    properties = {"issuer": issuer, "allowPrivate": True, "keySet": keys, "certificateAuthority": authority}
    made = arm("PUT", f"{path}/{name.upper()}", {"properties": properties})
    assert made.status_code == 201, made.text
    shown = {"id": f"{path}/{name}", "name": name, "type": "Keyless.Federation/issuers", "properties": properties}
    assert made.json() == shown
    assert arm("GET", f"{path}/{name}").json() == shown
    assert shown in arm("GET", path).json()["value"]
    assert code_of(arm("PUT", f"{path}/{new_name()}", {"properties": {"issuer": issuer}})) == "IssuerExists"
    fewer = arm("PUT", f"{path}/{name}", {"properties": {"issuer": issuer}})
    assert (fewer.status_code, fewer.json()["properties"]) == (200, {"issuer": issuer, "allowPrivate": False})
    moved = {"issuer": f"{issuer}/other", "allowPrivate": False}
    assert arm("PUT", f"{path}/{name}", {"properties": moved}).json()["properties"] == moved
    again = new_name()
    assert arm("PUT", f"{path}/{again}", {"properties": {"issuer": issuer}}).status_code == 201
    for one in (name, again):
        assert [arm("DELETE", f"{path}/{one}").status_code for _ in range(2)] == [200, 204]
        assert code_of(arm("GET", f"{path}/{one}")) == "ResourceNotFound"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"issuer": None}, "'issuer'"),
        ({"issuer": "http://issuer.example.com"}, "https://"),
        ({"allowPrivate": "yes"}, "true or false"),
        ({"keySet": []}, "an object"),
        ({"keySet": {"keys": []}}, "none of its keys"),
        ({"keySet": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}, "nobody but the issuer"),
        ({"keySet": {"keys": [public_jwk(new_key("ES256"), "k")] * 65}}, "more than 64 keys"),
        ({"certificateAuthority": "nonsense"}, "PEM"),
        ({"certificateAuthority": 1}, "a string"),
    ],
)
def test_settings_that_cannot_be(arm: Manager, path: str, changed: dict[str, Any], why: str) -> None:
    before = arm("GET", path).json()
    good = {"issuer": "https://never.example.com"}
    properties = {name: value for name, value in (good | changed).items() if value is not None}
    answer = arm("PUT", f"{path}/{new_name()}", {"properties": properties})
    assert answer.status_code == 400
    assert why in answer.json()["error"]["message"]
    assert "c2VjcmV0" not in answer.text
    assert arm("GET", path).json() == before


def test_they_are_a_matter_of_authorisation_and_of_the_whole_instance(
    somebody: Callable[..., Manager], owner: Owner, path: str
) -> None:
    body, name = {"properties": {"issuer": f"https://{uuid4().hex}.example.com"}}, new_name()
    contributor = somebody(("Contributor", owner.subscription))
    assert contributor("GET", path).status_code == 200
    assert contributor("PUT", f"{path}/{name}", body).status_code == 403
    assert contributor("DELETE", f"{path}/{name}").status_code == 403
    of_group = somebody(("Owner", owner.group))
    assert of_group("GET", path).status_code == 403
    in_group = f"{owner.group}/providers/Keyless.Federation/issuers"
    assert of_group("PUT", f"{in_group}/{name}", body).status_code == 404
    administrator = somebody(("User Access Administrator", owner.subscription))
    assert administrator("PUT", f"{path}/{name}", body).status_code == 201
    assert administrator("DELETE", f"{path}/{name}").status_code == 200


# a real issuer


def allow(owner: Owner, running: IssuerServer, **changed: Any) -> str:
    """Let the issuer be on this machine, with its own authority; the settings' path."""
    where = f"{owner.subscription}/providers/Keyless.Federation/issuers/{new_name()}"
    good = {"issuer": running.issuer.url, "allowPrivate": True, "certificateAuthority": running.ca_pem}
    properties = {name: value for name, value in (good | changed).items() if value is not None}
    owner.arm("PUT", where, {"properties": properties})
    return where


def test_a_token_is_exchanged_with_keys_that_are_fetched_once(
    owner: Owner, running: IssuerServer, client_id: str
) -> None:
    allow(owner, running)
    for _ in range(3):
        status, answer = exchange(owner, client_id, running.issuer.token())
        assert status == 200, answer
        assert (
            owner.send("GET", "management", f"{owner.group}?api-version=2024-01-01", answer["access_token"]).status_code
            == 403
        )
    assert len(running.asked) == 2
    assert exchange(owner, client_id, running.issuer.token(sub="somebody"))[0] == 401
    assert len(running.asked) == 2


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"allowPrivate": None}, "no public address"), ({"certificateAuthority": None}, "cannot be verified")],
)
def test_what_was_not_allowed(
    owner: Owner, running: IssuerServer, client_id: str, changed: dict[str, Any], why: str
) -> None:
    where = allow(owner, running, **changed)
    status, answer = exchange(owner, client_id, running.issuer.token())
    assert (status, answer["error"], answer["error_codes"]) == (401, "invalid_client", [50166])
    assert why in answer["error_description"]
    assert running.asked == []
    owner.arm("DELETE", where)
    allow(owner, running)  # counts at once, though the failure is remembered
    assert exchange(owner, client_id, running.issuer.token())[0] == 200


def test_an_issuer_that_sends_us_elsewhere(owner: Owner, running: IssuerServer, client_id: str) -> None:
    allow(owner, running)
    running.answers["/.well-known/openid-configuration"] = Answer(
        status=302, headers={"Location": "https://169.254.169.254/"}
    )
    status, answer = exchange(owner, client_id, running.issuer.token())
    assert (status, answer["error_codes"]) == (401, [50166])
    assert "redirect" in answer["error_description"]


def test_an_issuer_whose_configuration_names_keys_elsewhere(
    owner: Owner, running: IssuerServer, client_id: str
) -> None:
    """The keys may be at another host, but it is judged as the issuer is."""
    other = f"https://[::1]:{running.port}/keys"
    running.answers["/.well-known/openid-configuration"] = Answer(
        json.dumps({"issuer": running.issuer.url, "jwks_uri": other}).encode()
    )
    allow(owner, running)
    status, answer = exchange(owner, client_id, running.issuer.token())
    assert (status, answer["error_codes"]) == (401, [50166])
    assert "::1" in answer["error_description"]


def test_no_match_says_what_was_presented_and_what_to_do(owner: Owner, running: IssuerServer, client_id: str) -> None:
    status, answer = exchange(owner, client_id, running.issuer.token(sub="somebody", aud="something"))
    assert (status, answer["error"], answer["error_codes"]) == (401, "invalid_client", [70021])
    assert answer["error_description"] == (
        "AADSTS70021: No federated credential of this client_id matches the token: its issuer is "
        f"'{running.issuer.url}', its subject 'somebody', its audience 'something'. "
        "Give the identity one that is the same in every character, with `keyless federation add`."
    )


def test_a_denial_is_in_the_audit_log_without_the_token(owner: Owner, running: IssuerServer, client_id: str) -> None:
    token = running.issuer.token(sub="somebody-audited")
    exchange(owner, client_id, token)
    records = [
        line for line in (owner.server.data / "audit.jsonl").read_text().splitlines() if "somebody-audited" in line
    ]
    assert [json.loads(record)["decision"] for record in records] == ["denied"]
    assert token.rpartition(".")[2] not in (owner.server.data / "audit.jsonl").read_text()

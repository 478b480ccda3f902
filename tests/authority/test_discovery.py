"""Discovery, and what an independent library makes of a token by discovery alone."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jwt as pyjwt
import pytest
from joserfc import jwt as jose
from joserfc.jwk import KeySet

from keyless.authority.discovery import instance_discovery
from tests.harness import VAULT, HeldLease, Owner, RunningServer

PUBLIC = {"kty", "use", "alg", "kid", "n", "e"}


def get(owner: Owner, path: str, name: str = "login") -> httpx.Response:
    return owner.send("GET", name, path)


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


@pytest.fixture(scope="module")
def token(server: RunningServer, owner: Owner) -> str:
    owner.app("disco", system=True)
    with HeldLease.open(server, "disco") as lease:
        return lease.token(VAULT)


def test_two_libraries_verify_a_token_by_discovery_alone(server: RunningServer, owner: Owner, token: str) -> None:
    tenant = pyjwt.decode(token, options={"verify_signature": False})["tid"]
    configuration = get(owner, f"/{tenant}/v2.0/.well-known/openid-configuration").json()
    found = get(owner, path_of(configuration["jwks_uri"])).json()
    kid = pyjwt.get_unverified_header(token)["kid"]
    (key,) = [key for key in pyjwt.PyJWKSet.from_dict(found).keys if key.key_id == kid]
    by_pyjwt = pyjwt.decode(
        token,
        key.key,
        algorithms=["RS256"],
        audience=VAULT,
        issuer=configuration["issuer"],
        options={"require": ["exp", "iat", "nbf", "iss", "aud", "sub"]},
    )
    by_joserfc = jose.decode(token, KeySet.import_key_set(found), algorithms=["RS256"]).claims
    assert by_pyjwt == by_joserfc
    assert by_pyjwt["tid"] == server.instance.tenant
    assert by_pyjwt["iss"] == server.instance.issuer == configuration["issuer"]


def test_only_public_parts_are_shown(owner: Owner) -> None:
    tenant = owner.server.instance.tenant
    for path in (f"/{tenant}/discovery/v2.0/keys", f"/{tenant}/discovery/keys", "/common/discovery/v2.0/keys"):
        keys = get(owner, path).json()["keys"]
        assert keys
        for key in keys:
            assert set(key) == PUBLIC
            assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")


@pytest.mark.parametrize("tenant", ["{tenant}", "common", "organizations", "{TENANT}"])
@pytest.mark.parametrize("version", ["/v2.0", ""])
def test_the_configuration_keeps_a_client_where_it_is(owner: Owner, tenant: str, version: str) -> None:
    real = owner.server.instance.tenant
    asked = tenant.format(tenant=real, TENANT=real.upper())
    answer = get(owner, f"/{asked}{version}/.well-known/openid-configuration")
    base = f"https://login.keyless.localhost:{owner.server.port}/{real}"
    body = answer.json()
    assert body["token_endpoint"] == f"{base}/oauth2/v2.0/token"
    assert body["authorization_endpoint"] == f"{base}/oauth2/v2.0/authorize"
    assert body["device_authorization_endpoint"] == f"{base}/oauth2/v2.0/devicecode"
    assert body["jwks_uri"] == f"{base}/discovery/v2.0/keys"


def test_slashes_are_not_counted(owner: Owner) -> None:
    """msal for Python puts one after an authority that ends with one."""
    path = "/v2.0/.well-known/openid-configuration"
    assert get(owner, f"/common/{path}").json() == get(owner, f"/common{path}").json()


def test_under_an_alias_the_endpoints_are_the_aliass(owner: Owner) -> None:
    tenant = owner.server.instance.tenant
    answer = owner.send(
        "GET",
        "login",
        f"/{tenant}/v2.0/.well-known/openid-configuration",
        headers={"Host": "login.microsoftonline.com"},
    ).json()
    assert answer["token_endpoint"] == f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    assert answer["issuer"] == owner.server.instance.issuer


def test_instance_discovery_says_that_this_authority_is_to_be_trusted(owner: Owner) -> None:
    tenant = owner.server.instance.tenant
    endpoint = f"https://login.keyless.localhost/{tenant}/oauth2/v2.0/authorize"
    authority = f"login.keyless.localhost:{owner.server.port}"
    answer = get(owner, f"/common/discovery/instance?api-version=1.1&authorization_endpoint={endpoint}")
    assert answer.json() == {
        "tenant_discovery_endpoint": f"https://{authority}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": authority, "preferred_cache": authority, "aliases": [authority]}],
    }


@pytest.mark.parametrize("endpoint", ["", "nonsense", "http://login.example/t", "https://login.example", "https:///t"])
def test_an_endpoint_that_makes_no_sense(owner: Owner, endpoint: str) -> None:
    answer = get(owner, f"/common/discovery/instance?authorization_endpoint={endpoint}")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_instance")


@pytest.mark.parametrize("endpoint", ["https://[::1/t", "https://a:b/t", "https://\x00/t"])
def test_no_text_breaks_instance_discovery(endpoint: str) -> None:
    found = instance_discovery(endpoint, "login.keyless.localhost")
    assert found is None or json.dumps(found)


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/nobody/v2.0/.well-known/openid-configuration", 400, "invalid_tenant"),
        ("GET", "/nobody/discovery/v2.0/keys", 400, "invalid_tenant"),
        ("POST", "/nobody/oauth2/v2.0/token", 400, "invalid_tenant"),
        ("GET", "/common/oauth2/v2.0/token", 404, "invalid_request"),
        ("GET", "/", 404, "invalid_request"),
        ("DELETE", "/common/discovery/instance", 404, "invalid_request"),
    ],
)
def test_what_is_not_there_is_told_without_asking_for_a_token(
    owner: Owner, method: str, path: str, status: int, error: str
) -> None:
    answer = owner.send(method, "login", path)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert "www-authenticate" not in answer.headers


def test_discovery_documents_have_no_secret(owner: Owner) -> None:
    tenant = owner.server.instance.tenant
    text: Any = "".join(
        get(owner, f"/{tenant}{path}").text for path in ("/v2.0/.well-known/openid-configuration", "/discovery/keys")
    )
    assert '"d"' not in text
    assert '"p"' not in text

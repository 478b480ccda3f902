"""The vault behind the kernel: the challenge, what each operation requires, and what it answers before that."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from keyless.model.errors import ErrorKind, KeylessError
from keyless.providers.key_vault.errors import error_response

if TYPE_CHECKING:
    from tests.providers.key_vault.conftest import VaultClient

GROUP = "/subscriptions/s-1/resourceGroups/shop/providers/Microsoft.KeyVault/vaults"
LOGIN = "https://login.keyless.localhost:8443/5a1f0d3c-0000-4000-8000-00000000beef"
VERSION = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(("port", "shown"), [(None, ""), (443, ""), (8443, ":8443")])
async def test_a_request_without_token_gets_the_challenge(vault: VaultClient, port: int | None, shown: str) -> None:
    # azure-keyvault-secrets 4.12 (Python) and @azure/keyvault-secrets 4.x (JS) split this header by hand
    vault.port = port
    answer = await vault.send("PUT", "/secrets/db", token="")
    resource = f"https://vault.keyless.localhost{shown}"
    assert answer.headers["WWW-Authenticate"] == f'Bearer authorization="{LOGIN}", resource="{resource}"'
    assert answer.error == (401, "Unauthorized", None)


async def test_a_token_of_a_revoked_key_gets_a_claims_challenge(vault: VaultClient) -> None:
    # @azure/keyvault-common wants just this error; azure-keyvault-secrets (Python) reads the claims alone
    answer = await vault.send("GET", "/secrets/db", token="revoked")
    assert answer.error == (401, "Unauthorized", None)
    ordinary, _, more = answer.headers["WWW-Authenticate"].partition(', error="insufficient_claims", claims="')
    assert ordinary == f'Bearer authorization="{LOGIN}", resource="https://vault.keyless.localhost:8443"'
    claims = json.loads(base64.b64decode(more.removesuffix('"'), validate=True))
    assert claims == {"access_token": {"nbf": {"essential": True, "value": "1800000000"}}}


@pytest.mark.parametrize(
    ("method", "path", "query", "name"),
    [
        ("PUT", "/secrets/not_a_name", "", "shop"),
        ("GET", "/keys/k", "", "shop"),
        ("BREW", "/", "", "shop"),
        ("GET", "/secrets", "api-version=7.4&maxresults=x", "nowhere"),
    ],
)
@pytest.mark.parametrize("token", ["", "bad"])
async def test_401_comes_before_anything_is_checked(
    vault: VaultClient, method: str, path: str, query: str, name: str, token: str
) -> None:
    answer = await vault.send(method, path, query, token=token, vault=name)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization=")


@pytest.mark.parametrize(
    ("method", "path", "action", "scope"),
    [
        ("GET", "/secrets/Db", "getSecret/action", "/secrets/Db"),
        ("GET", f"/secrets/db/{VERSION}", "getSecret/action", "/secrets/db"),
        ("PUT", "/secrets/db", "setSecret/action", "/secrets/db"),
        ("PATCH", "/secrets/db", "update/action", "/secrets/db"),
        ("PATCH", f"/secrets/db/{VERSION}", "update/action", "/secrets/db"),
        ("DELETE", "/secrets/db", "delete", "/secrets/db"),
        ("POST", "/secrets/db/backup", "backup/action", "/secrets/db"),
        ("POST", "/secrets/restore/backup", "backup/action", "/secrets/restore"),
        ("POST", "/secrets/restore", "restore/action", ""),
        ("GET", "/secrets", "readMetadata/action", ""),
        ("GET", "/secrets/db/versions", "readMetadata/action", "/secrets/db"),
        ("GET", "/deletedsecrets", "readMetadata/action", ""),
        ("GET", "/deletedsecrets/db", "readMetadata/action", "/secrets/db"),
        ("POST", "/deletedsecrets/db/recover", "recover/action", "/secrets/db"),
        ("DELETE", "/deletedsecrets/db", "purge/action", "/secrets/db"),
    ],
)
async def test_what_each_operation_requires(
    vault: VaultClient, method: str, path: str, action: str, scope: str
) -> None:
    answer = await vault.send(method, path, token="nobody")
    assert answer.error == (403, "Forbidden", "ForbiddenByRbac")
    (required,) = vault.access.required
    assert str(required.scope) == f"{GROUP}/Shop{scope}"
    assert [(p.action, p.data) for p in required.any_of] == [(f"Microsoft.KeyVault/vaults/secrets/{action}", True)]
    ((event, durable),) = vault.audit.events
    assert (event.decision, event.principal_id, durable) == ("denied", "nobody", True)


#: operation → the one permission that allows it, where access policies decide
UNDER_POLICIES = {
    ("GET", "/secrets/db"): "get",
    ("GET", f"/secrets/db/{VERSION}"): "get",
    ("GET", "/deletedsecrets/db"): "get",
    ("GET", "/secrets"): "list",
    ("GET", "/secrets/db/versions"): "list",
    ("GET", "/deletedsecrets"): "list",
    ("PUT", "/secrets/db"): "set",
    ("PATCH", "/secrets/db"): "set",
    ("PATCH", f"/secrets/db/{VERSION}"): "set",
    ("DELETE", "/secrets/db"): "delete",
    ("POST", "/deletedsecrets/db/recover"): "recover",
    ("POST", "/secrets/db/backup"): "backup",
    ("POST", "/secrets/restore"): "restore",
    ("DELETE", "/deletedsecrets/db"): "purge",
}


@pytest.mark.parametrize(("method", "path"), UNDER_POLICIES)
async def test_what_each_operation_requires_under_access_policies(vault: VaultClient, method: str, path: str) -> None:
    wanted = UNDER_POLICIES[method, path]
    # an officer by role has nothing there
    refused = {who: who != wanted for who in (*UNDER_POLICIES.values(), "officer", "nobody")}
    refused["all"] = wanted == "purge"
    for who, denied in refused.items():
        answer = await vault.send(method, path, body=b"not what it takes", token=who, vault="policed")
        ((event, durable),) = vault.audit.events
        vault.audit.events.clear()
        assert event.decision == ("denied" if denied else "allowed"), who
        if denied:
            assert answer.error == (403, "Forbidden", "ForbiddenByPolicy")
            assert durable
            assert f"'{wanted}'" in event.reason
        else:
            assert answer.status != 403
            assert event.reason == f"{GROUP}/Policed/accessPolicies/{who}"


async def test_policies_count_for_nothing_where_roles_decide(vault: VaultClient) -> None:
    await vault.set("db", vault="roles")
    refused = await vault.send("GET", "/secrets/db", token="app", vault="roles")
    assert refused.error == (403, "Forbidden", "ForbiddenByRbac")


async def test_a_role_at_one_secret_opens_that_one_only(vault: VaultClient) -> None:
    for name in ("db", "db2"):
        await vault.set(name)
    await vault.set("db", vault="other")
    vault.access.grant("app", "user", f"{GROUP}/shop/secrets/DB")
    assert (await vault.send("GET", "/secrets/db", token="app")).status == 200
    assert (await vault.send("GET", "/secrets/db2", token="app")).status == 403
    assert (await vault.send("GET", "/secrets/db", token="app", vault="other")).status == 403
    assert (await vault.send("GET", "/secrets/db/versions", token="app")).status == 403
    assert (await vault.send("GET", "/secrets", token="app")).status == 403
    assert (await vault.send("GET", "/secrets/absent", token="app")).status == 403  # not 404: existence is not told


async def test_changes_are_audited_durably_with_their_outcome(vault: VaultClient) -> None:
    await vault.set("db")
    await vault.send("GET", "/secrets/db")
    await vault.send("PATCH", "/secrets/db", body=b"{}")
    await vault.send("DELETE", "/secrets/db")
    await vault.send("DELETE", "/secrets/db")
    await vault.send("POST", "/deletedsecrets/db/recover")
    await vault.send("DELETE", "/deletedsecrets/db")
    assert [(event.operation, durable) for event, durable in vault.audit.events] == [
        ("SecretSet", True),
        ("SecretGet", False),
        ("SecretUpdate", True),
        ("SecretDelete", True),
        ("SecretDelete", True),
        ("SecretRecover", True),
        ("SecretPurge", True),
    ]
    assert vault.audit.outcomes == [200, 200, 200, 404, 200, 404]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/other"),
        ("POST", "/secrets"),
        ("POST", "/secrets/db"),
        ("POST", "/secrets/db/restore"),
        ("GET", "/secrets/db/backup"),
        ("PUT", "/secrets"),
        ("PATCH", "/secrets"),
        ("PATCH", "/secrets/db/versions"),
        ("PATCH", "/deletedsecrets/db"),
        ("PUT", f"/secrets/db/{VERSION}"),
        ("DELETE", f"/secrets/db/{VERSION}"),
        ("GET", f"/secrets/db/{VERSION}/more"),
        ("GET", "/secrets/db/versions/more"),
        ("GET", "/secrets/db/recover"),
        ("GET", f"/deletedsecrets/db/{VERSION}"),
        ("PUT", "/deletedsecrets/db"),
        ("GET", "/secrets/not_a_name"),
        ("PUT", "/secrets/" + "n" * 128),
        ("PUT", "/secrets/a%2Fb"),
        ("PUT", "/secrets%2F%7Bname%7D"),
        ("PUT", "/secrets/%7Bname%7D"),
        ("GET", "/secrets/a.b"),
        ("GET", "/secrets/d%C3%A9"),
        ("GET", "/secrets/%FF"),
        ("GET", "/secrets/db/0123"),
        ("GET", f"/secrets/db/{VERSION.upper()}"),
        ("GET", "/secrets/db/%7Bversion%7D"),
        ("POST", f"/secrets/db/{VERSION}"),
    ],
)
async def test_paths_that_the_api_has_not(vault: VaultClient, method: str, path: str) -> None:
    answer = await vault.send(method, path, body=b'{"value":"v"}')
    assert answer.status == 400
    assert (await vault.send("GET", "/secrets")).body["value"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/keys/k/create"),
        ("GET", "/certificates"),
    ],
)
async def test_operations_that_are_not_there_yet(vault: VaultClient, method: str, path: str) -> None:
    assert (await vault.send(method, path)).error == (501, "NotImplemented", None)


async def test_the_api_version_must_be_named_and_may_be_any(vault: VaultClient) -> None:
    await vault.set("db")
    for query in ("", "api-version=", "api=7.4"):
        assert (await vault.send("GET", "/secrets/db", query)).error == (400, "BadParameter", None)
    for query in ("api-version=2016-10-01", "api-version=2099-01-01-preview", "api%2Dversion=7.5"):
        assert (await vault.send("GET", "/secrets/db", query)).status == 200


async def test_slashes_as_the_clients_send_them(vault: VaultClient) -> None:
    await vault.set("db", "s3cret")
    # Python, JS, az and .NET end the path of the latest version with a slash; the service's own examples double one
    for path in ("/secrets/db", "/secrets/db/", "//secrets/db", "/Secrets/DB//"):
        assert (await vault.send("GET", path)).body["value"] == "s3cret"


async def test_an_unknown_vault(vault: VaultClient) -> None:
    assert (await vault.send("GET", "/secrets/db", vault="nowhere")).error == (404, "VaultNotFound", None)


async def test_every_answer_names_its_request_and_is_not_cached(vault: VaultClient) -> None:
    for answer in (await vault.send("GET", "/secrets"), await vault.send("GET", "/secrets", token="")):
        assert answer.headers["x-ms-request-id"] == "r-1"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_of_error_has_its_envelope(kind: ErrorKind) -> None:
    response = error_response(KeylessError(kind, "So it is."))
    assert isinstance(response.body, bytes)
    assert b'"message":"So it is."' in response.body
    assert 300 <= response.status < 600

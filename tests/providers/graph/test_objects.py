"""Applications, service principals, users and groups: made, shown, changed, deleted, as Graph's clients do it."""

from __future__ import annotations

import base64
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.authority.clients.certificates import self_signed
from tests.harness import Owner
from tests.providers.graph.conftest import Graph, code_of


def application(graph: Graph, **more: Any) -> dict[str, Any]:
    made = graph.new("applications", **more)
    graph.ok("POST", "servicePrincipals", {"appId": made["appId"]})
    return made


def test_an_application_has_everything_that_was_given(graph: Graph) -> None:
    given = {
        "signInAudience": "AzureADMyOrg",
        "identifierUris": [f"api://x-{uuid4()}"],
        "web": {"redirectUris": ["https://shop.example/cb", "http://localhost:3000/cb"]},
        "spa": {"redirectUris": ["https://shop.example/"]},
        "publicClient": {"redirectUris": ["http://localhost", "myapp://auth", "ms-appx-web://x/y"]},
        "isFallbackPublicClient": True,
        "api": {"oauth2PermissionScopes": [{"id": str(uuid4()), "value": "files.read", "isEnabled": True}]},
    }
    made = graph.new("applications", **given)
    shown = graph.ok("GET", f"applications/{made['id']}")
    assert shown == made
    assert shown == graph.ok("GET", f"applications(appId='{made['appId']}')")
    for name in ("signInAudience", "identifierUris", "isFallbackPublicClient"):
        assert shown[name] == given[name]
    for name in ("web", "spa", "publicClient"):
        assert shown[name]["redirectUris"] == given[name]["redirectUris"]  # type: ignore[index]
    assert shown["api"]["oauth2PermissionScopes"][0]["value"] == "files.read"
    assert graph("PATCH", f"applications/{made['id']}", {"displayName": "other"}).status_code == 204
    assert graph.ok("GET", f"applications/{made['id']}") == made | {"displayName": "other"}
    assert graph("DELETE", f"applications/{made['id']}").status_code == 204
    assert code_of(graph("GET", f"applications/{made['id']}")) == (404, "Request_ResourceNotFound")


WRONG: list[dict[str, Any]] = [
    {"web": {"redirectUris": ["http://shop.example/"]}},
    {"web": {"redirectUris": ["myapp://auth"]}},
    {"web": {"redirectUris": ["https://*.example/"]}},
    {"web": {"redirectUris": ["https://shop.example/#x"]}},
    {"web": {"redirectUris": ["https://shop.example@evil.example/"]}},
    {"web": {"redirectUris": ["/relative"]}},
    {"web": {"redirectUris": "https://shop.example/"}},
    {"spa": {"redirectUris": ["http://localhost.evil.example/"]}},
    {"publicClient": {"redirectUris": ["javascript:alert(1)"]}},
    {"publicClient": {"redirectUris": ["data:text/html,x"]}},
    {"identifierUris": ["https://vault.azure.net"]},
    {"identifierUris": ["https://graph.microsoft.com/x"]},
    {"identifierUris": ["https://management.keyless.localhost"]},
    {"identifierUris": ["nothing"]},
    {"signInAudience": "AzureADMultipleOrgs"},
    {"requiredResourceAccess": [{"resourceAppId": "x"}]},
    {"passwordCredentials": [{"displayName": "mine"}]},
    {"keyCredentials": [{"key": "!!"}]},
    {"keyCredentials": [{"key": base64.b64encode(b"no certificate").decode()}]},
    {"api": {"oauth2PermissionScopes": [{"id": "x", "value": "y"}]}},
    {"displayName": ""},
    {"displayName": "a\nb"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_an_application_cannot_be(graph: Graph, wrong: dict[str, Any]) -> None:
    count = len(graph.ok("GET", "applications?$top=999")["value"])
    assert code_of(graph("POST", "applications", {"displayName": "x"} | wrong)) == (400, "Request_BadRequest")
    assert len(graph.ok("GET", "applications?$top=999")["value"]) == count


def test_a_secret_is_shown_once(graph: Graph) -> None:
    made = application(graph)
    path = f"applications/{made['id']}"
    secret = graph.ok("POST", f"{path}/addPassword", {"passwordCredential": {"displayName": "laptop"}})
    text = secret["secretText"]
    assert len(text) == 40
    assert text.startswith(secret["hint"])
    (shown,) = graph.ok("GET", path)["passwordCredentials"]
    assert shown == {name: value for name, value in secret.items() if name != "secretText"} | {"secretText": None}
    another = graph.ok("POST", f"{path}/addPassword")
    assert another["secretText"] != text
    for where in (path, "applications?$top=999", "servicePrincipals?$top=999"):
        answer = graph("GET", where)
        assert text not in answer.text
        assert "argon2" not in answer.text
    # what is left out of a list is removed; nothing is added by one
    assert graph("PATCH", path, {"passwordCredentials": [shown]}).status_code == 204
    assert [one["keyId"] for one in graph.ok("GET", path)["passwordCredentials"]] == [secret["keyId"]]
    assert graph("POST", f"{path}/removePassword", {"keyId": secret["keyId"]}).status_code == 204
    assert graph.ok("GET", path)["passwordCredentials"] == []
    assert graph("POST", f"{path}/removePassword", {"keyId": secret["keyId"]}).status_code == 404


@pytest.mark.parametrize(
    "times",
    [
        {"endDateTime": "2000-01-01T00:00:00Z"},
        {"endDateTime": "2099-01-01T00:00:00Z"},
        {"endDateTime": "tomorrow"},
        {"endDateTime": 5},
        {"startDateTime": "9999-12-31T23:59:59Z"},
    ],
    ids=str,
)
def test_times_that_a_secret_cannot_have(graph: Graph, times: dict[str, Any]) -> None:
    made = application(graph)
    answer = graph("POST", f"applications/{made['id']}/addPassword", {"passwordCredential": times})
    assert code_of(answer) == (400, "Request_BadRequest")


def test_certificates_are_kept_when_the_list_is_written_again(graph: Graph) -> None:
    path = f"applications/{application(graph)['id']}"
    first, second = (self_signed(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))
    graph.ok("PATCH", path, {"keyCredentials": [first.key_credential]})
    (held,) = graph.ok("GET", path)["keyCredentials"]
    assert held["customKeyIdentifier"] == first.sha1.hex().upper()
    graph.ok("PATCH", path, {"keyCredentials": [held, second.key_credential]})
    assert len(graph.ok("GET", path)["keyCredentials"]) == 2
    unknown = held | {"keyId": str(uuid4())}
    assert graph("PATCH", path, {"keyCredentials": [unknown]}).status_code == 400
    graph.ok("PATCH", path, {"keyCredentials": []})
    assert graph.ok("GET", path)["keyCredentials"] == []


def test_service_principals_of_every_kind(graph: Graph, owner: Owner) -> None:
    made = application(graph, identifierUris=[f"api://x-{uuid4()}"])
    (service,) = graph.ok("GET", f"servicePrincipals?$filter=appId eq '{made['appId']}'")["value"]
    assert service["servicePrincipalNames"] == [made["appId"], *made["identifierUris"]]
    identity = owner.identity(f"i-{uuid4().hex[:8]}")
    shown = graph.ok("GET", f"servicePrincipals/{identity['principalId']}")
    assert (shown["servicePrincipalType"], shown["alternativeNames"]) == ("ManagedIdentity", [identity["id"]])
    for other in (identity["principalId"], owner.server.instance.owner.principal_id):
        assert graph("DELETE", f"servicePrincipals/{other}").status_code == 409
        assert graph("PATCH", f"servicePrincipals/{other}", {"accountEnabled": False}).status_code == 409
        assert graph("POST", f"servicePrincipals/{other}/addPassword").status_code == 409
    assert graph("POST", "servicePrincipals", {"appId": made["appId"]}).status_code == 409
    assert graph("POST", "servicePrincipals", {"appId": str(uuid4())}).status_code == 400
    assert graph.ok("POST", f"servicePrincipals/{service['id']}/addPassword")["secretText"]
    assert len(graph.ok("GET", f"applications/{made['id']}")["passwordCredentials"]) == 1
    graph.ok("DELETE", f"applications/{made['id']}")
    assert graph("GET", f"servicePrincipals/{service['id']}").status_code == 404


def test_users(graph: Graph) -> None:
    password = {"passwordProfile": {"password": "correct horse", "forceChangePasswordNextSignIn": False}}
    made = graph.new("users", mailNickname="x", accountEnabled=True, **password)
    path = f"users/{made['userPrincipalName']}"
    shown = graph.ok("GET", path)
    assert shown == made == graph.ok("GET", f"users/{made['id'].upper()}")
    assert shown["accountEnabled"]
    assert "horse" not in graph("GET", path).text
    graph.ok("PATCH", path, {"displayName": "Alice", "accountEnabled": False})
    after = graph.ok("GET", path)
    assert (after["displayName"], after["accountEnabled"]) == ("Alice", False)
    assert after["signInSessionsValidFromDateTime"] >= made["signInSessionsValidFromDateTime"]
    assert graph.ok("POST", f"{path}/revokeSignInSessions") == {"value": True}
    double = graph("POST", "users", {"displayName": "x", "userPrincipalName": made["userPrincipalName"].upper()})
    assert code_of(double) == (409, "Request_MultipleObjectsWithSameKeyValue")
    graph.ok("DELETE", path)
    assert graph("GET", path).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"userPrincipalName": "no-at"},
        {"userPrincipalName": None},
        {"passwordProfile": {"password": "short"}},
        {"passwordProfile": {"password": "x" * 257}},
        {"passwordProfile": {"password": "correct horse", "forceChangePasswordNextSignIn": True}},
        {"passwordProfile": "correct horse"},
        {"accountEnabled": "yes"},
        {"jobTitle": "Queen"},
    ],
    ids=str,
)
def test_what_a_user_cannot_be(graph: Graph, wrong: dict[str, Any]) -> None:
    body = {"displayName": "x", "userPrincipalName": f"u{uuid4().hex[:8]}@keyless.localhost"} | wrong
    answer = graph("POST", "users", body)
    assert answer.status_code == 400
    assert "correct horse" not in answer.text


def test_groups_and_their_members(graph: Graph) -> None:
    ops, everybody = graph.new("groups"), graph.new("groups", mailEnabled=False, securityEnabled=True, mailNickname="x")
    user = graph.new("users")
    for group, member in ((ops, user), (everybody, ops)):
        reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{member['id']}"}
        assert graph("POST", f"groups/{group['id']}/members/$ref", reference).status_code == 204
    (shown,) = graph.ok("GET", f"groups/{everybody['id']}/members")["value"]
    assert (shown["@odata.type"], shown["id"]) == ("#microsoft.graph.group", ops["id"])
    assert [one["id"] for one in graph.ok("GET", f"users/{user['id']}/memberOf")["value"]] == [ops["id"]]
    whole = {ops["id"], everybody["id"]}
    assert {one["id"] for one in graph.ok("GET", f"users/{user['id']}/transitiveMemberOf")["value"]} == whole
    found = graph.ok("POST", f"directoryObjects/{user['id']}/getMemberGroups", {"securityEnabledOnly": True})["value"]
    assert set(found) == whole
    asked = {"groupIds": [everybody["id"], str(uuid4())]}
    assert graph.ok("POST", f"directoryObjects/{user['id']}/checkMemberGroups", asked)["value"] == [everybody["id"]]
    by_ids = graph.ok("POST", "directoryObjects/getByIds", {"ids": [user["id"], ops["id"], str(uuid4())]})["value"]
    assert [one["@odata.type"] for one in by_ids] == ["#microsoft.graph.user", "#microsoft.graph.group"]
    for wrong in ("", "x", "https://graph.microsoft.com/v1.0/directoryObjects/x"):
        assert graph("POST", f"groups/{ops['id']}/members/$ref", {"@odata.id": wrong}).status_code == 400
    assert graph("DELETE", f"groups/{ops['id']}/members/{user['id']}/$ref").status_code == 204
    assert graph.ok("GET", f"groups/{ops['id']}/members")["value"] == []
    assert graph("POST", "groups", {"displayName": "x", "mailEnabled": True}).status_code == 400
    assert graph("POST", "groups", {"displayName": "x", "description": "y"}).status_code == 400


def test_me_is_for_people(graph: Graph) -> None:
    assert code_of(graph("GET", "me")) == (400, "Request_BadRequest")


# lists


def test_filters_of_az_ad(graph: Graph) -> None:
    quoted = f"it's {uuid4()} and more"
    made = application(graph, displayName=quoted, identifierUris=[f"api://x-{uuid4()}"])
    name, uri = quoted.replace("'", "''"), made["identifierUris"][0]
    for condition in (
        f"displayName eq '{name}'",
        f"startswith(displayName,'{name[:20]}')",
        f"appId eq '{made['appId'].upper()}'",
        f"identifierUris/any(s:s eq '{uri}')",
        f"startswith(displayName,'it') and appId eq '{made['appId']}'",
    ):
        found = graph.ok("GET", f"applications?$filter={condition}")["value"]
        assert [one["id"] for one in found] == [made["id"]], condition
    by_name = graph.ok("GET", f"servicePrincipals?$filter=servicePrincipalNames/any(c:c eq '{uri}')")["value"]
    assert [one["appId"] for one in by_name] == [made["appId"]]
    user = graph.new("users")
    found = graph.ok("GET", f"users?$filter=userPrincipalName eq '{user['userPrincipalName'].upper()}'")["value"]
    assert [one["id"] for one in found] == [user["id"]]
    only = graph.ok("GET", f"applications?$filter=appId eq '{made['appId']}'&$select=id,appId")["value"]
    assert only == [{"id": made["id"], "appId": made["appId"]}]
    for wrong in ("displayName ne 'x'", "displayName eq x", "password eq 'x'", "x", "displayName eq 'x' or id eq 'y'"):
        assert code_of(graph("GET", f"users?$filter={wrong}")) == (400, "Request_UnsupportedQuery"), wrong
    for wrong in ("$orderby=displayName", "$expand=owners", "$search=x", "$top=0", "$top=x"):
        assert graph("GET", f"users?{wrong}").status_code == 400, wrong


def test_a_list_comes_in_pages_each_once(graph: Graph) -> None:
    prefix = f"p{uuid4().hex[:8]}"
    made = {graph.new("groups", displayName=f"{prefix}-{number}")["id"] for number in range(5)}
    path, found = f"groups?$top=2&$filter=startswith(displayName,'{prefix}')", []
    for _ in range(3):
        page = graph.ok("GET", path)
        found += [one["id"] for one in page["value"]]
        path = page.get("@odata.nextLink", "").partition("/v1.0/")[2]
    assert not path
    assert found == sorted(made)

"""Who may do what with the directory: the cloud's directory roles, over the tenant, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.harness import ARM, GRAPH, VAULT, Owner
from tests.providers.graph.conftest import Graph, code_of

DENIED = (403, "Authorization_RequestDenied")
READS = [f"{kind}{key}" for kind in ("applications", "servicePrincipals", "users", "groups") for key in ("", "/x")]
APPLICATIONS: list[tuple[str, str, Any]] = [
    ("POST", "applications", {"displayName": "x"}),
    ("PATCH", "applications/x", {"displayName": "x"}),
    ("DELETE", "applications/x", None),
    ("POST", "applications/x/addPassword", {}),
    ("POST", "applications/x/removePassword", {"keyId": "x"}),
    ("POST", "servicePrincipals", {"appId": "x"}),
    ("PATCH", "servicePrincipals/x", {"accountEnabled": False}),
    ("DELETE", "servicePrincipals/x", None),
    ("POST", "servicePrincipals/x/addPassword", {}),
]
USERS: list[tuple[str, str, Any]] = [
    ("POST", "users", {"displayName": "x", "userPrincipalName": "bad"}),
    ("PATCH", "users/x", {"displayName": "x"}),
    ("DELETE", "users/x", None),
    ("POST", "users/x/revokeSignInSessions", {}),
]
GROUPS: list[tuple[str, str, Any]] = [
    ("POST", "groups", {"displayName": "x"}),
    ("PATCH", "groups/x", {"displayName": "x"}),
    ("DELETE", "groups/x", None),
    ("POST", "groups/x/members/$ref", {"@odata.id": "x"}),
    ("DELETE", "groups/x/members/y/$ref", None),
]
MAY: dict[str, list[tuple[str, str, Any]]] = {
    "Global Administrator": [*APPLICATIONS, *USERS, *GROUPS],
    "Application Administrator": APPLICATIONS,
    "User Administrator": [*USERS, *GROUPS],
    "Groups Administrator": GROUPS,
    "Directory Readers": [],
}


@pytest.mark.parametrize("role", MAY)
def test_a_directory_role_does_what_it_says_and_nothing_else(caller: Callable[..., Graph], role: str) -> None:
    graph = caller(role)
    for path in READS:
        assert graph("GET", path).status_code in {200, 404}, path
    for method, path, body in (*APPLICATIONS, *USERS, *GROUPS):
        allowed = (method, path, body) in MAY[role]
        assert (code_of_any(graph(method, path, body)) == DENIED) is not allowed, (method, path)


def code_of_any(answer: Any) -> Any:
    return answer.status_code if answer.is_success else code_of(answer)


def test_no_role_over_resources_gives_the_directory(caller: Callable[..., Graph], owner: Owner) -> None:
    graph = caller("Owner", "User Access Administrator", scope=owner.subscription)
    for method, path, body in (*((("GET"), path, None) for path in READS), *APPLICATIONS, *USERS, *GROUPS):
        assert code_of(graph(method, path, body)) == DENIED, (method, path)


def test_a_stranger_learns_nothing(caller: Callable[..., Graph], owner: Owner, graph: Graph) -> None:
    nobody, there = caller(), graph.new("users")
    texts = {nobody("GET", f"users/{one}").text.split("principal")[0] for one in (there["id"], str(uuid4()))}
    assert len({text.partition("innerError")[0] for text in texts}) == 1
    without = owner.send("GET", "graph", "/v1.0/users")
    assert code_of(without) == (401, "InvalidAuthenticationToken")
    assert "authorization_uri=" in without.headers["www-authenticate"]
    for path in ("/v1.0/nothing", "/beta/users", "/"):
        assert owner.send("GET", "graph", path).status_code == 401


@pytest.mark.parametrize("resource", [ARM, VAULT, "https://graph.windows.net"])
def test_a_token_for_another_resource_is_refused(owner: Owner, resource: str) -> None:
    answer = owner.send("GET", "graph", "/v1.0/users", owner.token(resource))
    assert code_of(answer) == (401, "InvalidAuthenticationToken")
    elsewhere = owner.send("GET", "management", "/subscriptions?api-version=2022-12-01", owner.token(GRAPH))
    assert elsewhere.status_code == 401


def test_a_group_passes_its_role_on_and_takes_it_back(owner: Owner, graph: Graph, caller: Callable[..., Graph]) -> None:
    member, group = caller(), graph.new("groups")
    owner.assign(group["id"], "Directory Readers", "")
    assert code_of(member("GET", "users")) == DENIED
    reference = {"@odata.id": f"https://graph.keyless.localhost/v1.0/directoryObjects/{member.principal_id}"}
    graph.ok("POST", f"groups/{group['id']}/members/$ref", reference)
    assert member("GET", "users").status_code == 200
    graph.ok("DELETE", f"groups/{group['id']}")
    assert code_of(member("GET", "users")) == DENIED


def test_an_applications_life_at_the_token_endpoint(owner: Owner, graph: Graph) -> None:
    made = graph.new("applications")
    path = f"/{owner.server.instance.tenant}/oauth2/v2.0/token"
    secret = graph.ok("POST", f"applications/{made['id']}/addPassword")["secretText"]

    def ask(**changed: str) -> Any:
        form = {
            "grant_type": "client_credentials",
            "client_id": made["appId"],
            "client_secret": secret,
            "scope": f"{GRAPH}/.default",
        }
        return owner.send("POST", "login", path, data=form | changed)

    assert ask().json()["error_codes"] == [7000229]
    service = graph.ok("POST", "servicePrincipals", {"appId": made["appId"]})
    token = ask().json()["access_token"]
    basic = owner.send(
        "POST",
        "login",
        path,
        data={"grant_type": "client_credentials", "scope": f"{GRAPH}/.default"},
        auth=(made["appId"], secret),
    )
    assert basic.json()["access_token"] == token
    assert ask(client_secret="wrong").json()["error_codes"] == [7000215]
    application = Graph(owner, token)
    assert code_of(application("GET", "users")) == DENIED
    owner.assign(service["id"], "Directory Readers", "")
    assert application("GET", "users").status_code == 200
    graph.ok("PATCH", f"servicePrincipals/{service['id']}", {"accountEnabled": False})
    assert application("GET", "users").status_code == 401
    assert ask().json()["error_codes"] == [7000112]
    graph.ok("PATCH", f"servicePrincipals/{service['id']}", {"accountEnabled": True})
    assert application("GET", "users").status_code == 200
    graph.ok("DELETE", f"applications/{made['id']}")
    assert application("GET", "users").status_code == 401
    assert ask().json()["error_codes"] == [700016]

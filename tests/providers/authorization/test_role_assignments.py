"""Role assignments and definitions over the real server: scopes, lists, doubles, and what they do at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.harness import ROLES, STORAGE, VAULT, HeldLease, Owner, RunningServer
from tests.manager import ASSIGNMENTS, Manager, code_of


def definition(owner: Owner, role: str) -> str:
    return f"{owner.subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLES[role]}"


def assignment(owner: Owner, role: str, principal_id: str) -> dict[str, Any]:
    return {"properties": {"roleDefinitionId": definition(owner, role), "principalId": principal_id}}


@pytest.fixture
def principal(owner: Owner) -> str:
    return str(owner.identity(f"p{uuid4().hex[:8]}")["principalId"])


@pytest.fixture(scope="module")
def holders(owner: Owner) -> dict[str, str]:
    """A scope of every kind."""
    vault, account = owner.vault(f"v{uuid4().hex[:8]}"), owner.account(f"s{uuid4().hex[:8]}")
    return {
        "subscription": owner.subscription,
        "group": owner.group,
        "resource": vault,
        "secret": f"{vault}/secrets/one",
        "container": f"{account}/blobServices/default/containers/one",
    }


@pytest.mark.parametrize("kind", ["subscription", "group", "resource", "secret", "container"])
def test_the_life_of_an_assignment_at_every_kind_of_scope(
    arm: Manager, owner: Owner, principal: str, holders: dict[str, str], kind: str
) -> None:
    scope = holders[kind]
    path = f"{scope}/providers/{ASSIGNMENTS}/{uuid4()}"
    assert (arm("GET", path).status_code, code_of(arm("GET", path))) == (404, "RoleAssignmentNotFound")
    made = arm("PUT", path, assignment(owner, "Reader", principal))
    assert made.status_code == 201
    assert made.json() == {
        "id": path,
        "name": path.rsplit("/", 1)[1],
        "type": ASSIGNMENTS,
        "properties": {
            "roleDefinitionId": definition(owner, "Reader"),
            "principalId": principal,
            "principalType": "ServicePrincipal",
            "scope": scope,
        },
    }
    assert arm("GET", path).json() == made.json()
    assert arm("PUT", path, assignment(owner, "Reader", principal)).is_success
    listed = arm("GET", f"{scope}/providers/{ASSIGNMENTS}?$filter=principalId eq '{principal.upper()}'").json()["value"]
    assert listed == [made.json()]
    assert arm("DELETE", path).json() == made.json()
    assert arm("DELETE", path).status_code == 204
    assert arm("GET", path).status_code == 404


def test_what_cannot_be_assigned(arm: Manager, owner: Owner, principal: str) -> None:
    good = assignment(owner, "Reader", principal)

    def refused(scope: str, body: Any, name: str = "") -> tuple[int, str]:
        answer = arm("PUT", f"{scope}/providers/{ASSIGNMENTS}/{name or uuid4()}", body)
        return answer.status_code, code_of(answer)

    client_id = owner.identity(f"c{uuid4().hex[:8]}")["clientId"]
    no_role = f"{owner.subscription}/providers/Microsoft.Authorization/roleDefinitions/{uuid4()}"
    assert refused(owner.group, good, "no-guid") == (400, "InvalidRoleAssignmentId")
    assert refused(owner.group, {}) == (400, "InvalidRequestContent")
    assert refused(owner.group, assignment(owner, "Reader", str(uuid4()))) == (400, "PrincipalNotFound")
    assert refused(owner.group, assignment(owner, "Reader", client_id)) == (400, "PrincipalNotFound")
    wrong_role = {"properties": {"roleDefinitionId": no_role, "principalId": principal}}
    assert refused(owner.group, wrong_role) == (400, "RoleDefinitionDoesNotExist")
    assert refused(f"{owner.subscription}/resourceGroups/none", good) == (404, "ResourceNotFound")
    assert refused(f"{owner.group}/providers/Microsoft.KeyVault/vaults/none", good) == (404, "ResourceNotFound")
    assert refused(f"{owner.group}/providers/Microsoft.KeyVault/vaults/none/secrets/x", good) == (
        404,
        "ResourceNotFound",
    )
    assert refused(f"/subscriptions/{uuid4()}", good) == (404, "ResourceNotFound")
    assert (
        arm("GET", f"{owner.group}/providers/{ASSIGNMENTS}?$filter=principalId eq '{principal}'").json()["value"] == []
    )


def test_an_assignment_over_the_tenant_counts_everywhere(
    arm: Manager, owner: Owner, somebody: Callable[..., Manager], new_group: str
) -> None:
    reader = somebody(("Reader", ""))
    assert reader("GET", new_group).status_code == 200
    held = arm("GET", f"{new_group}/providers/{ASSIGNMENTS}?$filter=principalId eq '{reader.principal_id}'").json()
    (one,) = held["value"]
    assert one["properties"]["scope"] == "/"
    # a role over the subscription reaches nothing above it
    good = assignment(owner, "Reader", reader.principal_id)
    beside = somebody(("Owner", owner.subscription))
    refused = beside("PUT", f"/providers/{ASSIGNMENTS}/{uuid4()}", good)
    assert (refused.status_code, code_of(refused)) == (403, "AuthorizationFailed")
    assert arm("DELETE", one["id"]).status_code == 200
    assert reader("GET", new_group).status_code == 403


def test_an_assignment_is_made_once_and_never_changed(arm: Manager, owner: Owner, principal: str) -> None:
    path = f"{owner.group}/providers/{ASSIGNMENTS}/{uuid4()}"
    arm("PUT", path, assignment(owner, "Reader", principal))
    changed = arm("PUT", path, assignment(owner, "Contributor", principal))
    assert (changed.status_code, code_of(changed)) == (409, "RoleAssignmentUpdateNotPermitted")
    double = arm("PUT", f"{owner.group}/providers/{ASSIGNMENTS}/{uuid4()}", assignment(owner, "Reader", principal))
    assert (double.status_code, code_of(double)) == (409, "RoleAssignmentExists")
    assert path.rsplit("/", 1)[1] in double.json()["error"]["message"]


def test_lists_by_scope_and_principal(arm: Manager, owner: Owner, principal: str, new_group: str) -> None:
    below = f"{new_group}/providers/Microsoft.KeyVault/vaults/v{uuid4().hex[:8]}"
    arm("PUT", below, {})
    ids = [owner.assign(principal, "Reader", scope) for scope in (owner.subscription, new_group, below)]
    sibling = new_group + "2"
    owner.arm("PUT", sibling, {"location": "local"})
    owner.assign(principal, "Reader", sibling)

    def listed(scope: str, condition: str = "") -> set[str]:
        given = f"?$filter={condition}" if condition else ""
        found = arm("GET", f"{scope}/providers/{ASSIGNMENTS}{given}").json()["value"]
        return {one["id"] for one in found if one["properties"]["principalId"] == principal}

    assert listed(new_group) == set(ids)
    assert listed(new_group, "atScope()") == set(ids[:2])
    assert listed(below, "atScope()") == set(ids)
    assert listed(new_group, f"atScope() and assignedTo('{principal}')") == set(ids[:2])
    assert listed(new_group, f"principalId eq '{uuid4()}'") == set()
    bad = arm("GET", f"{new_group}/providers/{ASSIGNMENTS}?$filter=createdBy eq 'x'")
    assert (bad.status_code, code_of(bad)) == (400, "InvalidFilter")


def test_definitions_have_their_real_form(arm: Manager, owner: Owner) -> None:
    path = f"{owner.group}/providers/Microsoft.Authorization/roleDefinitions"
    (found,) = arm("GET", f"{path}?$filter=roleName eq 'key vault secrets user'").json()["value"]
    assert arm("GET", f"{path}/{ROLES['Key Vault Secrets User']}").json() == found
    assert found["id"] == definition(owner, "Key Vault Secrets User")
    properties = found["properties"]
    assert (properties["roleName"], properties["type"]) == ("Key Vault Secrets User", "BuiltInRole")
    assert properties["assignableScopes"] == ["/"]
    assert set(properties["permissions"][0]) == {"actions", "notActions", "dataActions", "notDataActions"}
    assert len(arm("GET", path).json()["value"]) == 21
    assert arm("GET", f"{path}?$filter=roleName eq 'Emperor'").json()["value"] == []
    none = arm("GET", f"{path}/{uuid4()}")
    assert (none.status_code, code_of(none)) == (404, "RoleDefinitionDoesNotExist")


def test_removing_an_assignment_counts_at_the_next_request(
    server: RunningServer, arm: Manager, owner: Owner, somebody: Callable[..., Manager]
) -> None:
    who = somebody()
    for _ in range(3):
        assert who("GET", owner.group).status_code == 403
        one = owner.assign(who.principal_id, "Reader", owner.group)
        assert who("GET", owner.group).status_code == 200
        assert arm("DELETE", one).status_code == 200
    assert who("GET", owner.group).status_code == 403


def test_an_assignment_beside_or_below_helps_nobody(
    owner: Owner, somebody: Callable[..., Manager], arm: Manager
) -> None:
    base = f"{owner.subscription}/resourceGroups/rg-{uuid4().hex[:6]}"
    for name in (base, base + "2"):
        owner.arm("PUT", name, {"location": "local"})
    vault = f"{base}2/providers/Microsoft.KeyVault/vaults/v{uuid4().hex[:8]}"
    arm("PUT", vault, {})
    who = somebody(("Owner", base), ("Owner", vault))
    assert who("GET", base).status_code == 200
    assert who("GET", vault).status_code == 200
    assert who("GET", base + "2").status_code == 403
    assert who("GET", owner.subscription).status_code == 403
    assert who("GET", f"{base}2/resources").status_code == 403


def test_a_subscription_is_listed_for_whoever_has_a_role_in_it(
    owner: Owner, new_group: str, somebody: Callable[..., Manager]
) -> None:
    (listed,) = somebody(("Reader", new_group))("GET", "/subscriptions").json()["value"]
    assert listed["id"] == owner.subscription
    assert somebody()("GET", "/subscriptions").json() == {"value": []}


def test_an_assignment_at_one_secret_or_container_is_for_that_one(server: RunningServer, owner: Owner) -> None:
    vault, account, app = (f"{kind}{uuid4().hex[:8]}" for kind in ("v", "s", "a"))
    vault_id, account_id = owner.vault(vault), owner.account(account)
    principal_id = owner.app(app, system=True)["identity"]["principalId"]
    for name in ("one", "one2"):
        owner.secret(vault, name, "value")
        owner.container(account, name + "x")
        owner.blob(account, f"{name}x/b", b"data")
    owner.assign(principal_id, "Key Vault Secrets User", f"{vault_id}/secrets/one")
    owner.assign(principal_id, "Storage Blob Data Reader", f"{account_id}/blobServices/default/containers/onex")
    with HeldLease.open(server, app) as lease:
        vault_token, blob_token = lease.token(VAULT), lease.token(STORAGE)
    read = {
        name: owner.send("GET", f"{vault}.vault", f"/secrets/{name}?api-version=7.4", vault_token).status_code
        for name in ("one", "one2", "ONE", "none")
    }
    assert read == {"one": 200, "one2": 403, "ONE": 200, "none": 403}
    assert owner.send("GET", f"{vault}.vault", "/secrets?api-version=7.4", vault_token).status_code == 403
    blobs = {
        name: owner.send("GET", f"{account}.blob", f"/{name}/b", blob_token).status_code
        for name in ("onex", "one2x", "nonex")
    }
    assert blobs == {"onex": 200, "one2x": 403, "nonex": 403}


# why


def test_a_decision_is_explained(arm: Manager, owner: Owner, principal: str) -> None:
    vault = owner.vault(f"v{uuid4().hex[:8]}")

    def explain(*actions: dict[str, Any]) -> Any:
        body = {"Subject": {"Attributes": {"ObjectId": principal}}, "Actions": list(actions)}
        return arm("POST", f"{vault}/secrets/one/providers/Microsoft.Authorization/checkAccess", body).json()

    read = {"Id": "Microsoft.KeyVault/vaults/secrets/getSecret/action", "IsDataAction": True}
    (before,) = explain(read)
    assert (before["accessDecision"], before["roleAssignment"]) == ("NotAllowed", None)
    assert "Key Vault Secrets User" in before["remedy"]
    one = owner.assign(principal, "Key Vault Secrets User", vault)
    (after, control) = explain(read, read | {"IsDataAction": False})
    assert (after["accessDecision"], after["roleAssignment"]["id"]) == ("Allowed", one)
    assert "'Key Vault Secrets User' is assigned at" in after["reason"]
    assert control["accessDecision"] == "NotAllowed"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"Subject": {"Attributes": {"ObjectId": "x"}}, "Actions": []},
        {"Subject": {"Attributes": {"ObjectId": "x"}}, "Actions": [{"Id": "a"}] * 101},
        {"Subject": {"Attributes": {"ObjectId": 5}}, "Actions": [{"Id": "a"}]},
        {"Subject": [], "Actions": [{"Id": "a"}]},
        {"Subject": {"Attributes": {"ObjectId": "nobody"}}, "Actions": [{"Id": "a"}]},
        {"Subject": {"Attributes": {"ObjectId": "{owner}"}}, "Actions": ["a"]},
        {"Subject": {"Attributes": {"ObjectId": "{owner}"}}, "Actions": [{"Id": 5}]},
    ],
)
def test_a_question_that_makes_no_sense(arm: Manager, owner: Owner, body: dict[str, Any]) -> None:
    if body.get("Subject") and "{owner}" in str(body):
        body = body | {"Subject": {"Attributes": {"ObjectId": owner.server.instance.owner.principal_id}}}
    answer = arm("POST", f"{owner.group}/providers/Microsoft.Authorization/checkAccess", body)
    assert answer.status_code in {400, 404}
    assert code_of(answer)

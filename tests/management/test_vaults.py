"""What is particular to vaults as resources, over the real server."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.manager import VAULTS, Manager, code_of

RETENTION, PROTECTION = "softDeleteRetentionInDays", "enablePurgeProtection"


@pytest.fixture
def path(arm: Manager) -> str:
    """That of a vault that is not there yet."""
    return arm.path(VAULTS, f"n{uuid4().hex[:10]}")


def put(arm: Manager, path: str, **properties: object) -> Any:
    """Make or change a vault; its properties."""
    answer = arm("PUT", path, {"location": "local", "properties": properties})
    assert answer.is_success, answer.text
    return answer.json()["properties"]


def test_the_time_of_recovery_is_chosen_once(arm: Manager, path: str) -> None:
    for days in (6, 91, 0, -7, "30", 30.0, True):
        answer = arm("PUT", path, {"location": "local", "properties": {RETENTION: days}})
        assert (answer.status_code, code_of(answer)) == (400, "BadRequest"), days
    assert put(arm, path, **{RETENTION: 7})[RETENTION] == 7
    assert put(arm, path)[RETENTION] == 7
    assert arm("PATCH", path, {"properties": {RETENTION: 7}}).status_code == 200
    for method in ("PUT", "PATCH"):
        answer = arm(method, path, {"location": "local", "properties": {RETENTION: 90}})
        assert (answer.status_code, code_of(answer)) == (400, "BadRequest")
    assert arm("GET", path).json()["properties"][RETENTION] == 7


def test_purge_protection_is_not_taken_back(arm: Manager, path: str) -> None:
    shown = put(arm, path, **{PROTECTION: False})
    assert (shown[RETENTION], PROTECTION in shown, shown["enableSoftDelete"]) == (90, False, True)
    assert arm("PATCH", path, {"properties": {PROTECTION: True}}).json()["properties"][PROTECTION] is True
    assert put(arm, path)[PROTECTION] is True
    assert put(arm, path, **{PROTECTION: None})[PROTECTION] is True
    for refused in ({PROTECTION: False}, {PROTECTION: "true"}, {"enableSoftDelete": False}):
        answer = arm("PATCH", path, {"properties": refused})
        assert answer.status_code == 400, refused
    assert arm("GET", path).json()["properties"][PROTECTION] is True


# access policies

ROLES_DECIDE = "enableRbacAuthorization"
FULL: dict[str, list[str]] = {"keys": [], "certificates": [], "storage": []}


def policy(arm: Manager, who: str, *secrets: str) -> dict[str, Any]:
    tenant = arm.owner.server.instance.tenant
    return {"tenantId": tenant, "objectId": who, "permissions": {"secrets": [*secrets]}}


def shown(arm: Manager, who: str, *secrets: str) -> dict[str, Any]:
    return policy(arm, who) | {"permissions": {**FULL, "secrets": [*secrets]}}


def change(arm: Manager, path: str, how: str, *policies: Any) -> Any:
    answer = arm("PUT", f"{path}/accessPolicies/{how}", {"properties": {"accessPolicies": [*policies]}})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["id"], answer.json()["type"]) == (f"{path}/accessPolicies/", f"{VAULTS}/accessPolicies")
    assert arm("GET", path).json()["properties"]["accessPolicies"] == answer.json()["properties"]["accessPolicies"]
    return answer.json()["properties"]["accessPolicies"]


def test_policies_are_written_with_the_vault_and_stay(arm: Manager, path: str) -> None:
    one, two = str(uuid4()), str(uuid4())
    made = put(arm, path, **{ROLES_DECIDE: False, "accessPolicies": [policy(arm, one, "Get", "list")]})
    assert (made[ROLES_DECIDE], made["accessPolicies"]) == (False, [shown(arm, one, "get", "list")])
    assert put(arm, path) == made
    assert arm("PATCH", path, {"tags": {"a": "b"}}).json()["properties"] == made
    assert put(arm, path, accessPolicies=[policy(arm, two, "all")])["accessPolicies"] == [shown(arm, two, "all")]
    assert put(arm, path, accessPolicies=[])["accessPolicies"] == []


def test_policies_are_added_replaced_and_removed(arm: Manager, path: str) -> None:
    put(arm, path, **{ROLES_DECIDE: False})
    one, two = str(uuid4()), str(uuid4())
    assert change(arm, path, "add", policy(arm, one, "get")) == [shown(arm, one, "get")]
    assert change(arm, path, "add", policy(arm, one, "list"), policy(arm, two, "all")) == [
        shown(arm, one, "get", "list"),
        shown(arm, two, "all"),
    ]
    assert change(arm, path, "Replace", policy(arm, one, "set")) == [shown(arm, one, "set"), shown(arm, two, "all")]
    assert change(arm, path, "remove", policy(arm, two, "all")) == [shown(arm, one, "set")]
    wrongs: list[Any] = [{}, {"properties": {}}, {"properties": {"accessPolicies": [policy(arm, "shop", "get")]}}]
    for wrong in wrongs:
        answer = arm("PUT", f"{path}/accessPolicies/add", wrong)
        assert answer.status_code == 400, wrong
    assert arm("PUT", f"{path}/accessPolicies/other", {}).status_code == 404
    assert arm("GET", path).json()["properties"]["accessPolicies"] == [shown(arm, one, "set")]


def test_changes_at_the_same_moment_all_count(arm: Manager, path: str) -> None:
    put(arm, path, **{ROLES_DECIDE: False})
    many = [str(uuid4()) for _ in range(12)]
    with ThreadPoolExecutor(4) as pool:
        bodies = [{"properties": {"accessPolicies": [policy(arm, who, "get")]}} for who in many]
        answers = list(pool.map(lambda body: arm("PUT", f"{path}/accessPolicies/add", body), bodies))
    assert {answer.status_code for answer in answers} == {200}
    held = {one["objectId"] for one in arm("GET", path).json()["properties"]["accessPolicies"]}
    assert held == set(many)


def test_who_decides_is_changed_by_those_only_who_may_assign_roles(
    arm: Manager, path: str, somebody: Callable[..., Manager]
) -> None:
    put(arm, path)
    contributor = somebody(("Contributor", arm.group))
    mine = [policy(arm, contributor.principal_id, "all")]
    assert contributor("PATCH", path, {"properties": {"accessPolicies": mine}}).status_code == 200
    for to in (False, True):
        for method in ("PUT", "PATCH"):
            refused = contributor(method, path, {"location": "local", "properties": {ROLES_DECIDE: to}})
            assert (refused.status_code, code_of(refused)) == (403, "AuthorizationFailed"), (method, to)
            assert arm("GET", path).json()["properties"][ROLES_DECIDE] is not to
        assert put(arm, path, **{ROLES_DECIDE: to})[ROLES_DECIDE] is to
        assert contributor("PATCH", path, {"properties": {ROLES_DECIDE: to}}).status_code == 200


def test_policies_are_changed_by_those_who_may_write_the_vault(
    arm: Manager, path: str, somebody: Callable[..., Manager]
) -> None:
    put(arm, path, **{ROLES_DECIDE: False})
    body = {"properties": {"accessPolicies": [policy(arm, str(uuid4()), "get")]}}
    for how in ("add", "replace", "remove"):
        for role, status in (("Reader", 403), ("Key Vault Administrator", 403), ("Contributor", 200)):
            who = somebody((role, path))
            assert who("PUT", f"{path}/accessPolicies/{how}", body).status_code == status, (role, how)

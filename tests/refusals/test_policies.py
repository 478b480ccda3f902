"""Access policies as an attacker meets them: a valid token alone opens nothing, and nothing else does either.

Every refusal here stands beside the request that the same identity, by the same policy, is allowed.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness import VAULT
from tests.refusals.surfaces import API, Request, vault_operations
from tests.refusals.world import Workload, World, unique

#: Which permission each operation needs; the service names one for each.
NEEDS = {
    "set": "set",
    "get": "get",
    "get latest": "get",
    "update": "set",
    "list versions": "list",
    "list": "list",
    "list deleted": "list",
    "backup": "backup",
    "restore": "restore",
    "delete": "delete",
    "get deleted": "get",
    "recover": "recover",
    "delete again": "delete",
    "purge": "purge",
}
WORDS = sorted(set(NEEDS.values()))


class Policed:
    """A vault under access policies, and its owner's hand on them."""

    def __init__(self, world: World) -> None:
        self.world, self.name = world, unique("kv")
        self.id = f"{world.owner.group}/providers/Microsoft.KeyVault/vaults/{self.name}"
        self.at = world.surfaces["vault"].at_name(f"{self.name}.vault")
        self.make()

    def make(self) -> None:
        body = {"location": "local", "properties": {"enableRbacAuthorization": False}}
        self.world.owner.arm("PUT", self.id, body)

    def change(self, how: str, who: Workload, *secrets: str) -> None:
        item = {
            "tenantId": self.world.tenant,
            "objectId": who.principal_id,
            "permissions": {"secrets": [*secrets]},
        }
        self.world.owner.arm("PUT", f"{self.id}/accessPolicies/{how}", {"properties": {"accessPolicies": [item]}})

    def ask(self, request: Request, who: Workload) -> tuple[int, str]:
        """Status and inner code."""
        answer = self.world.ask("vault", request, who.bearer("vault"), self.at)
        if answer.is_success:
            return answer.status_code, ""
        assert self.world.surfaces["vault"].check(self.at, request, answer, self.world.tenant)[0] == answer.status_code
        return answer.status_code, answer.json()["error"].get("innererror", {}).get("code", "")


@pytest.fixture
def policed(world: World) -> Policed:
    return Policed(world)


REFUSED = (403, "ForbiddenByPolicy")
GET = Request("get", "GET", f"/secrets/s{API}", 200)
SET = Request("set", "PUT", f"/secrets/s{API}", 200, json={"value": "v"})


def test_the_table_names_every_operation() -> None:
    assert [request.name for request in vault_operations("s")] == list(NEEDS)


def test_a_valid_token_without_a_policy_is_rejected(world: World, policed: Policed) -> None:
    """Whatever roles there are: even of the one who may do everything, and of the owner who made the vault."""
    with world.nothing_changes():
        for request in vault_operations("s"):
            for who in (world.powerless, world.mighty):
                assert policed.ask(request, who) == REFUSED, request.name
        token = world.owner.token(VAULT)
        assert world.ask("vault", GET, f"Bearer {token}", policed.at).status_code == 403


@pytest.mark.parametrize("word", WORDS)
def test_a_permission_is_good_for_its_operations_only(world: World, policed: Policed, word: str) -> None:
    officer, who = world.workload(unique("id")), world.workload(unique("id"))
    policed.change("add", officer, *WORDS)
    policed.change("add", who, word)
    for request in vault_operations("s"):
        if NEEDS[request.name] != word:
            with world.nothing_changes():
                assert policed.ask(request, who) == REFUSED, request.name
        one = who if NEEDS[request.name] == word else officer
        assert policed.ask(request, one)[0] == request.done, request.name


def test_all_opens_everything_but_purge(world: World, policed: Policed) -> None:
    who = world.workload(unique("id"))
    policed.change("add", who, "all")
    for request in vault_operations("s"):
        if request.name == "purge":
            assert policed.ask(request, who) == REFUSED
            policed.change("add", who, "purge")
        assert policed.ask(request, who)[0] == request.done, request.name


def test_a_policy_counts_from_the_next_request_to_the_last(world: World, policed: Policed) -> None:
    who = world.workload(unique("id"))
    for _ in range(2):
        assert policed.ask(SET, who) == REFUSED
        policed.change("add", who, "set", "get")
        assert [policed.ask(SET, who)[0], policed.ask(GET, who)[0]] == [200, 200]
        policed.change("replace", who, "get")
        assert [policed.ask(SET, who), policed.ask(GET, who)[0]] == [REFUSED, 200]
        policed.change("remove", who, "get")
        assert policed.ask(GET, who) == REFUSED


def test_a_policy_is_of_one_vault_and_one_principal(world: World, policed: Policed) -> None:
    who, other, elsewhere = world.workload(unique("id")), world.workload(unique("id")), Policed(world)
    policed.change("add", who, *WORDS)
    assert policed.ask(SET, who)[0] == 200
    with world.nothing_changes():
        assert policed.ask(SET, other) == REFUSED
        assert elsewhere.ask(SET, who) == REFUSED
        world.refuse("vault", world.surfaces["vault"].read, who.bearer("vault"), 403)


def test_an_identity_made_again_has_no_policy(world: World, policed: Policed) -> None:
    name = unique("id")
    who = world.workload(name)
    policed.change("add", who, *WORDS)
    assert policed.ask(SET, who)[0] == 200
    world.owner.arm("DELETE", who.id)
    assert policed.ask(GET, world.workload(name)) == REFUSED
    assert policed.ask(GET, who)[0] == 401


def test_when_who_decides_is_changed_the_other_rights_count_at_once(world: World, policed: Policed) -> None:
    by_policy, by_role = world.workload(unique("id")), world.workload(unique("id"))
    policed.change("add", by_policy, "set")
    world.grant(by_role, "Key Vault Secrets Officer", policed.id)
    for roles in (False, True, False):
        world.owner.arm("PATCH", policed.id, {"properties": {"enableRbacAuthorization": roles}})
        good, bad = (by_role, by_policy) if roles else (by_policy, by_role)
        assert policed.ask(SET, good)[0] == 200
        with world.nothing_changes():
            assert policed.ask(SET, bad) == (403, "ForbiddenByRbac" if roles else "ForbiddenByPolicy")


def test_nobody_gives_himself_a_policy(world: World, policed: Policed) -> None:
    """Writing policies takes leave to write the vault: to read or use it is not enough."""
    who = world.workload(unique("id"))
    policed.change("add", who, *WORDS)
    for role in ("Reader", "Key Vault Administrator", "Key Vault Secrets Officer"):
        world.grant(who, role, policed.id)
    item = {"tenantId": world.tenant, "objectId": who.principal_id, "permissions": {"secrets": ["all"]}}
    body: dict[str, Any] = {"properties": {"accessPolicies": [item], "enableRbacAuthorization": True}}
    with world.nothing_changes():
        for method, path in (
            ("PUT", f"{policed.id}/accessPolicies/add"),
            ("PUT", f"{policed.id}/accessPolicies/replace"),
            ("PUT", f"{policed.id}/accessPolicies/remove"),
            ("PATCH", policed.id),
            ("PUT", policed.id),
        ):
            request = Request("policy", method, f"{path}?api-version=2023-07-01", 200, json={"location": "l", **body})
            world.refuse("management", request, who.bearer("management"), 403)


def test_a_refusal_does_not_tell_whether_a_secret_exists(world: World, policed: Policed) -> None:
    officer = world.workload(unique("id"))
    policed.change("add", officer, *WORDS)
    assert policed.ask(SET, officer)[0] == 200
    told = set()
    for name in ("s", "missing"):
        request = Request("get", "GET", f"/secrets/{name}{API}", 200)
        answer = world.ask("vault", request, world.powerless.bearer("vault"), policed.at)
        told.add((answer.status_code, answer.text, tuple(sorted(answer.headers))))
    assert len(told) == 1, told


def test_why_says_the_same_as_the_vault(world: World, policed: Policed) -> None:
    who = world.workload(unique("id"))
    action = {"Id": "Microsoft.KeyVault/vaults/secrets/getSecret/action", "IsDataAction": True}
    body = {"Subject": {"Attributes": {"ObjectId": who.principal_id}}, "Actions": [action]}
    path = f"{policed.id}/secrets/s/providers/Microsoft.Authorization/checkAccess"
    world.grant(who, "Key Vault Administrator", policed.id)
    (told,) = world.owner.arm("POST", path, body)
    assert (told["accessDecision"], told["roleAssignment"]) == ("NotAllowed", None)
    assert told["remedy"] == "Add the secret permission 'get' to its access policy."
    policed.change("add", who, "get")
    (told,) = world.owner.arm("POST", path, body)
    assert (told["accessDecision"], told["roleAssignment"]) == ("Allowed", None)
    assert "includes the secret permission 'get'" in told["reason"]

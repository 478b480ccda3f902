"""Access policies: what a request may say, how sets of them combine, and what follows from them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.model.access import Denied, Permission, PolicyGrant, Requirement
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.resource import Resource
from keyless.model.resource_id import parse_resource_id
from keyless.providers.key_vault.access_policies import (
    MAX_POLICIES,
    AccessPolicies,
    combine,
    parse_policies,
)

TENANT = "5a1f0d3c-0000-4000-8000-00000000beef"
WORDS = ("get", "list", "set", "delete", "recover", "backup", "restore", "purge")
ALL_BUT_PURGE = set(WORDS) - {"purge"}
ACTIONS = {
    "get": "getSecret/action",
    "list": "readMetadata/action",
    "set": "setSecret/action",
    "delete": "delete",
    "recover": "recover/action",
    "backup": "backup/action",
    "restore": "restore/action",
    "purge": "purge/action",
}
SHOP = parse_resource_id("/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/Shop")
KINDS = ("keys", "secrets", "certificates", "storage")


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def policy(who: int, *secrets: str, **more: Any) -> dict[str, Any]:
    """As a client writes it."""
    return {"tenantId": TENANT, "objectId": guid(who), "permissions": {"secrets": [*secrets]}} | more


def vault(*policies: Any, roles: bool = False) -> Resource:
    return Resource(SHOP, {"enableRbacAuthorization": roles, "accessPolicies": parse_policies([*policies], TENANT)})


def rule(shop: Resource, who: int, action: str, scope: str = str(SHOP), *, data: bool = True) -> Any:
    rules = AccessPolicies(lambda name: shop if name.lower() == "shop" else None)
    return rules.rule((guid(who),), Requirement(parse_resource_id(scope), (Permission(action, data),)))


def allowed(shop: Resource, who: int) -> set[str]:
    """The permissions that a principal turns out to have."""
    found = {word: rule(shop, who, f"Microsoft.KeyVault/vaults/secrets/{ACTIONS[word]}") for word in WORDS}
    assert all(isinstance(decision, PolicyGrant | Denied) for decision in found.values())
    return {word for word, decision in found.items() if isinstance(decision, PolicyGrant)}


def test_a_policy_for_a_group_counts_for_its_members() -> None:
    shop = vault(policy(1, "list"), policy(7, "get"))
    rules = AccessPolicies(lambda _name: shop)
    read = Permission("Microsoft.KeyVault/vaults/secrets/getSecret/action", data=True)
    found = rules.rule((guid(1), guid(7)), Requirement(SHOP, (read,)))
    assert isinstance(found, PolicyGrant)
    assert guid(7) in found.why
    assert found.id.endswith(guid(7))
    assert isinstance(rules.rule((guid(1),), Requirement(SHOP, (read,))), Denied)


def test_a_policy_gets_one_form() -> None:
    given_ = policy(1, "Get", "LIST", "get", applicationId=None) | {
        "objectId": guid(1).upper(),
        "tenantId": TENANT.upper(),
    }
    assert parse_policies([given_], TENANT) == [
        {
            "tenantId": TENANT,
            "objectId": guid(1),
            "permissions": {"keys": [], "secrets": ["get", "list"], "certificates": [], "storage": []},
        }
    ]
    # what is granted for things that are not here is kept, because clients compare it
    keys = policy(1, permissions={"keys": ["wrapKey", "unwrapKey"], "secrets": None})
    assert parse_policies([keys], TENANT)[0]["permissions"] == {
        "keys": ["wrapkey", "unwrapkey"],
        "secrets": [],
        "certificates": [],
        "storage": [],
    }


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        "x",
        [None],
        ["x"],
        [{}],
        [policy(1, "get", objectId="shop")],
        [policy(1, "get", objectId=None)],
        [policy(1, "get", applicationId="x")],
        [policy(1, "get", tenantId=guid(9))],
        [policy(1, "getSecret")],
        [policy(1, "get ")],
        [policy(1, permissions=["get"])],
        [policy(1, permissions={"secrets": "get"})],
        [policy(1, permissions={"secrets": [1]})],
        [policy(1, permissions={"keys": ["/"]})],
        [policy(1, permissions={"keys": ["a" * 33]})],
        [policy(1, permissions={"keys": [f"a{chr(97 + i)}{chr(97 + j)}" for i in range(6) for j in range(6)]})],
        [policy(who, "get") for who in range(MAX_POLICIES + 1)],
    ],
)
def test_what_is_no_access_policy(value: Any) -> None:
    with pytest.raises(KeylessError) as caught:
        parse_policies(value, TENANT)
    assert caught.value.kind is ErrorKind.INVALID


def test_as_many_as_the_service_allows() -> None:
    full = parse_policies([policy(who, "get") for who in range(MAX_POLICIES)], TENANT)
    assert len(combine("add", full, parse_policies([policy(5, "list")], TENANT))) == MAX_POLICIES
    with pytest.raises(KeylessError):
        combine("add", full, parse_policies([policy(MAX_POLICIES, "get")], TENANT))


SETS = st.dictionaries(st.integers(1, 4), st.sets(st.sampled_from(WORDS)), max_size=4)


@given(SETS, st.sampled_from(["add", "replace", "remove"]), SETS)
def test_changes_are_those_of_sets(held: dict[int, set[str]], how: str, change: dict[int, set[str]]) -> None:
    def written(sets: dict[int, set[str]]) -> Any:
        return parse_policies([policy(who, *sorted(words)) for who, words in sets.items()], TENANT)

    expected = {who: set(words) for who, words in held.items()}
    for who, words in change.items():
        before = expected.get(who, set())
        expected[who] = {"add": before | words, "replace": words, "remove": before - words}[how]
    changed = combine(how, written(held), written(change))
    shown: Any = {p["objectId"]: set(p["permissions"]["secrets"]) for p in changed}  # type: ignore[index]
    assert shown == {guid(who): words for who, words in expected.items() if words}


def test_changes_leave_other_kinds_and_applications_alone() -> None:
    held = parse_policies(
        [policy(1, permissions={"secrets": ["get"], "keys": ["sign"]}), policy(1, "list", applicationId=guid(7))],
        TENANT,
    )
    left = combine("remove", held, parse_policies([policy(1, "get", "list")], TENANT))
    assert [p["permissions"] for p in left] == [
        {"keys": ["sign"], "secrets": [], "certificates": [], "storage": []},
        {"keys": [], "secrets": ["list"], "certificates": [], "storage": []},
    ]


@pytest.mark.parametrize(
    ("held", "removed", "left"),
    [
        (["all"], ["get"], ALL_BUT_PURGE - {"get"}),
        (["all", "purge"], ["all"], {"purge"}),
        (["all"], ["purge"], ALL_BUT_PURGE),
        (["get", "purge"], ["all"], {"purge"}),
        (["all"], ["all"], set()),
        (["all", "get"], ["get", "purge"], ALL_BUT_PURGE - {"get"}),
    ],
)
def test_all_is_made_of_its_parts(held: list[str], removed: list[str], left: set[str]) -> None:
    changed = combine(
        "remove", parse_policies([policy(1, *held)], TENANT), parse_policies([policy(1, *removed)], TENANT)
    )
    assert allowed(Resource(SHOP, {"enableRbacAuthorization": False, "accessPolicies": changed}), 1) == left


@given(st.sets(st.sampled_from(WORDS)))
def test_a_principal_has_what_its_policy_says(words: set[str]) -> None:
    shop = vault(policy(1, *words), policy(2, *(set(WORDS) - words)))
    assert allowed(shop, 1) == words
    assert allowed(shop, 3) == set()


def test_all_is_everything_but_purge() -> None:
    assert allowed(vault(policy(1, "all")), 1) == ALL_BUT_PURGE
    assert allowed(vault(policy(1, "ALL", "purge")), 1) == set(WORDS)


def test_what_is_granted_through_an_application_is_not_the_principals_own() -> None:
    assert allowed(vault(policy(1, "all", applicationId=guid(2))), 1) == set()


GET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"


@pytest.mark.parametrize(
    ("scope", "decided"),
    [
        (str(SHOP), True),
        (f"{SHOP}/secrets/db", True),
        (f"{SHOP}/secrets/db".upper().replace("/SUBSCRIPTIONS", "/subscriptions"), True),
        (f"{SHOP}2", False),
        (str(SHOP.parent), False),
        (str(SHOP).replace("/g/", "/g2/"), False),  # a vault of this name in another group is another vault
        ("/subscriptions/s", False),
        ("/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/Shop", False),
    ],
)
def test_it_decides_at_the_vault_and_below(scope: str, decided: bool) -> None:
    shop = vault(policy(1, "get"))
    assert isinstance(rule(shop, 1, GET, scope), PolicyGrant) is decided
    assert isinstance(rule(shop, 2, GET, scope), Denied) is decided


def test_roles_decide_about_the_vault_itself_and_where_they_are_meant_to() -> None:
    assert rule(vault(policy(1, "all")), 1, "Microsoft.KeyVault/vaults/write", data=False) is None
    assert rule(vault(policy(1, "all"), roles=True), 1, GET) is None
    assert rule(Resource(SHOP), 1, GET) is None


@pytest.mark.parametrize(
    ("words", "why"), [((), "there is none for it"), (("set", "list"), "the one for it has list, set only")]
)
def test_a_refusal_says_what_is_held_and_what_would_do(words: tuple[str, ...], why: str) -> None:
    refused = rule(vault(policy(1, *words)), 1, GET)
    assert (why in refused.why, refused.remedy) == (True, "Add the secret permission 'get' to its access policy.")
    assert refused.code == "ForbiddenByPolicy"
    other = rule(vault(policy(1, *words)), 1, "Microsoft.KeyVault/vaults/keys/read")
    assert isinstance(other, Denied)
    assert other.remedy == "No access policy includes it."

"""Rules and processes: which match, which app they select, and which rules are none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.resource import Resource
from keyless.model.resource_id import ResourceId
from keyless.workload.attestation_rules import Evidence, read_rule, select_app

SITES = ResourceId(("subscriptions", "s", "resourceGroups", "g", "providers", "Microsoft.Web", "sites"))
PROCESS = Evidence(1001, frozenset({1001, 27}), 4711, "/system.slice/shop.service")


def rule(app: str, name: str = "default", **properties: Any) -> Resource:
    return Resource(SITES.child(app, "attestationRules", name), properties)


@pytest.mark.parametrize(
    ("properties", "matches"),
    [
        ({"uids": [1001]}, True),
        ({"uids": [7, 1001]}, True),
        ({"uids": [7]}, False),
        ({"gids": [27]}, True),
        ({"gids": [28]}, False),
        ({"controlGroups": ["/system.slice/shop.service"]}, True),
        ({"controlGroups": ["/system.slice/*.service"]}, True),
        ({"controlGroups": ["/*/shop.service"]}, True),
        ({"controlGroups": ["/*"]}, False),
        ({"controlGroups": ["/system.slice"]}, False),
        ({"controlGroups": ["/system.slice/shop.service/*"]}, False),
        ({"controlGroups": ["/System.slice/shop.service"]}, False),
        ({"uids": [1001], "gids": [27], "controlGroups": ["/system.slice/shop.service"]}, True),
        ({"uids": [7], "gids": [27], "controlGroups": ["/system.slice/shop.service"]}, False),
        ({"uids": [1001], "gids": [28], "controlGroups": ["/system.slice/shop.service"]}, False),
        ({"uids": [1001], "gids": [27], "controlGroups": ["/system.slice/web.service"]}, False),
    ],
)
def test_all_kinds_that_are_given_must_match(properties: Mapping[str, Any], matches: bool) -> None:
    assert read_rule(properties).matches(PROCESS) is matches


def test_a_user_cannot_name_a_group_below_its_own_so_that_it_matches() -> None:
    own = Evidence(1001, frozenset(), 1, "/user.slice/user-1001.slice/system.slice/shop.service")
    for pattern in ("/system.slice/shop.service", "/*/shop.service", "/system.slice/*"):
        assert not read_rule({"controlGroups": [pattern]}).matches(own), pattern


def test_an_unknown_control_group_matches_no_pattern() -> None:
    for cgroup in ("", "/", "/../../shop.service"):
        process = Evidence(1001, frozenset(), 1, cgroup)
        assert not read_rule({"controlGroups": ["/*", "/*/*", "/shop.service"]}).matches(process), cgroup


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"uids": []},
        {"uids": [-1]},
        {"uids": [2**32 - 1]},
        {"uids": [True]},
        {"uids": ["1001"]},
        {"uids": 1001},
        {"gids": list(range(33))},
        {"controlGroups": ["system.slice/x"]},
        {"controlGroups": ["/"]},
        {"controlGroups": ["/a//b"]},
        {"controlGroups": ["/a/../b"]},
        {"controlGroups": ["/a/"]},
        {"controlGroups": ["/a\nb"]},
        {"controlGroups": ["/" + "a" * 1024]},
        {"controlGroups": [7]},
    ],
)
def test_what_is_no_rule(properties: Mapping[str, Any]) -> None:
    with pytest.raises(KeylessError) as refused:
        read_rule(properties)
    assert (refused.value.kind, refused.value.code) == (ErrorKind.INVALID, "InvalidRule")


def test_the_rules_of_one_app_select_it() -> None:
    rules = [rule("web", uids=[7]), rule("shop", uids=[1001]), rule("shop", "second", gids=[27])]
    assert select_app(rules, PROCESS) == SITES.child("shop")


def test_no_rule_no_app() -> None:
    for rules in ([], [rule("web", uids=[7])]):
        with pytest.raises(KeylessError) as refused:
            select_app(rules, PROCESS)
        assert (refused.value.kind, refused.value.code) == (ErrorKind.FORBIDDEN, "NoRuleMatches")
        assert "--allow-uid 1001" in refused.value.message


def test_the_rules_of_two_apps_select_none() -> None:
    with pytest.raises(KeylessError) as refused:
        select_app([rule("web", gids=[27]), rule("shop", uids=[1001])], PROCESS)
    assert refused.value.code == "SeveralAppsMatch"
    assert "(shop, web)" in refused.value.message


NAMES = st.text(st.characters(blacklist_characters="/*?[]\0", blacklist_categories=("C", "Z")), min_size=1, max_size=12)


@given(st.lists(NAMES.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=6), st.data())
def test_a_pattern_covers_its_own_depth_only(parts: list[str], data: st.DataObject) -> None:
    path = "/" + "/".join(parts)
    starred = data.draw(st.lists(st.booleans(), min_size=len(parts), max_size=len(parts)))
    pattern = "/" + "/".join("*" if star else part for part, star in zip(parts, starred, strict=True))
    read = read_rule({"controlGroups": [pattern]})

    def matches(cgroup: str) -> bool:
        return read.matches(Evidence(0, frozenset(), 1, cgroup))

    assert matches(path)
    assert not matches(f"{path}/more")
    assert not matches(f"/more{path}")

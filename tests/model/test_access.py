"""The one decision, against a model of it that knows no regular expressions, and what it may never do."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.model.access import Allowed, Assignment, Denied, Permission, PolicyGrant, Requirement, Role, decide
from keyless.model.resource_id import ROOT, ResourceId, parse_resource_id

WORDS = ["Read", "write", "delete", "a", "list"]
ACTIONS = [
    "ns/vaults/read",
    "ns/vaults/secrets/Read",
    "NS/vaults/write",
    "ns/vaults/secrets/get/action",
    "other/x/read",
]
PATTERNS = [*ACTIONS, "*", "*/read", "ns/*", "ns/vaults/*", "ns/vaults/*/read", "ns/*/action", "*/x/*", "ns/va*/write"]
permissions = st.builds(Permission, st.sampled_from(ACTIONS), st.booleans())
patterns = st.lists(st.sampled_from(PATTERNS), max_size=3).map(tuple)
SEGMENTS = ["rg-app", "rg-app2", "RG-APP", "x"]


@st.composite
def scopes(draw: st.DrawFn) -> ResourceId:
    depth = draw(st.integers(0, 4))
    return ResourceId(("subscriptions", *(draw(st.sampled_from(SEGMENTS)) for _ in range(depth))))


roles = st.lists(
    st.builds(
        Role,
        guid=st.sampled_from(["r1", "r2", "r3"]),
        name=st.sampled_from(["One", "Two"]),
        actions=patterns,
        not_actions=patterns,
        data_actions=patterns,
        not_data_actions=patterns,
    ),
    max_size=3,
).map(lambda found: {role.guid: role for role in found})
assignments = st.lists(
    st.builds(
        Assignment,
        id=st.integers(1, 99).map(str),
        principal_id=st.just("p"),
        role=st.sampled_from(["r1", "r2", "r3", "gone"]),
        scope=scopes().map(str),
    ),
    max_size=5,
)
requirements = st.lists(
    st.builds(Requirement, scopes(), st.lists(permissions, min_size=1, max_size=2).map(tuple)), max_size=3
)


def matches(action: str, pattern: str) -> bool:
    """`*` is any text; `/*/` may also be a single slash."""
    action, pattern = action.lower(), pattern.lower()
    return fnmatchcase(action, pattern) or ("/*/" in pattern and fnmatchcase(action, pattern.replace("/*/", "/")))


def model(wanted: list[Requirement], held: Iterable[Assignment], known: dict[str, Role]) -> bool:
    """The rule, written down a second time and differently."""

    def holds(role: Role, permission: Permission) -> bool:
        yes, no = (role.data_actions, role.not_data_actions) if permission.data else (role.actions, role.not_actions)
        return any(matches(permission.action, p) for p in yes) and not any(matches(permission.action, p) for p in no)

    def above(scope: str, target: ResourceId) -> bool:
        upper = [part for part in scope.lower().split("/") if part]
        return [part.lower() for part in target.segments][: len(upper)] == upper

    return bool(wanted) and all(
        any(
            above(a.scope, r.scope) and a.role in known and any(holds(known[a.role], p) for p in r.any_of) for a in held
        )
        for r in wanted
    )


@given(requirements, assignments, roles)
def test_it_decides_as_the_rule_says(wanted: list[Requirement], held: list[Assignment], known: dict[str, Role]) -> None:
    decision = decide(wanted, held, known)
    assert isinstance(decision, Allowed) == model(wanted, held, known)
    if isinstance(decision, Allowed):
        assert len(decision.by) == len(wanted)
        for one, need in zip(decision.by, wanted, strict=True):
            assert one in held
            assert parse_resource_id(one.scope).contains(need.scope)
    else:
        assert decision.why


@given(requirements, assignments, assignments, roles)
def test_what_is_assigned_elsewhere_never_allows(
    wanted: list[Requirement], held: list[Assignment], more: list[Assignment], known: dict[str, Role]
) -> None:
    unrelated = [a for a in more if not any(parse_resource_id(a.scope).contains(r.scope) for r in wanted)]
    before = isinstance(decide(wanted, held, known), Allowed)
    assert isinstance(decide(wanted, [*held, *unrelated], known), Allowed) == before
    assert not isinstance(decide(wanted, unrelated, known), Allowed)


@given(requirements, assignments, assignments, roles)
def test_more_assignments_never_take_away(
    wanted: list[Requirement], held: list[Assignment], more: list[Assignment], known: dict[str, Role]
) -> None:
    if isinstance(decide(wanted, held, known), Allowed):
        assert isinstance(decide(wanted, [*more, *held], known), Allowed)


@given(requirements, st.lists(assignments.map(tuple), max_size=3), roles, st.randoms(use_true_random=False))
def test_a_rule_of_the_resources_own_goes_before_all_assignments(
    wanted: list[Requirement], held: list[tuple[Assignment, ...]], known: dict[str, Role], chance: random.Random
) -> None:
    theirs = [one for some in held for one in some]
    grant, denial = PolicyGrant("policy", "It says so."), Denied(Requirement(ROOT, ()), "It does not.", "", "Code")
    said = {id(need): chance.choice([grant, denial, None]) for need in wanted}
    decision = decide(wanted, theirs, known, lambda need: said[id(need)])
    each = [said[id(need)] or decide([need], theirs, known) for need in wanted]
    if all(isinstance(one, Allowed | PolicyGrant) for one in each) and each:
        assert isinstance(decision, Allowed)
        assert [one is grant for one in decision.by] == [said[id(need)] is grant for need in wanted]
    else:
        assert isinstance(decision, Denied)
        first = next((one for one in each if isinstance(one, Denied)), None)
        assert first in {None, decision}


def test_no_requirement_is_denied() -> None:
    everything = Role("all", "All", actions=("*",), data_actions=("*",))
    assert isinstance(decide([], [Assignment("1", "p", "all", "/")], {"all": everything}), Denied)
    nothing_fits = Requirement(ROOT, ())
    assert isinstance(decide([nothing_fits], [Assignment("1", "p", "all", "/")], {"all": everything}), Denied)


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("*", "anything/at/all", True),
        ("*/read", "Microsoft.KeyVault/vaults/read", True),
        ("*/read", "Microsoft.KeyVault/vaults/readMetadata/action", False),
        ("*/read", "read", False),
        ("Microsoft.KeyVault/vaults/*", "microsoft.keyvault/VAULTS/secrets/read", True),
        ("Microsoft.KeyVault/vaults/*", "Microsoft.KeyVault/vaults", False),
        ("Microsoft.KeyVault/vaults/secrets/*", "Microsoft.KeyVault/vaults/secretsX/read", False),
        ("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/read", True),
        ("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/secrets/keys/read", True),
        ("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaultsread", False),
        ("a/*/assign/action", "a/assign/action", True),
        ("a/*/assign/action", "a/b/assign/action", True),
        ("a/*/assign/action", "ab/assign/action", False),
        ("a.b/read", "axb/read", False),
        ("a(/read", "a(/read", True),
        ("", "", True),
        ("a/read", "a/read\n", False),
        ("a/read", "xa/read", False),
        ("a/read", "a/reader", False),
    ],
)
def test_patterns(pattern: str, action: str, expected: bool) -> None:
    assert Role("g", "n", actions=(pattern,)).grants(Permission(action)) is expected
    assert not Role("g", "n", actions=(pattern,)).grants(Permission(action, data=True))
    assert Role("g", "n", data_actions=(pattern,)).grants(Permission(action, data=True)) is expected
    assert not Role("g", "n", actions=("*",), not_actions=(pattern,)).grants(Permission(action)) or not expected


@given(st.text(st.sampled_from("ab/*.(+"), max_size=12), st.text(st.sampled_from("ab/.(+"), max_size=12))
def test_a_pattern_is_no_regular_expression(pattern: str, action: str) -> None:
    """Against a matcher that expands nothing: each `*` is any text, each `/*/` may be one slash."""
    pieces = re.split(r"(/\*/|\*)", pattern)
    expected = _match(pieces, action)
    assert Role("g", "n", actions=(pattern,)).grants(Permission(action)) is expected


def _match(pieces: list[str], text: str) -> bool:
    if not pieces:
        return not text
    first, rest = pieces[0], pieces[1:]
    if first == "*":
        return any(_match(rest, text[i:]) for i in range(len(text) + 1))
    if first == "/*/":
        return (text.startswith("/") and _match(rest, text[1:])) or (
            text.startswith("/")
            and any(text[i : i + 1] == "/" and _match(rest, text[i + 1 :]) for i in range(1, len(text)))
        )
    return text.startswith(first) and _match(rest, text[len(first) :])


def test_not_actions_are_of_one_role_only() -> None:
    known = {
        "contributor": Role("contributor", "Contributor", actions=("*",), not_actions=("auth/*/write",)),
        "admin": Role("admin", "Admin", actions=("auth/roles/write",)),
    }
    need = [Requirement(parse_resource_id("/subscriptions/s/x"), (Permission("auth/roles/write"),))]
    contributor, admin = (Assignment(name, "p", name, "/subscriptions/s") for name in known)
    assert isinstance(decide(need, [contributor], known), Denied)
    assert isinstance(decide(need, [contributor, admin], known), Allowed)


def test_a_denial_says_what_would_allow_it() -> None:
    known = {
        "reader": Role("reader", "Reader", actions=("*/read",)),
        "owner": Role("owner", "Owner", actions=("*",)),
        "vault": Role("vault", "Vault Writer", actions=("ns/vaults/write",)),
    }
    here = parse_resource_id("/subscriptions/s/resourceGroups/rg-app")
    need = [Requirement(here, (Permission("ns/vaults/write"),))]
    beside = Assignment("1", "p", "owner", "/subscriptions/s/resourceGroups/rg-app2")
    nothing = decide(need, [beside], known)
    assert isinstance(nothing, Denied)
    assert "No role is assigned" in nothing.why
    assert "'Vault Writer'" in nothing.remedy
    something = decide(need, [Assignment("2", "p", "reader", "/subscriptions/S")], known)
    assert isinstance(something, Denied)
    assert "(Reader)" in something.why

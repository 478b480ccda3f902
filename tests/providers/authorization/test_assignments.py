"""The table of role assignments and its index in memory, after a restart too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keyless.model.access import Allowed, Assignment, Permission, Requirement
from keyless.model.identity import Principal, PrincipalKind
from keyless.model.resource_id import parse_resource_id
from keyless.providers.authorization.assignments import MIGRATION, Assignments
from keyless.providers.authorization.builtin_roles import BUILTIN_ROLES
from keyless.store.sqlite import SqliteStore, open_store
from tests.harness import ROLES

CATALOGUE = {role.guid: role for role in BUILTIN_ROLES}
GROUP = "/subscriptions/S/resourceGroups/rg-app"
SHOP = Principal("p-1", "c-1", "shop", PrincipalKind.USER_ASSIGNED)


def assignment(number: int, scope: str, role: str = "Reader", principal_id: str = "p-1") -> Assignment:
    name = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{number:08}-0000-4000-8000-000000000000"
    return Assignment(name, principal_id, ROLES[role], scope)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = open_store(tmp_path / "db", [MIGRATION])
    yield opened
    await opened.close()


async def add(store: SqliteStore, *wanted: Assignment) -> None:
    await store.write(lambda tx: [Assignments.add(tx, one, 0.0, "owner") for one in wanted])


def may_read(assignments: Assignments, scope: str, caller: Principal = SHOP) -> bool:
    need = Requirement(parse_resource_id(scope), (Permission("Microsoft.Web/sites/read"),))
    return isinstance(assignments.authorise(caller, [need]), Allowed)


async def test_a_long_list_comes_in_pages_each_once(store: SqliteStore) -> None:
    assignments = Assignments(store, CATALOGUE)
    wanted = [assignment(i, GROUP, principal_id=f"p-{i}") for i in range(25)]
    beside = [assignment(50 + i, GROUP + "2", principal_id=f"p-{i}") for i in range(5)]
    await add(store, *wanted, *beside)
    found: list[Assignment] = []
    after = ""
    while page := await assignments.at(parse_resource_id(GROUP), below=True, principal_id="", after=after, limit=10):
        found += page
        after = page[-1].id.lower()
    assert found == wanted


async def test_what_is_decided_is_the_same_after_a_restart(store: SqliteStore) -> None:
    assignments = Assignments(store, CATALOGUE)
    await add(store, assignment(1, GROUP.upper()), assignment(2, "/subscriptions/s/resourceGroups/other/x/y"))
    again = Assignments(store, CATALOGUE)
    assert not may_read(again, GROUP)
    await again.load()
    for index in (assignments, again):
        assert may_read(index, GROUP)
        assert may_read(index, f"{GROUP}/providers/Microsoft.Web/sites/x")
        assert not may_read(index, GROUP + "2")
        assert not may_read(index, "/subscriptions/s")
        assert not may_read(index, GROUP, Principal("p-2", "c", "n", PrincipalKind.USER_ASSIGNED))


async def test_a_scope_that_is_deleted_takes_its_assignments_and_no_others(store: SqliteStore) -> None:
    assignments = Assignments(store, CATALOGUE)
    below, beside = f"{GROUP}/providers/Microsoft.Web/sites/x", GROUP + "2"
    await add(
        store, assignment(1, GROUP), assignment(2, below), assignment(3, beside), assignment(4, "/subscriptions/s/z")
    )
    await store.write(lambda tx: Assignments.remove_scope(tx, parse_resource_id(GROUP)))
    assert not may_read(assignments, below)
    assert may_read(assignments, beside)
    (left,) = await store.rows("SELECT count(*) FROM role_assignment")
    assert left == (2,)


async def test_two_roles_at_one_scope_are_two(store: SqliteStore) -> None:
    assignments = Assignments(store, CATALOGUE)
    reader, owner = assignment(1, GROUP), assignment(2, GROUP, "Owner")
    await add(store, reader, owner)
    await store.write(lambda tx: Assignments.remove(tx, parse_resource_id(owner.id)))
    assert may_read(assignments, GROUP)
    await store.write(lambda tx: Assignments.remove(tx, parse_resource_id(reader.id)))
    assert not may_read(assignments, GROUP)


async def test_what_a_group_holds_counts_for_its_members_and_only_while_they_are(store: SqliteStore) -> None:
    groups = {"p-1": ["g-1", "g-2"]}
    assignments = Assignments(store, CATALOGUE, groups_of=lambda principal_id: groups.get(principal_id, []))
    await add(store, assignment(1, GROUP, principal_id="g-2"))
    assert may_read(assignments, GROUP)
    assert not may_read(assignments, GROUP, Principal("p-2", "c", "n", PrincipalKind.USER_ASSIGNED))
    groups["p-1"] = ["g-1"]
    assert not may_read(assignments, GROUP)


async def test_policies_are_asked_for_the_groups_too(store: SqliteStore) -> None:
    asked: list[tuple[str, ...]] = []

    def policies(holders: tuple[str, ...], _need: Requirement) -> None:
        asked.append(holders)

    assignments = Assignments(store, CATALOGUE, policies, lambda _principal_id: ("g-1",))
    may_read(assignments, GROUP)
    assert asked == [("p-1", "g-1")]

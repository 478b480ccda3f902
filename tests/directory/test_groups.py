"""Groups: who is in which, through other groups too, against a second and slower way to say it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.directory import groups as module
from keyless.directory.groups import MAX_DEPTH, Groups, MemberAdded, MemberRemoved
from keyless.directory.principals import PrincipalDeleted
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.identity import Principal, PrincipalKind
from tests.directory.conftest import Tenant


async def group(tenant: Tenant, name: str = "ops") -> str:
    return (await tenant.write(lambda tx: tenant.groups.create(tx, name))).principal_id


async def somebody(tenant: Tenant) -> Principal:
    return await tenant.write(lambda tx: tenant.directory.create(tx, PrincipalKind.USER_ASSIGNED, "shop"))


async def add(tenant: Tenant, group_id: str, member_id: str) -> None:
    await tenant.write(lambda tx: Groups.add(tx, group_id, member_id))


async def test_members_come_and_go(tenant: Tenant) -> None:
    ops, all_of_them, shop = await group(tenant), await group(tenant, "all"), await somebody(tenant)
    await add(tenant, ops, shop.principal_id)
    await add(tenant, all_of_them, ops)
    for seen in (tenant, await tenant.after_restart()):
        assert seen.groups.of(shop.principal_id) == (ops, all_of_them)
        assert seen.groups.direct(shop.principal_id) == (ops,)
        assert list(seen.groups.members(ops)) == [shop]
        assert seen.groups.of(ops) == (all_of_them,)
    await tenant.write(lambda tx: Groups.remove(tx, all_of_them, ops))
    assert tenant.groups.of(shop.principal_id) == (ops,)
    with pytest.raises(KeylessError) as error:
        await tenant.write(lambda tx: Groups.remove(tx, all_of_them, ops))
    assert error.value.kind is ErrorKind.NOT_FOUND


async def test_a_deleted_group_or_member_is_in_nothing(tenant: Tenant) -> None:
    ops, shop, other = await group(tenant), await somebody(tenant), await somebody(tenant)
    await add(tenant, ops, shop.principal_id)
    await add(tenant, ops, other.principal_id)
    await tenant.write(lambda tx: tenant.directory.delete(tx, other.principal_id))
    for seen in (tenant, await tenant.after_restart()):
        assert list(seen.groups.members(ops)) == [shop]
    await tenant.write(lambda tx: tenant.directory.delete(tx, ops))
    for seen in (tenant, await tenant.after_restart()):
        assert seen.groups.of(shop.principal_id) == ()
    assert await tenant.store.rows("SELECT * FROM membership") == []


async def test_what_cannot_be_a_member(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    ops, other, shop = await group(tenant), await group(tenant), await somebody(tenant)
    await add(tenant, ops, shop.principal_id)
    for group_id, member_id, kind in (
        (ops, ops, ErrorKind.INVALID),
        (ops, shop.principal_id, ErrorKind.CONFLICT),
        (ops, "nobody", ErrorKind.NOT_FOUND),
        ("nothing", shop.principal_id, ErrorKind.NOT_FOUND),
        (shop.principal_id, ops, ErrorKind.NOT_FOUND),
    ):
        with pytest.raises(KeylessError) as error:
            await add(tenant, group_id, member_id)
        assert error.value.kind is kind
    for limit in ("MAX_MEMBERS", "MAX_DIRECT_GROUPS"):
        with monkeypatch.context() as patch:
            patch.setattr(module, limit, 1)
            with pytest.raises(KeylessError) as error:
                await add(tenant, *((ops, other) if limit == "MAX_MEMBERS" else (other, shop.principal_id)))
            assert error.value.kind is ErrorKind.INVALID


NAMES = st.sampled_from("abcdef")


class _Changes:
    """A store that only tells changes."""

    def __init__(self) -> None:
        self.apply: dict[type, object] = {}

    def subscribe(self, kind: type, apply: object) -> None:
        self.apply[kind] = apply

    def tell(self, change: object) -> None:
        self.apply[type(change)](change)  # type: ignore[operator]


@given(
    st.lists(
        st.one_of(
            st.builds(MemberAdded, NAMES, NAMES),
            st.builds(MemberRemoved, NAMES, NAMES),
            st.builds(PrincipalDeleted, NAMES),
        ),
        max_size=40,
    )
)
def test_the_index_is_what_the_pairs_say(changes: list[object]) -> None:
    store = _Changes()
    groups = Groups(store, None)  # type: ignore[arg-type]
    pairs: set[tuple[str, str]] = set()
    for change in changes:
        store.tell(change)
        match change:
            case MemberAdded(group_id, member):
                pairs.add((group_id, member))
            case MemberRemoved(group_id, member):
                pairs.discard((group_id, member))
            case PrincipalDeleted(gone):
                pairs = {pair for pair in pairs if gone not in pair}
        for name in "abcdef":
            reached: set[str] = set()
            for _ in range(MAX_DEPTH):
                reached |= {g for g, m in pairs if m == name or m in reached}
            assert set(groups.of(name)) == reached


def test_what_lies_deeper_than_is_stated_gives_nothing() -> None:
    store = _Changes()
    groups = Groups(store, None)  # type: ignore[arg-type]
    for step in range(MAX_DEPTH + 3):
        store.tell(MemberAdded(f"g{step + 1}", f"g{step}"))
    assert groups.of("g0") == tuple(f"g{step}" for step in range(1, MAX_DEPTH + 1))


def test_nobody_is_in_more_groups_than_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_GROUPS", 5)
    store = _Changes()
    groups = Groups(store, None)  # type: ignore[arg-type]
    for number in range(9):
        store.tell(MemberAdded(f"g{number}", "x"))
    assert len(groups.of("x")) == 5

"""Users: one for each name, whatever its case."""

from __future__ import annotations

import pytest

from keyless.directory.users import User, Users
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.identity import PrincipalKind
from tests.directory.conftest import Tenant


async def made(tenant: Tenant, upn: str = "Alice@keyless.localhost") -> User:
    return await tenant.write(lambda tx: tenant.users.create(tx, upn, "Alice", "$hash", 5.0))


async def test_a_user_is_found_by_each_name_and_after_a_restart(tenant: Tenant) -> None:
    alice = await made(tenant)
    for seen in (tenant, await tenant.after_restart()):
        assert seen.users.by_upn("ALICE@KEYLESS.localhost") == seen.users.by_id(alice.principal_id) == alice
        principal = seen.directory.by_id(alice.principal_id)
        assert principal is not None
        assert (principal.kind, principal.display_name) == (PrincipalKind.USER, "Alice")
        assert list(seen.users.all()) == [alice]
    assert "$hash" not in repr(alice)


async def test_what_changes_and_what_stays(tenant: Tenant) -> None:
    alice = await made(tenant)
    changed = await tenant.write(
        lambda tx: Users.change(tx, alice.principal_id, upn="al@keyless.localhost", sessions_valid_from=9.0)
    )
    assert (changed.password_hash, changed.created, changed.sessions_valid_from) == ("$hash", 5.0, 9.0)
    again = await tenant.write(lambda tx: Users.change(tx, alice.principal_id, password_hash=""))
    assert again.upn == "al@keyless.localhost"
    for seen in (tenant, await tenant.after_restart()):
        assert seen.users.by_upn("alice@keyless.localhost") is None
        assert seen.users.by_upn("al@keyless.localhost") == again


async def test_two_of_one_name_cannot_be(tenant: Tenant) -> None:
    alice = await made(tenant)
    bob = await made(tenant, "bob@keyless.localhost")
    with pytest.raises(KeylessError) as error:
        await made(tenant, "ALICE@keyless.localhost")
    assert error.value.kind is ErrorKind.CONFLICT
    with pytest.raises(KeylessError) as error:
        await tenant.write(lambda tx: Users.change(tx, bob.principal_id, upn="alice@keyless.localhost"))
    assert error.value.kind is ErrorKind.CONFLICT
    assert len(list(tenant.directory.of_kind(PrincipalKind.USER))) == 2
    # another case of one's own name is no other name
    await tenant.write(lambda tx: Users.change(tx, alice.principal_id, upn="alice@keyless.localhost"))


@pytest.mark.parametrize("upn", ["", "alice", "alice@", "@x", "a b@x", "a@x\n", "a@@x", "<b>@x", "a@x/../y", "ä@x"])
async def test_what_is_no_name(tenant: Tenant, upn: str) -> None:
    with pytest.raises(KeylessError) as error:
        await made(tenant, upn)
    assert error.value.kind is ErrorKind.INVALID
    assert list(tenant.directory.of_kind(PrincipalKind.USER)) == []


async def test_a_deleted_user_leaves_nothing(tenant: Tenant) -> None:
    alice = await made(tenant)
    await tenant.write(lambda tx: tenant.directory.delete(tx, alice.principal_id))
    for seen in (tenant, await tenant.after_restart()):
        assert seen.users.by_upn(alice.upn) is None
        assert seen.users.by_id(alice.principal_id) is None
    with pytest.raises(KeylessError):
        await tenant.write(lambda tx: Users.change(tx, alice.principal_id, password_hash="x"))
    await made(tenant)

"""Principals: what of them may change, and a database of the time before users and groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyless.bootstrap.schema import MIGRATIONS
from keyless.directory import principals
from keyless.directory.principals import Directory
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.identity import PrincipalKind
from keyless.store.engine import Migration
from keyless.store.sqlite import open_store
from tests.directory.conftest import Tenant


async def test_users_and_groups_have_no_client_id(tenant: Tenant) -> None:
    directory = tenant.directory
    for kind in (PrincipalKind.USER, PrincipalKind.USER, PrincipalKind.GROUP):
        made = await tenant.write(lambda tx, kind=kind: directory.create(tx, kind, "x"))  # type: ignore[misc]
        assert made.client_id == ""
    assert directory.by_client_id("") is None
    assert len(list(directory.of_kind(PrincipalKind.USER))) == 2


async def test_a_client_id_has_one_principal(tenant: Tenant) -> None:
    kind = PrincipalKind.APPLICATION
    made = await tenant.write(lambda tx: tenant.directory.create(tx, kind, "shop", client_id="c-1"))
    assert tenant.directory.by_client_id("C-1") == made
    with pytest.raises(KeylessError) as error:
        await tenant.write(lambda tx: tenant.directory.create(tx, kind, "again", client_id="c-1"))
    assert error.value.kind is ErrorKind.CONFLICT
    assert tenant.directory.by_client_id("c-1") == made


async def test_a_change_is_kept_and_leaves_the_rest(tenant: Tenant) -> None:
    directory, kind = tenant.directory, PrincipalKind.APPLICATION
    made = await tenant.write(lambda tx: directory.create(tx, kind, "shop", assertion_key={"kty": "EC"}))
    await tenant.write(lambda tx: directory.update(tx, made.principal_id, enabled=False))
    changed = await tenant.write(lambda tx: directory.update(tx, made.principal_id, display_name="store"))
    assert (changed.display_name, changed.enabled, changed.client_id) == ("store", False, made.client_id)
    for seen in (directory, (await tenant.after_restart()).directory):
        assert seen.by_id(made.principal_id) == seen.by_client_id(made.client_id) == changed
        assert seen.assertion_key(made.principal_id) == {"kty": "EC"}
    with pytest.raises(KeylessError):
        await tenant.write(lambda tx: directory.update(tx, "nobody", enabled=True))


async def test_a_database_of_the_first_version(tmp_path: Path) -> None:
    first = Migration(principals.MIGRATION.component, principals.MIGRATION.steps[:1])
    store = open_store(tmp_path / "db", [first])
    row = ("p-1", "c-1", "owner", "application", "", b'{"kty":"EC"}')
    await store.write(lambda tx: tx.execute("INSERT INTO principal VALUES(?, ?, ?, ?, ?, ?)", row))
    await store.close()
    store = open_store(tmp_path / "db", MIGRATIONS)
    try:
        directory = Directory(store, lambda: "unused")
        await directory.load()
        found = directory.by_client_id("c-1")
        assert found is not None
        assert (found.principal_id, found.display_name, found.enabled) == ("p-1", "owner", True)
        assert directory.assertion_key("p-1") == {"kty": "EC"}
    finally:
        await store.close()

"""A data folder of the time before there was a directory to manage."""

from __future__ import annotations

from pathlib import Path

from keyless.bootstrap.first_start import tenant_administrator
from keyless.bootstrap.schema import MIGRATIONS
from keyless.providers.authorization.assignments import Assignments
from keyless.store.sqlite import open_store

OWNER = "0e000000-0000-4000-8000-000000000001"


async def test_its_owner_gets_what_a_first_start_gives(tmp_path: Path) -> None:
    store = open_store(tmp_path / "db", [one for one in MIGRATIONS if one.component != "tenant"])
    insert = (
        "INSERT INTO principal(principal_id, client_id, display_name, kind, resource_id, assertion_key)"
        " VALUES(?, ?, 'x', 'application', '', ?)"
    )
    await store.write(lambda tx: tx.execute(insert, (OWNER, "c-1", b"{}")))
    await store.write(lambda tx: tx.execute(insert, ("other", "c-2", None)))
    await store.close()
    for _ in range(2):
        store = open_store(tmp_path / "db", MIGRATIONS)
        expected = tenant_administrator(OWNER)
        rows = await store.rows("SELECT id, principal_id, role, scope FROM role_assignment")
        assert rows == [(expected.id, OWNER, expected.role, "/")]
        # and it is the same one: adding it again changes nothing
        assert not await store.write(lambda tx: Assignments.add(tx, tenant_administrator(OWNER), 0.0, OWNER))
        await store.close()

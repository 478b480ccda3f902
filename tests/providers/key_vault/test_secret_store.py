"""What is on the disk, and what holds when many write at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.resource import Resource
from keyless.model.resource_id import parse_resource_id
from keyless.model.secretstr import SecretStr
from keyless.providers.key_vault.deleted_vaults import DeletedVaults
from keyless.providers.key_vault.secret_rows import Metadata
from keyless.providers.key_vault.secret_store import purge_vault
from keyless.providers.key_vault.vault import Vault
from keyless.providers.key_vault.vaults import vaults
from keyless.store.engine import Tx

if TYPE_CHECKING:
    from tests.providers.key_vault.conftest import VaultClient

SHOP = "/subscriptions/s-1/resourcegroups/shop/providers/microsoft.keyvault/vaults/shop"


def statement(sql: str, *params: str) -> Callable[[Tx], int]:
    return lambda tx: tx.execute(sql, params)


async def test_no_value_is_in_the_data_folder(vault: VaultClient) -> None:
    # needles long enough that no page boundary can hide all of them
    needles = [f"NEEDLE-{i}-IN-THE-HAYSTACK" for i in range(40)]
    for needle in needles:
        await vault.set("db", needle)
        await vault.set("big", needle * 900)
    await vault.send("DELETE", "/secrets/db")
    files = [path for path in vault.folder.rglob("*") if path.is_file()]
    stored = b"".join(path.read_bytes() for path in files)
    assert len(stored) > 40 * 900 * 20
    assert b"key_vault_secret" in stored
    assert b"haystack" not in stored.lower()


async def test_a_sealed_value_opens_in_its_own_place_only(vault: VaultClient) -> None:
    await vault.set("mine", "my own")
    await vault.set("theirs", "somebody else's")
    await vault.set("theirs", "somebody else's", vault="other")
    old = (await vault.set("theirs", "older"))["id"].rpartition("/")[2]
    await vault.set("theirs", "newer")
    for source in ("vault LIKE '%/other' AND name='theirs'", f"version='{old}'", "name='mine'"):
        sql = (
            "UPDATE key_vault_secret_version SET sealed=(SELECT sealed FROM key_vault_secret_version"
            f" WHERE {source} LIMIT 1) WHERE vault=? AND name='theirs' AND ordinal=3"
        )
        assert await vault.store.write(statement(sql, SHOP)) == 1
        answer = await vault.send("GET", "/secrets/theirs")
        assert answer.error == (500, "InternalServerError", None)


async def test_many_writers_of_one_name_each_get_a_version(vault: VaultClient) -> None:
    made = await asyncio.gather(*(vault.set("db", f"v{i}") for i in range(60)))
    assert len({m["id"] for m in made}) == 60
    listed, _ = await vault.every_page("/secrets/db/versions", "api-version=7.4")
    assert {item["id"] for item in listed} == {m["id"] for m in made}
    latest = (await vault.send("GET", "/secrets/db")).body
    assert latest["id"] == listed[-1]["id"]
    assert latest in made


async def test_one_of_many_deletions_wins(vault: VaultClient) -> None:
    await vault.set("db")
    answers = await asyncio.gather(*(vault.send("DELETE", "/secrets/db") for _ in range(10)))
    assert sorted(a.status for a in answers) == [200] + [404] * 9


async def test_a_refused_set_leaves_no_version_behind(vault: VaultClient) -> None:
    await vault.set("db", "one")
    await vault.send("DELETE", "/secrets/db")
    with pytest.raises(KeylessError) as caught:
        await vault.secrets.put(
            Vault(SHOP), "db", SecretStr("two"), Metadata(created=1_800_000_000, updated=1_800_000_000)
        )
    assert caught.value.kind is ErrorKind.CONFLICT
    await vault.send("POST", "/deletedsecrets/db/recover")
    assert len((await vault.send("GET", "/secrets/db/versions")).body["value"]) == 1


async def test_purging_a_vault_takes_all_of_it_and_nothing_else(vault: VaultClient) -> None:
    for name in ("live", "dead"):
        await vault.set(name)
        await vault.set(name, vault="other")
    await vault.send("DELETE", "/secrets/dead")
    await vault.store.write(lambda tx: purge_vault(tx, SHOP))
    assert (await vault.send("GET", "/secrets")).body["value"] == []
    assert (await vault.send("GET", "/deletedsecrets")).body["value"] == []
    rows = await vault.store.rows("SELECT DISTINCT vault FROM key_vault_secret_version")
    assert rows == [(SHOP.replace("/vaults/shop", "/vaults/other"),)]
    assert len((await vault.send("GET", "/secrets", vault="other")).body["value"]) == 2


async def test_a_new_vault_under_an_old_name_begins_empty(vault: VaultClient) -> None:
    deleted = DeletedVaults(vault.store, vault.clock, purge_vault)
    declared = vaults("tenant", lambda name: f"https://{name}.vault.keyless.localhost", deleted)
    shop = Resource(parse_resource_id(SHOP))
    await vault.set("kept")
    await vault.store.write(lambda tx: declared.written(tx, shop, shop))
    assert (await vault.send("GET", "/secrets/kept")).status == 200
    await vault.store.write(lambda tx: declared.deleted(tx, shop))
    found = await deleted.find("Shop")
    assert found
    await deleted.purge(found)
    await vault.set("late")  # its request was let in before the vault went
    await vault.store.write(lambda tx: declared.written(tx, None, shop))
    assert (await vault.send("GET", "/secrets")).body["value"] == []

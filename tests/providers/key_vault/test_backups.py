"""Backup and restore: what goes in comes out, where it belongs and nowhere else."""

from __future__ import annotations

import base64
import json
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.secretstr import SecretStr
from keyless.providers.key_vault import backups
from keyless.providers.key_vault.backups import Backup, Version, open_backup, seal_backup
from keyless.providers.key_vault.secret_rows import Metadata
from keyless.store.sealing import MasterKey, Sealer, new_wrapped_key

if TYPE_CHECKING:
    from tests.providers.key_vault.conftest import Answer, VaultClient

# the same in every run, so that a failing example can be run again
RANDOM = random.Random(2718).randbytes


def a_sealer() -> Sealer:
    master = MasterKey(RANDOM(32))
    return Sealer.from_wrapped(master, [new_wrapped_key(master, RANDOM)], RANDOM)


SEALER, FOREIGN = a_sealer(), a_sealer()
METADATA = Metadata(created=1, updated=2, tags={"a": "b"})
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)
ONE = Backup("db", [Version("0" * 32, METADATA, SecretStr("hunter2"))])


async def backup_of(vault: VaultClient, name: str) -> str:
    answer = await vault.send("POST", f"/secrets/{name}/backup")
    assert (answer.status, list(answer.body)) == (200, ["value"]), answer.body
    return str(answer.body["value"])


async def restore(vault: VaultClient, text: str, into: str = "shop") -> Answer:
    return await vault.send("POST", "/secrets/restore", body=json.dumps({"value": text}).encode(), vault=into)


async def test_all_versions_come_back_as_they_were(vault: VaultClient) -> None:
    made = []
    for number in range(4):
        made.append(await vault.set("Db", f"value {number}", tags={"number": str(number)}, attributes={"exp": number}))
        vault.clock.now += 10
    await vault.send("PATCH", "/secrets/db", body=b'{"attributes":{"enabled":false}}')
    before = (await vault.send("GET", "/secrets/db/versions")).body
    text = await backup_of(vault, "db")

    await vault.send("DELETE", "/secrets/db")
    await vault.send("DELETE", "/deletedsecrets/db")
    vault.clock.now += 1000
    restored = await restore(vault, text)
    assert (restored.status, restored.body) == (200, before["value"][-1])
    assert (await vault.send("GET", "/secrets/db/versions")).body == before
    for one in made[:-1]:
        assert (await vault.send("GET", one["id"].partition(":8443")[2])).body == one
    # a version that is set now is the latest
    await vault.set("db", "new")
    assert (await vault.send("GET", "/secrets/DB")).body["value"] == "new"


async def test_a_backup_goes_into_another_vault_of_the_subscription(vault: VaultClient) -> None:
    await vault.set("db", "s3cret")
    text = await backup_of(vault, "db")
    assert (await restore(vault, text, "other")).status == 200
    found = (await vault.send("GET", "/secrets/db", vault="other")).body
    assert found["value"] == "s3cret"
    assert found["id"].startswith("https://other.vault.")
    elsewhere = await restore(vault, text, "elsewhere")
    assert elsewhere.error == (400, "BadParameter", None)
    assert (await vault.send("GET", "/secrets", vault="elsewhere")).body["value"] == []


async def test_a_name_that_is_taken_stays_as_it_is(vault: VaultClient) -> None:
    await vault.set("db", "old")
    text = await backup_of(vault, "db")
    now = await vault.set("db", "newer")
    assert (await restore(vault, text)).error == (409, "Conflict", None)
    assert (await vault.send("GET", "/secrets/db")).body == now
    await vault.send("DELETE", "/secrets/db")
    assert (await restore(vault, text)).error == (409, "Conflict", "ObjectIsDeletedButRecoverable")
    vault.clock.now += 90 * 24 * 3600  # its purge is due
    assert (await restore(vault, text)).status == 200
    assert (await vault.send("GET", "/secrets/db")).body["value"] == "old"


async def test_what_is_not_there_has_no_backup(vault: VaultClient) -> None:
    assert (await vault.send("POST", "/secrets/db/backup")).error == (404, "SecretNotFound", None)
    await vault.set("db")
    await vault.send("DELETE", "/secrets/db")
    assert (await vault.send("POST", "/secrets/db/backup")).error == (404, "SecretNotFound", None)


async def test_a_backup_has_limits(vault: VaultClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "MAX_VERSIONS", 3)
    for _ in range(3):
        await vault.set("db")
    await backup_of(vault, "db")
    await vault.set("db")
    assert (await vault.send("POST", "/secrets/db/backup")).error == (400, "BadParameter", None)
    monkeypatch.setattr(backups, "MAX_SEALED_BYTES", 1000)
    await vault.set("long", "x" * 1000)
    assert (await vault.send("POST", "/secrets/long/backup")).error == (400, "BadParameter", None)
    assert (await restore(vault, "A" * backups.MAX_BODY_BYTES)).status == 413


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"value":1}', b'{"value":"\xff"}', b'{"value":"!"}', b"[" * 9999]
)
async def test_a_body_that_is_no_backup(vault: VaultClient, body: bytes) -> None:
    assert (await vault.send("POST", "/secrets/restore", body=body)).error == (400, "BadParameter", None)


async def test_a_backup_tells_nothing(vault: VaultClient) -> None:
    needle = "NEEDLE-IN-THE-HAYSTACK"
    await vault.set("db", needle, contentType="text/" + needle.lower())
    text = await backup_of(vault, "db")
    assert needle.lower().encode() not in base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).lower()
    assert needle not in repr(open_backup(vault.sealer, "s-1", text).versions)


@given(
    name=TEXT,
    versions=st.lists(
        st.builds(
            Version,
            version=TEXT,
            metadata=st.builds(
                Metadata,
                created=st.integers(0, 2**40),
                updated=st.integers(0, 2**40),
                enabled=st.booleans(),
                expires=st.none() | st.integers(0, 2**40),
                content_type=st.none() | TEXT,
                tags=st.none() | st.dictionaries(TEXT, TEXT, max_size=3),
            ),
            value=TEXT.map(SecretStr),
        ),
        max_size=5,
    ),
)
def test_what_is_sealed_is_opened(name: str, versions: list[Version]) -> None:
    opened = open_backup(SEALER, "S-1", seal_backup(SEALER, "s-1", Backup(name, versions)))
    assert opened.name == name
    shown = [(one.version, one.metadata, one.value.reveal()) for one in opened.versions]
    assert shown == [(one.version, one.metadata, one.value.reveal()) for one in versions]


def refused(sealer: Sealer, subscription: str, text: str) -> None:
    with pytest.raises(KeylessError) as caught:
        open_backup(sealer, subscription, text)
    assert caught.value.kind is ErrorKind.INVALID


@given(at=st.integers(0), bit=st.integers(0, 7), cut=st.integers(1, 60))
def test_an_altered_or_foreign_backup_is_none(at: int, bit: int, cut: int) -> None:
    text = seal_backup(SEALER, "s-1", ONE)
    refused(SEALER, "s-2", text)
    refused(FOREIGN, "s-1", text)
    refused(SEALER, "s-1", text[:-cut])
    sealed = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    sealed[at % len(sealed)] ^= 1 << bit
    refused(SEALER, "s-1", base64.urlsafe_b64encode(sealed).decode().rstrip("="))


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_any_other_text_is_none(text: str) -> None:
    refused(SEALER, "s-1", text)


def test_what_was_sealed_for_something_else_is_no_backup() -> None:
    value = SEALER.seal(b"hunter2", context=b"key_vault secret /v/db/0")
    refused(SEALER, "s-1", base64.urlsafe_b64encode(value).decode().rstrip("="))

"""What the operations on secrets do and answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.providers.key_vault.conftest import VaultClient

BASE = "https://shop.vault.keyless.localhost:8443"
DAY = 24 * 3600
NOW = 1_800_000_000  # the test clock, in whole seconds
ATTRIBUTES = {
    "enabled": True,
    "created": NOW,
    "updated": NOW,
    "recoveryLevel": "Recoverable+Purgeable",
    "recoverableDays": 90,
}


async def test_set_and_get(vault: VaultClient) -> None:
    made = await vault.set("Db", "s3cret")
    version = made["id"].rpartition("/")[2]
    assert made == {"id": f"{BASE}/secrets/Db/{version}", "value": "s3cret", "attributes": ATTRIBUTES}
    assert len(version) == 32
    for path in ("/secrets/db/", f"/secrets/DB/{version}"):
        answer = await vault.send("GET", path)
        assert (answer.status, answer.body) == (200, made)
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


async def test_all_that_a_set_carries_comes_back(vault: VaultClient) -> None:
    made = await vault.set(
        "db",
        "näme=\u2028\U0001f511",
        contentType="text/plain",
        tags={"team": "a", "": ""},
        attributes={"enabled": True, "nbf": NOW + 5, "exp": NOW - 5},
        kid="unknown fields are ignored",
    )
    assert made["value"] == "näme=\u2028\U0001f511"
    assert (made["contentType"], made["tags"]) == ("text/plain", {"team": "a", "": ""})
    assert made["attributes"] == ATTRIBUTES | {"nbf": NOW + 5, "exp": NOW - 5}
    # nbf and exp inform: the value can be read all the same
    assert (await vault.send("GET", "/secrets/db")).body == made


async def test_an_empty_value_is_a_value(vault: VaultClient) -> None:
    # the service stores and returns an empty string (github.com/james-gould/azure-keyvault-emulator, issue 386)
    await vault.set("db", "")
    assert (await vault.send("GET", "/secrets/db")).body["value"] == ""


async def test_the_latest_version_is_the_one_set_last_within_the_same_second(vault: VaultClient) -> None:
    ids = [(await vault.set("db" if i % 2 else "DB", f"v{i}"))["id"] for i in range(12)]
    assert len(set(ids)) == 12
    assert all(i.startswith(f"{BASE}/secrets/DB/") for i in ids)  # the name stays as it was first written
    assert (await vault.send("GET", "/secrets/db")).body["value"] == "v11"
    listed = (await vault.send("GET", "/secrets/db/versions")).body["value"]
    assert [item["id"] for item in listed] == ids
    for i, secret_id in enumerate(ids):
        assert (await vault.send("GET", secret_id.removeprefix(BASE))).body["value"] == f"v{i}"


async def test_a_disabled_version_is_not_read_but_listed(vault: VaultClient) -> None:
    first = await vault.set("db", "one")
    await vault.set("db", "two", attributes={"enabled": False})
    # body as azure-sdk-for-java issue 17991 shows it
    assert (await vault.send("GET", "/secrets/db")).error == (403, "Forbidden", "SecretDisabled")
    assert (await vault.send("GET", first["id"].removeprefix(BASE))).body["value"] == "one"
    (item,) = (await vault.send("GET", "/secrets")).body["value"]
    assert item["attributes"]["enabled"] is False


async def test_an_update_changes_all_but_the_value(vault: VaultClient) -> None:
    made = await vault.set("db", "s3cret", contentType="text/plain", tags={"team": "a"}, attributes={"exp": NOW + 9})
    vault.clock.now += 60
    changes = {
        "attributes": {"enabled": False, "nbf": NOW + 1},
        "tags": {"other": "b"},
        "contentType": "application/json",
        "value": "not this one",
    }
    answer = await vault.send("PATCH", "/secrets/DB/", body=json.dumps(changes).encode())
    assert (answer.status, answer.body) == (
        200,
        {
            "id": made["id"],
            "contentType": "application/json",
            "tags": {"other": "b"},
            "attributes": ATTRIBUTES | {"enabled": False, "nbf": NOW + 1, "exp": NOW + 9, "updated": NOW + 60},
        },
    )
    assert (await vault.send("GET", "/secrets/db")).error == (403, "Forbidden", "SecretDisabled")
    (item,) = (await vault.send("GET", "/secrets/db/versions")).body["value"]
    assert item == answer.body

    vault.clock.now += 60
    again = await vault.send("PATCH", made["id"].removeprefix(BASE), body=b'{"attributes":{"enabled":true}}')
    assert again.body["attributes"] == answer.body["attributes"] | {"enabled": True, "updated": NOW + 120}
    assert (again.body["tags"], again.body["contentType"]) == ({"other": "b"}, "application/json")
    assert (await vault.send("GET", "/secrets/db")).body == again.body | {"value": "s3cret"}


async def test_an_update_is_of_one_version(vault: VaultClient) -> None:
    first, second = await vault.set("db", "one"), await vault.set("db", "two")
    await vault.send("PATCH", first["id"].removeprefix(BASE), body=b'{"tags":{"old":"yes"}}')
    await vault.send("PATCH", "/secrets/db", body=b'{"tags":{"new":"yes"}}')
    for made, tags in ((first, {"old": "yes"}), (second, {"new": "yes"})):
        assert (await vault.send("GET", made["id"].removeprefix(BASE))).body == made | {"tags": tags}
    absent = f"/secrets/db/{'0' * 32}"
    assert (await vault.send("PATCH", absent, body=b"{}")).error == (404, "SecretNotFound", None)
    await vault.send("DELETE", "/secrets/db")
    assert (await vault.send("PATCH", "/secrets/db", body=b"{}")).error == (404, "SecretNotFound", None)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"tags":{"a":1}}', b'{"attributes":{"exp":-1}}', b'{"contentType":"' + b"c" * 256 + b'"}']
)
async def test_a_wrong_update_changes_nothing(vault: VaultClient, body: bytes) -> None:
    made = await vault.set("db", "one", tags={"a": "b"})
    vault.clock.now += 60
    assert (await vault.send("PATCH", "/secrets/db", body=body)).error == (400, "BadParameter", None)
    assert (await vault.send("GET", "/secrets/db")).body == made


@pytest.mark.parametrize(
    ("name", "level", "days"),
    [
        ("shop", "Recoverable+Purgeable", 90),
        ("brief", "CustomizedRecoverable+Purgeable", 7),
        ("kept", "Recoverable", 90),
        ("keptbriefly", "CustomizedRecoverable", 89),
    ],
)
async def test_a_vault_says_how_long_what_is_deleted_can_be_recovered(
    vault: VaultClient, name: str, level: str, days: int
) -> None:
    made = await vault.set("db", vault=name)
    assert (made["attributes"]["recoveryLevel"], made["attributes"]["recoverableDays"]) == (level, days)
    deleted = (await vault.send("DELETE", "/secrets/db", vault=name)).body
    assert deleted["scheduledPurgeDate"] - deleted["deletedDate"] == days * DAY
    vault.clock.now += days * DAY - 1
    assert (await vault.send("GET", "/deletedsecrets/db", vault=name)).status == 200
    vault.clock.now += 1
    assert (await vault.send("GET", "/deletedsecrets/db", vault=name)).status == 404
    assert (await vault.send("GET", "/deletedsecrets", vault=name)).body["value"] == []
    await vault.set("db", vault=name)
    assert len((await vault.send("GET", "/secrets/db/versions", vault=name)).body["value"]) == 1


async def test_purge_protection_leaves_it_to_time(vault: VaultClient) -> None:
    await vault.set("db", vault="kept")
    await vault.send("DELETE", "/secrets/db", vault="kept")
    # as github.com/microsoft/AzureTRE, issue 1951 shows it: the general code, and no inner one
    assert (await vault.send("DELETE", "/deletedsecrets/db", vault="kept")).error == (403, "Forbidden", None)
    assert (await vault.send("POST", "/deletedsecrets/db/recover", vault="kept")).status == 200


async def test_lists_hold_no_values_and_no_secrets_of_others(vault: VaultClient) -> None:
    await vault.set("b", "hidden", contentType="text/plain", tags={"k": "v"})
    await vault.set("A", "hidden")
    await vault.set("c", "hidden", vault="other")
    answer = await vault.send("GET", "/secrets")
    assert answer.body == {
        "value": [
            {"id": f"{BASE}/secrets/A", "attributes": ATTRIBUTES},
            {"id": f"{BASE}/secrets/b", "attributes": ATTRIBUTES, "contentType": "text/plain", "tags": {"k": "v"}},
        ],
        "nextLink": None,
    }
    assert (await vault.send("GET", "/secrets/absent/versions")).body == {"value": [], "nextLink": None}


async def test_deletion_and_recovery(vault: VaultClient) -> None:
    first = await vault.set("Db", "one")
    second = await vault.set("Db", "two")
    deleted = await vault.send("DELETE", "/secrets/db")
    assert deleted.body == {
        "id": second["id"],
        "attributes": ATTRIBUTES,
        "recoveryId": f"{BASE}/deletedsecrets/Db",
        "deletedDate": NOW,
        "scheduledPurgeDate": NOW + 90 * DAY,
    }
    assert (await vault.send("GET", "/deletedsecrets/db")).body == deleted.body
    (listed,) = (await vault.send("GET", "/deletedsecrets")).body["value"]
    assert listed == deleted.body | {"id": f"{BASE}/secrets/Db"}

    # gone from the live side, in every way
    version = first["id"].removeprefix(BASE)
    for method, path in (("GET", "/secrets/db"), ("GET", version), ("DELETE", "/secrets/db")):
        assert (await vault.send(method, path)).error == (404, "SecretNotFound", None)
    assert (await vault.send("GET", "/secrets")).body["value"] == []
    assert (await vault.send("GET", "/secrets/db/versions")).body["value"] == []
    again = await vault.send("PUT", "/secrets/dB", body=b'{"value":"three"}')
    assert again.error == (409, "Conflict", "ObjectIsDeletedButRecoverable")

    recovered = await vault.send("POST", "/deletedsecrets/db/recover")
    assert recovered.body == {"id": second["id"], "attributes": ATTRIBUTES}
    assert (await vault.send("GET", "/secrets/db")).body == second
    assert (await vault.send("GET", version)).body == first
    assert (await vault.send("GET", "/deletedsecrets/db")).error == (404, "SecretNotFound", None)


async def test_purge_frees_the_name_and_forgets_the_versions(vault: VaultClient) -> None:
    old = await vault.set("db", "old")
    assert (await vault.send("DELETE", "/deletedsecrets/db")).status == 404  # a live secret is not purged
    await vault.send("DELETE", "/secrets/db")
    purged = await vault.send("DELETE", "/deletedsecrets/DB")
    assert (purged.status, purged.body) == (204, None)
    assert (await vault.send("POST", "/deletedsecrets/db/recover")).status == 404
    await vault.set("dB", "new")
    assert (await vault.send("GET", old["id"].removeprefix(BASE))).status == 404
    assert len((await vault.send("GET", "/secrets/db/versions")).body["value"]) == 1


async def test_what_was_deleted_is_purged_on_its_scheduled_date(vault: VaultClient) -> None:
    for name in ("kept", "gone"):
        await vault.set(name, "old")
        await vault.send("DELETE", f"/secrets/{name}")
        vault.clock.now -= 1
    vault.clock.now = NOW - 1 + 90 * DAY
    assert (await vault.send("GET", "/deletedsecrets/gone")).status == 404
    assert [i["id"] for i in (await vault.send("GET", "/deletedsecrets")).body["value"]] == [f"{BASE}/secrets/kept"]
    assert (await vault.send("POST", "/deletedsecrets/gone/recover")).status == 404
    await vault.set("gone", "new")
    assert (await vault.send("POST", "/deletedsecrets/kept/recover")).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"hunter2",
        b'{"value":null}',
        b'{"value":12345678}',
        b'{"value":"hunter2"',
        b'{"value":"hunter2\xff"}',
        b'{"value":"hunter2","attributes":{"enabled":"yes"}}',
        b'{"value":"hunter2","attributes":{"exp":-1}}',
        b'{"value":"hunter2","attributes":{"exp":true}}',
        b'{"value":"hunter2","attributes":{"nbf":253402300800}}',
        b'{"value":"hunter2","tags":["a"]}',
        b'{"value":"hunter2","tags":{"hunter2":1}}',
        b'{"value":"hunter2","x":' + b"[" * 60_000,
        json.dumps({"value": "hunter2" * 3658}).encode(),
        json.dumps({"value": "hunter2", "contentType": "c" * 256}).encode(),
        json.dumps({"value": "hunter2", "tags": {str(i): "" for i in range(16)}}).encode(),
        json.dumps({"value": "hunter2", "tags": {"n" * 513: ""}}).encode(),
        json.dumps({"value": "hunter2", "tags": {"n": "v" * 257}}).encode(),
    ],
)
async def test_a_wrong_body_changes_nothing_and_is_not_quoted(vault: VaultClient, body: bytes) -> None:
    answer = await vault.send("PUT", "/secrets/db", body=body)
    assert answer.error == (400, "BadParameter", None)
    assert "hunter2" not in json.dumps(answer.body)
    assert "12345678" not in json.dumps(answer.body)
    assert (await vault.send("GET", "/secrets/db")).status == 404


async def test_limits_are_inclusive_and_the_body_has_one_too(vault: VaultClient) -> None:
    tags = {"n" * 510 + f"{i:02}": "v" * 256 for i in range(15)}
    # Python's clients escape every one of these characters
    await vault.set("db", "ü" * 12_800, contentType="c" * 255, tags=tags)
    await vault.set("db", "\x01" * 25_600, tags=tags)
    assert (await vault.send("GET", "/secrets/db")).body["value"] == "\x01" * 25_600
    too_large = await vault.send("PUT", "/secrets/db", body=b'{"value":"v"}' + b" " * 256 * 1024)
    assert too_large.status == 413

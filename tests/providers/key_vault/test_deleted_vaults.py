"""Deleted vaults through the resource manager: kept with all they hold, brought back, purged, and gone in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.harness import ARM, VAULT
from tests.inprocess import Platform, PlatformOwner, running_platform

API = "?api-version=2023-07-01"
DAY = 24 * 3600


class Place:
    """An instance on a clock of ours, and a vault that each test has to itself."""

    def __init__(self, platform: Platform, owner: PlatformOwner) -> None:
        self.platform, self.owner = platform, owner
        self.name = f"Kv{uuid4().hex[:8]}"
        self.id = f"{owner.group}/providers/Microsoft.KeyVault/vaults/{self.name}"
        self.provider = f"{owner.subscription}/providers/Microsoft.KeyVault"

    def put(self, path: str = "", **properties: Any) -> httpx.Response:
        body = {"location": "West Europe", "tags": {"team": "a"}, "properties": properties}
        return self.ask("PUT", path or self.id, body)

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> httpx.Response:
        return self.owner.send(method, "management", path + API, token or self.owner.token(ARM), json=body)

    def deleted(self, name: str = "", place: str = "westeurope") -> str:
        return f"{self.provider}/locations/{place}/deletedVaults/{name or self.name}"

    def secret(self, method: str, path: str = "/secrets/db", body: Any = None) -> httpx.Response:
        token = self.owner.token(VAULT)
        return self.owner.send(method, f"{self.name.lower()}.vault", f"{path}?api-version=7.4", token, json=body)

    def make(self, **properties: Any) -> None:
        assert self.put(**properties).status_code == 201
        assert self.secret("PUT", body={"value": "s3cret"}).status_code == 200

    def delete(self) -> None:
        assert self.ask("DELETE", self.id).status_code == 200


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Platform, PlatformOwner]]:
    with running_platform(tmp_path_factory.mktemp("vaults"), token_lifetime=100 * DAY) as platform:
        owner = PlatformOwner(platform)
        yield platform, owner
        owner.close()


@pytest.fixture
def place(instance: tuple[Platform, PlatformOwner]) -> Iterator[Place]:
    platform, owner = instance
    begun = platform.clock.now
    yield Place(platform, owner)
    platform.clock.now = begun


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_deleted_vault_is_kept_and_comes_back_as_it_was(place: Place) -> None:
    who = str(uuid4())
    permissions = {"keys": [], "secrets": ["get"], "certificates": [], "storage": []}
    policy = {"tenantId": place.platform.instance.tenant, "objectId": who, "permissions": permissions}
    place.make(softDeleteRetentionInDays=7, accessPolicies=[policy])
    before = place.ask("GET", place.id).json()
    secret = place.secret("GET").json()
    assigned = place.owner.assign(place.owner.server.instance.owner.principal_id, "Reader", f"{place.id}/secrets/db")
    place.delete()

    assert place.ask("GET", place.id).status_code == 404
    assert code(place.secret("GET")) == (404, "VaultNotFound")
    shown = place.ask("GET", place.deleted()).json()
    assert shown["properties"].pop("deletionDate") < shown["properties"].pop("scheduledPurgeDate")
    assert shown == {
        "id": place.deleted(),
        "name": place.name,
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": {"vaultId": place.id, "location": "West Europe", "tags": {"team": "a"}},
    }
    listed = place.ask("GET", f"{place.provider}/deletedVaults").json()["value"]
    assert place.deleted() in {one["id"] for one in listed}

    # what the request says besides is not looked at
    back = place.put(createMode="recover", enableRbacAuthorization=True, accessPolicies=[])
    assert (back.status_code, back.json()) == (201, before)
    assert place.ask("GET", place.id).json() == before
    assert place.secret("GET").json() == secret
    assert place.ask("GET", assigned).status_code == 404
    assert place.ask("GET", place.deleted()).status_code == 404
    # and it can be changed and deleted like any other
    assert place.put().status_code == 200
    place.delete()
    assert place.ask("GET", place.deleted()).status_code == 200


def test_its_name_stays_taken_until_it_is_purged(place: Place) -> None:
    place.make()
    place.delete()
    elsewhere = place.owner.arm("PUT", f"{place.owner.subscription}/resourceGroups/g-{place.name}", {"location": "l"})
    other = f"{elsewhere['id']}/providers/Microsoft.KeyVault/vaults/{place.name}"
    for path in (place.id, other, place.id.replace(place.name, place.name.upper())):
        assert code(place.put(path)) == (409, "ConflictError")
    # it is brought back where it was, and nowhere else
    assert code(place.put(other, createMode="recover")) == (404, "SoftDeletedVaultDoesNotExist")
    purged = place.ask("POST", f"{place.deleted()}/purge")
    assert (purged.status_code, purged.content) == (200, b"")
    assert code(place.ask("POST", f"{place.deleted()}/purge")) == (404, "DeletedVaultNotFound")
    assert code(place.put(createMode="recover")) == (404, "SoftDeletedVaultDoesNotExist")
    assert place.put().status_code == 201
    assert place.secret("GET", "/secrets").json()["value"] == []
    assert place.secret("GET", "/deletedsecrets").json()["value"] == []


def test_it_goes_by_itself_on_its_date(place: Place) -> None:
    place.make(softDeleteRetentionInDays=7, enablePurgeProtection=True)
    place.delete()
    shown = place.ask("GET", place.deleted()).json()["properties"]
    assert shown["purgeProtectionEnabled"] is True
    assert code(place.ask("POST", f"{place.deleted()}/purge")) == (403, "MethodNotAllowed")
    place.platform.clock.now += 7 * DAY - 2
    assert place.ask("GET", place.deleted()).status_code == 200
    place.platform.clock.now += 2
    place.platform.run(place.platform.built.deleted_vaults.tick())
    rows = place.platform.run(place.platform.built.store.rows("SELECT DISTINCT vault FROM key_vault_secret"))
    assert place.id.lower() not in {row[0] for row in rows}
    assert place.ask("GET", place.deleted()).status_code == 404
    assert place.put().status_code == 201


def test_time_counts_before_it_is_swept_up(place: Place) -> None:
    place.make(softDeleteRetentionInDays=7)
    place.delete()
    place.platform.clock.now += 7 * DAY
    assert place.ask("GET", place.deleted()).status_code == 404
    assert place.deleted() not in place.ask("GET", f"{place.provider}/deletedVaults").text
    assert code(place.put(createMode="recover")) == (404, "SoftDeletedVaultDoesNotExist")
    assert place.put().status_code == 201
    assert place.secret("GET", "/secrets").json()["value"] == []


def test_the_vaults_of_a_deleted_group_can_be_recovered(place: Place) -> None:
    group = f"{place.owner.subscription}/resourceGroups/g-{place.name}"
    place.owner.arm("PUT", group, {"location": "l"})
    place.id = f"{group}/providers/Microsoft.KeyVault/vaults/{place.name}"
    place.make()
    assert place.ask("DELETE", group).status_code == 200
    assert place.put(createMode="recover").status_code == 404  # the group is not there
    place.owner.arm("PUT", group, {"location": "l"})
    assert place.put(createMode="recover").status_code == 201
    assert place.secret("GET").json()["value"] == "s3cret"


def test_what_is_not_there(place: Place) -> None:
    place.make()
    assert code(place.put(createMode="recover")) == (404, "SoftDeletedVaultDoesNotExist")  # it is not deleted
    assert code(place.put(createMode="new")) == (400, "BadRequest")
    place.delete()
    for path in (place.deleted(place="eastus"), place.deleted("nothere")):
        assert code(place.ask("GET", path)) == (404, "DeletedVaultNotFound")
        assert code(place.ask("POST", f"{path}/purge")) == (404, "DeletedVaultNotFound")
    assert place.ask("GET", place.deleted(place="WestEurope")).status_code == 200
    for path in (place.deleted(), f"{place.deleted()}/purge"):
        within = path.replace(place.owner.subscription, place.owner.group)
        assert place.ask("POST" if path.endswith("purge") else "GET", within).status_code == 404


def test_whether_a_name_is_free(place: Place) -> None:
    def ask(name: object, kind: str = "Microsoft.KeyVault/vaults") -> httpx.Response:
        return place.ask("POST", f"{place.provider}/checkNameAvailability", {"name": name, "type": kind})

    assert ask(place.name).json() == {"nameAvailable": True}
    for bad in ("1abc", "ab", "a--b"):
        told = ask(bad).json()
        assert (told["nameAvailable"], told["reason"]) == (False, "AccountNameInvalid")
    place.make()
    assert ask(place.name.lower()).json()["reason"] == "AlreadyExists"
    place.delete()
    assert ask(place.name.upper()).json()["reason"] == "AlreadyExists"
    for wrong in (ask(5), ask("abc", "Microsoft.Storage/storageAccounts")):
        assert wrong.status_code == 400


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("Owner", {"list", "get", "name", "recover", "purge"}),
        ("Contributor", {"list", "get", "name", "recover", "purge"}),
        ("Key Vault Contributor", {"list", "get", "name", "recover"}),
        ("Key Vault Administrator", {"list", "get", "name"}),
        ("Reader", {"list", "get", "name"}),
        ("Key Vault Secrets User", set()),
    ],
)
@pytest.mark.parametrize("scope", ["subscription", "group"])
def test_who_may_do_what(place: Place, role: str, may: set[str], scope: str) -> None:
    """What concerns the subscription takes a role there; a vault is recovered by those who may write it."""
    name = f"id{uuid4().hex[:8]}"
    identity = place.owner.identity(name)
    place.owner.app(name, identity["id"])
    place.owner.assign(identity["principalId"], role, getattr(place.owner, scope))
    token = place.platform.identity_token(name, ARM, identity["clientId"])
    place.make()
    place.delete()
    body = {"name": place.name, "type": "Microsoft.KeyVault/vaults"}
    recover = {"location": "l", "properties": {"createMode": "recover"}}
    requests: dict[str, tuple[str, str, Any]] = {
        "list": ("GET", f"{place.provider}/deletedVaults", None),
        "get": ("GET", place.deleted(), None),
        "name": ("POST", f"{place.provider}/checkNameAvailability", body),
        "recover": ("PUT", place.id, recover),
        "purge": ("POST", f"{place.deleted()}/purge", None),
    }
    done = may if scope == "subscription" else may & {"recover"}
    for what, (method, path, sent) in requests.items():
        answer = place.ask(method, path, sent, token)
        assert (answer.status_code == 403) is (what not in done), (what, answer.text)
        if what == "recover" and what in done:
            place.delete()

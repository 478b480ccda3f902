"""azidentity, azsecrets and azblob for Go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients.place import Place, make_place, output_of
from tests.clients.registration import register
from tests.clients.tools import BUILD_SECONDS
from tests.harness import Owner, RunningServer

pytestmark = pytest.mark.timeout(BUILD_SECONDS)

VAULT_REFUSED, BLOB_REFUSED = "403 Forbidden", "403 AuthorizationPermissionMismatch"


def test_identities(owner: Owner, go: Path) -> None:
    place = make_place(owner)
    second = owner.identity(f"{place.name}-second")
    system = owner.app(place.name, place.identity["id"], second["id"], system=True)["identity"]["principalId"]
    ran = place.run(
        [go, "identities"], CLIENT_ID=second["clientId"], OBJECT_ID=second["principalId"], RESOURCE_ID=second["id"]
    )
    user = second["principalId"]
    assert json.loads(output_of(ran)) == {
        "system-assigned": system,
        "client ID": user,
        "object ID": user,
        "resource ID": user,
        "default": system,
        "default, client ID": user,
    }


def test_an_identity_that_the_app_does_not_have_is_refused_at_once(place: Place, go: Path) -> None:
    stranger = place.owner.identity(f"{place.name}-stranger")
    said = json.loads(output_of(place.run([go, "stranger"], STRANGER=stranger["clientId"])))
    assert set(said) == {"managed identity", "default"}
    for name, (message, seconds) in said.items():
        assert "No identity of that client ID, object ID or resource ID is assigned to the app" in message, name
        assert seconds < 2, name


@pytest.mark.parametrize("url", ["{vault}", "https://{name}.vault.azure.net"], ids=["own name", "cloud's name"])
def test_secrets(place: Place, go: Path, url: str) -> None:
    place.allow("Key Vault Secrets Officer", place.vault_id)
    ran = place.run([go, "secrets"], VAULT_URL=url.format(vault=place.vault_url, name=place.name))
    assert output_of(ran) == "ok\n"


def test_blobs(place: Place, go: Path) -> None:
    place.allow("Storage Blob Data Contributor", place.account_id)
    port = place.owner.server.port
    for url in (
        place.account_url,
        f"https://{place.name}.blob.core.windows.net",
        f"https://127.0.0.1:{port}/{place.name}",
    ):
        assert output_of(place.run([go, "blobs"], ACCOUNT_URL=url)) == "ok\n", url


def test_what_is_refused_and_when_a_change_counts(place: Place, go: Path) -> None:
    fill(place)
    secrets, blobs = ("get secret", "set secret"), ("read blob", "blob properties", "write blob", "list blobs")
    with place.talk([go, "refusals"]) as program:

        def told(*actions: str) -> set[str]:
            return {program.tell(action) for action in actions}

        assert told(*secrets) == {VAULT_REFUSED}
        assert told(*blobs) == {BLOB_REFUSED}
        reads = [
            place.allow("Key Vault Secrets User", place.vault_id),
            place.allow("Storage Blob Data Reader", place.account_id),
        ]
        assert told("get secret", "read blob", "blob properties", "list blobs") == {"done"}
        assert told("set secret", "write blob") == {VAULT_REFUSED, BLOB_REFUSED}
        for assignment in reads:
            place.owner.arm("DELETE", assignment)
        assert told(*secrets) == {VAULT_REFUSED}
        assert told(*blobs) == {BLOB_REFUSED}
        place.allow_all()
        assert told(*secrets, *blobs) == {"done"}
        place.owner.arm("DELETE", place.identity["id"])
        assert {said.split()[0] for said in told("get secret", "read blob")} == {"401"}


def test_a_vaults_client_outlives_the_revocation_of_the_signing_key(own_server: RunningServer, go: Path) -> None:
    owner = Owner(own_server)
    place = make_place(owner)
    fill(place)
    place.allow_all()
    with place.talk([go, "refusals"]) as program:
        assert [program.tell(action) for action in ("get secret", "read blob")] == ["done", "done"]
        owner.revoke_keys()
        # the vault's challenge makes the client ask for another token, past its cache; the blob service knows none
        assert [program.tell(action) for action in ("get secret", "set secret")] == ["done", "done"]
        assert program.tell("read blob") == "401 InvalidAuthenticationInfo"
    owner.close()


def fill(place: Place) -> None:
    place.owner.secret(place.name, "greeting", "hello")
    place.owner.container(place.name, "box")
    place.owner.blob(place.name, "box/hello.txt", b"world")


def test_a_registered_application(place: Place, go: Path, tmp_path: Path) -> None:
    registration = register(place, tmp_path)
    ran = place.run([go, "registrations"], VAULT_URL=place.vault_url, **registration.variables)
    ways = ("secret", "certificate", "certificate with its chain", "environment, secret", "environment, certificate")
    assert json.loads(output_of(ran)) == dict.fromkeys((*ways, "default, secret"), "hello")

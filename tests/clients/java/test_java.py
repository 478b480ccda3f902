"""azure-identity, azure-security-keyvault-secrets, azure-storage-blob and msal4j."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.place import Command, Dialogue, Place, Ran, make_place
from tests.clients.registration import register
from tests.clients.tools import BUILD_SECONDS
from tests.harness import Owner, RunningServer

pytestmark = pytest.mark.timeout(BUILD_SECONDS)

Java = Callable[[str], Command]
#: The first line of a machine that was given options by its environment, as `keyless run` gives them.
PICKED_UP = "Picked up JAVA_TOOL_OPTIONS: "
VAULT_REFUSED, BLOB_REFUSED = "403", "403 AuthorizationPermissionMismatch"


def output_of(ran: Ran) -> str:
    assert (ran.returncode, complaints(ran.stderr)) == (0, []), ran.stdout + ran.stderr
    return ran.stdout


def complaints(err: str) -> list[str]:
    return [line for line in err.splitlines() if not line.startswith(PICKED_UP)]


def test_identities(owner: Owner, java: Java) -> None:
    place = make_place(owner)
    second = owner.identity(f"{place.name}-second")
    system = owner.app(place.name, place.identity["id"], second["id"], system=True)["identity"]["principalId"]
    ran = place.run(
        java("identities"), CLIENT_ID=second["clientId"], OBJECT_ID=second["principalId"], RESOURCE_ID=second["id"]
    )
    user = second["principalId"]
    assert json.loads(output_of(ran)) == {
        "system-assigned": system,
        "client ID": user,
        "object ID": user,
        "resource ID": user,
        "default": system,
        "default, client ID": user,
        "default, resource ID": user,
        "msal, system-assigned": system,
        "msal, client ID": user,
        "msal, object ID": user,
        "msal, resource ID": user,
    }


def test_an_identity_that_the_app_does_not_have_is_refused_at_once(place: Place, java: Java) -> None:
    stranger = place.owner.identity(f"{place.name}-stranger")
    said = json.loads(output_of(place.run(java("stranger"), STRANGER=stranger["clientId"])))
    assert len(said) == 4
    for name in ("managed identity", "default"):
        assert "No identity of that client ID, object ID or resource ID is assigned to the app" in said[name], name
        assert float(said[f"{name}, seconds"]) < 5, name


@pytest.mark.parametrize("url", ["{vault}", "https://{name}.vault.azure.net"], ids=["own name", "cloud's name"])
def test_secrets(place: Place, java: Java, url: str) -> None:
    place.allow("Key Vault Secrets Officer", place.vault_id)
    ran = place.run(java("secrets"), VAULT_URL=url.format(vault=place.vault_url, name=place.name))
    assert output_of(ran) == "ok\n"


def test_blobs(place: Place, java: Java) -> None:
    place.allow("Storage Blob Data Contributor", place.account_id)
    port = place.owner.server.port
    for url in (
        place.account_url,
        f"https://{place.name}.blob.core.windows.net",
        f"https://127.0.0.1:{port}/{place.name}",
    ):
        assert output_of(place.run(java("blobs"), ACCOUNT_URL=url)) == "ok\n", url


@contextmanager
def talk(place: Place, command: Command) -> Iterator[Dialogue]:
    process = place.start(command)
    yield Dialogue(process)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, complaints(err)) == (0, [])


def test_what_is_refused_and_when_a_change_counts(place: Place, java: Java) -> None:
    fill(place)
    secrets, blobs = ("get secret", "set secret"), ("read blob", "blob properties", "write blob", "list blobs")
    with talk(place, java("refusals")) as program:

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


def test_a_program_is_started_again_when_the_signing_key_was_revoked(own_server: RunningServer, java: Java) -> None:
    """azure-identity does not take the vault's claims to the managed identity endpoint: its cache answers."""
    owner = Owner(own_server)
    place = make_place(owner)
    fill(place)
    place.allow_all()
    for _ in range(2):
        with talk(place, java("refusals")) as program:
            assert program.tell("get secret") == "done"
            owner.revoke_keys()
            assert program.tell("get secret") == "401"
    owner.close()


def fill(place: Place) -> None:
    place.owner.secret(place.name, "greeting", "hello")
    place.owner.container(place.name, "box")
    place.owner.blob(place.name, "box/hello.txt", b"world")


def test_a_registered_application(place: Place, java: Java, tmp_path: Path) -> None:
    registration = register(place, tmp_path)
    ran = place.run(java("registrations"), VAULT_URL=place.vault_url, **registration.variables)
    expected = dict.fromkeys(("secret", "certificate", "certificate with its chain"), "hello")
    assert json.loads(output_of(ran)) == {**expected, "msal, secret": "a token", "msal, certificate": "a token"}

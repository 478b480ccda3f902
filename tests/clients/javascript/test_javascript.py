"""@azure/identity, @azure/keyvault-secrets and @azure/storage-blob."""

from __future__ import annotations

import json
from pathlib import Path

from tests.clients.place import Place, make_place, output_of
from tests.clients.registration import register
from tests.harness import Owner, RunningServer

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"


def test_the_lock_file_names_no_address() -> None:
    assert '"resolved"' not in (HERE / "package-lock.json").read_text()


def test_identities(owner: Owner, node: str) -> None:
    place = make_place(owner)
    second = owner.identity(f"{place.name}-second")
    system = owner.app(place.name, place.identity["id"], second["id"], system=True)["identity"]["principalId"]
    ran = place.run(
        [node, PROGRAMS / "identities.mjs"],
        CLIENT_ID=second["clientId"],
        OBJECT_ID=second["principalId"],
        RESOURCE_ID=second["id"],
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
    }


def test_an_identity_that_the_app_does_not_have_is_refused_at_once(place: Place, node: str) -> None:
    stranger = place.owner.identity(f"{place.name}-stranger")
    ran = place.run([node, PROGRAMS / "unknown-identity.mjs"], STRANGER=stranger["clientId"])
    said = json.loads(output_of(ran))
    assert set(said) == {"managed identity", "default"}
    for name, (message, seconds) in said.items():
        assert "No identity of that client ID, object ID or resource ID is assigned to the app" in message, name
        assert seconds < 2, name


def test_a_blob_is_read_if_it_is_there(place: Place, node: str) -> None:
    place.owner.container(place.name, "box")
    place.allow("Storage Blob Data Reader", place.account_id)
    place.settings(BLOB_READER_ID=place.identity["clientId"])
    assert output_of(place.run([node, PROGRAMS / "blob-if-there.mjs"])) == "not there\n"
    place.owner.blob(place.name, "box/hello.txt", "Grüße".encode())
    assert output_of(place.run([node, PROGRAMS / "blob-if-there.mjs"])) == "Grüße\n"


def test_signatures_copies_and_batches(place: Place, node: str) -> None:
    place.allow("Storage Blob Data Contributor", place.account_id)
    assert output_of(place.run([node, PROGRAMS / "sharing.mjs"])) == "ok\n"


def test_secrets(place: Place, node: str) -> None:
    place.allow("Key Vault Secrets Officer", place.vault_id)
    assert output_of(place.run([node, PROGRAMS / "secrets.mjs"])) == "ok\n"


def test_secrets_by_a_clouds_name(place: Place, node: str) -> None:
    place.allow("Key Vault Secrets Officer", place.vault_id)
    ran = place.run([node, PROGRAMS / "secrets.mjs"], VAULT_URL=f"https://{place.name}.vault.azure.cn")
    assert output_of(ran) == "ok\n"


def test_blobs(place: Place, node: str) -> None:
    place.allow("Storage Blob Data Contributor", place.account_id)
    port = place.owner.server.port
    for url in (
        place.account_url,
        f"https://{place.name}.blob.core.windows.net",
        f"https://127.0.0.1:{port}/{place.name}",
    ):
        ran = place.run([node, PROGRAMS / "blobs.mjs"], ACCOUNT_URL=url)
        assert output_of(ran) == "ok\n", url


def test_what_blobs_are_besides_their_bodies(place: Place, node: str) -> None:
    place.allow("Storage Blob Data Owner", place.account_id)
    place.keep_everything()
    assert output_of(place.run([node, PROGRAMS / "blob-state.mjs"])) == "ok\n"


def test_a_program_is_started_again_when_the_signing_key_was_revoked(own_server: RunningServer, node: str) -> None:
    """@azure/identity does not take the vault's claims to the managed identity endpoint: its cache answers."""
    owner = Owner(own_server)
    place = make_place(owner)
    owner.secret(place.name, "greeting", "hello")
    place.allow_all()
    for _ in range(2):
        process = place.start([node, PROGRAMS / "refusals.mjs"])
        reading, writing = process.stdout, process.stdin
        assert reading
        assert writing
        for expected in ("done", "RestError 401 Unauthorized"):
            writing.write("get secret\n")
            writing.flush()
            assert reading.readline().strip() == expected
            owner.revoke_keys()
        assert process.communicate(timeout=30) == ("", "")
    owner.close()


def test_what_is_refused_and_when_a_change_counts(place: Place, node: str) -> None:
    place.owner.secret(place.name, "greeting", "hello")
    place.owner.container(place.name, "box")
    place.owner.blob(place.name, "box/hello.txt", b"world")
    process = place.start([node, PROGRAMS / "refusals.mjs"])
    reading, writing = process.stdout, process.stdin
    assert reading
    assert writing

    def tell(*actions: str) -> set[str]:
        said = set()
        for action in actions:
            writing.write(f"{action}\n")
            writing.flush()
            said.add(reading.readline().strip())
        return said

    vault, blobs = ("get secret", "set secret"), ("read blob", "write blob", "list blobs", "blob exists")
    vault_refused, blob_refused = "RestError 403 Forbidden", "RestError 403 AuthorizationPermissionMismatch"
    head_refused = "RestError 403 undefined"  # a HEAD has no body, from which alone the library reads the code
    assert tell(*vault) == {vault_refused}
    assert tell(*blobs) == {blob_refused, head_refused}
    reads = [
        place.allow("Key Vault Secrets User", place.vault_id),
        place.allow("Storage Blob Data Reader", place.account_id),
    ]
    assert tell("get secret", "read blob", "list blobs", "blob exists") == {"done"}
    assert tell("set secret", "write blob") == {vault_refused, blob_refused}
    for assignment in reads:
        place.owner.arm("DELETE", assignment)
    assert tell(*vault) == {vault_refused}
    assert tell(*blobs) == {blob_refused, head_refused}
    place.allow_all()
    assert tell(*vault, *blobs) == {"done"}
    place.owner.arm("DELETE", place.identity["id"])
    assert {said.split()[1] for said in tell("get secret", "read blob")} == {"401"}
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0


def test_a_registered_application(place: Place, node: str, tmp_path: Path) -> None:
    registration = register(place, tmp_path)
    ran = place.run([node, PROGRAMS / "client-credentials.mjs"], VAULT_URL=place.vault_url, **registration.variables)
    ways = ("secret", "certificate", "certificate with its chain", "environment, secret", "environment, certificate")
    assert json.loads(output_of(ran)) == dict.fromkeys((*ways, "default, secret"), "hello")

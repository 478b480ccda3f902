"""@azure/identity, @azure/keyvault-secrets and @azure/storage-blob."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.clients.place import Place, make_place, output_of
from tests.clients.registration import register
from tests.clients.themes import (
    BLOB_ACTIONS,
    BLOB_THEMES,
    account_urls,
    app_with_three,
    check_unknown_identity,
    fill,
    not_driven,
    prepared,
    refusals,
)
from tests.clients.tools import need_namespaces
from tests.harness import Owner, RunningServer

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"

#: Operations that no program drives: they sign with an account key, which no account here has, ...
NOT_DRIVEN = {"generateSasUrl", "generateAccountSasUrl", "generateSasStringToSign"}
#: ... show what is signed, and sign nothing, ...
NOT_DRIVEN |= {"generateUserDelegationSasStringToSign"}
#: ... take the files of a browser, ...
NOT_DRIVEN |= {"uploadBrowserData"}
#: ... or are private: the steps of those that are driven.
NOT_DRIVEN |= {
    *("listContainersSegment", "listSegments", "listItems", "listBlobFlatSegment", "listBlobHierarchySegment"),
    *("listHierarchySegments", "listItemsByHierarchy"),
    *("findBlobsByTagsSegment", "findBlobsByTagsSegments", "findBlobsByTagsItems"),
    *("listPageRangesSegment", "listPageRangeItemSegments", "listPageRangeItems"),
    *("listPageRangesDiffSegment", "listPageRangeDiffItemSegments", "listPageRangeDiffItems"),
    *("getContainerNameFromUrl", "getBlobAndContainerNamesFromUrl", "startCopyFromURL", "uploadSeekableInternal"),
}


def test_the_lock_file_names_no_address() -> None:
    assert '"resolved"' not in (HERE / "package-lock.json").read_text()


def test_identities(owner: Owner, node: str) -> None:
    place, selectors, ways = app_with_three(owner)
    ways["default, resource ID"] = ways["resource ID"]
    assert json.loads(output_of(place.run([node, PROGRAMS / "identities.mjs"], **selectors))) == ways


def test_identities_of_an_isolated_program(owner: Owner, node: str) -> None:
    need_namespaces()
    place, selectors, ways = app_with_three(owner)
    said = json.loads(output_of(place.run_isolated([node, PROGRAMS / "identities.mjs"], **selectors)))
    assert {way: said[way] for way in ways} == ways


def test_an_identity_that_the_app_does_not_have_is_refused_at_once(place: Place, node: str) -> None:
    stranger = place.owner.identity(f"{place.name}-stranger")
    ran = place.run([node, PROGRAMS / "unknown-identity.mjs"], STRANGER=stranger["clientId"])
    check_unknown_identity(json.loads(output_of(ran)))


def test_a_blob_is_read_if_it_is_there(place: Place, node: str) -> None:
    place.owner.container(place.name, "box")
    place.allow("Storage Blob Data Reader", place.account_id)
    place.settings(BLOB_READER_ID=place.identity["clientId"])
    assert output_of(place.run([node, PROGRAMS / "blob-if-there.mjs"])) == "not there\n"
    place.owner.blob(place.name, "box/hello.txt", "Grüße".encode())
    assert output_of(place.run([node, PROGRAMS / "blob-if-there.mjs"])) == "Grüße\n"


def test_secrets(place: Place, node: str) -> None:
    place.allow("Key Vault Secrets Officer", place.vault_id)
    assert output_of(place.run([node, PROGRAMS / "secrets.mjs"])) == "ok\n"


def test_secrets_by_a_clouds_name(place: Place, node: str) -> None:
    place.allow("Key Vault Secrets Officer", place.vault_id)
    ran = place.run([node, PROGRAMS / "secrets.mjs"], VAULT_URL=f"https://{place.name}.vault.azure.cn")
    assert output_of(ran) == "ok\n"


def test_blobs(place: Place, node: str) -> None:
    environ = prepared(place, "blobs")
    for url in account_urls(place):
        ran = place.run([node, PROGRAMS / "blobs.mjs"], ACCOUNT_URL=url, **environ)
        assert output_of(ran) == "ok\n", url


@pytest.mark.parametrize("theme", BLOB_THEMES)
def test_all_that_blobs_have(place: Place, node: str, theme: str) -> None:
    assert output_of(place.run([node, PROGRAMS / f"{theme}.mjs"], **prepared(place, theme))) == "ok\n"


def test_every_operation_of_the_clients_is_driven(node: str) -> None:
    command = [node, str(PROGRAMS / "operations.mjs")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    left = not_driven(json.loads(said), PROGRAMS.glob("*.mjs"))
    assert {name for names in left.values() for name in names} == NOT_DRIVEN


def test_a_program_is_started_again_when_the_signing_key_was_revoked(own_server: RunningServer, node: str) -> None:
    """@azure/identity does not take the vault's claims to the managed identity endpoint: its cache answers."""
    owner = Owner(own_server)
    place = make_place(owner)
    owner.secret(place.name, "greeting", "hello")
    place.allow_all()
    for _ in range(2):
        with place.talk([node, PROGRAMS / "refusals.mjs"]) as program:
            assert program.tell("get secret") == "done"
            owner.revoke_keys()
            assert program.tell("get secret") == "RestError 401 Unauthorized"
            owner.revoke_keys()
    owner.close()


def test_what_is_refused_and_when_a_change_counts(place: Place, node: str) -> None:
    fill(place)
    blobs = dict.fromkeys(BLOB_ACTIONS, "RestError 403 AuthorizationPermissionMismatch")
    # a HEAD has no body, from which alone it reads the code; and to download to a buffer it begins with one
    blobs |= dict.fromkeys(("blob properties", "read blob"), "RestError 403 undefined")
    with place.talk([node, PROGRAMS / "refusals.mjs"]) as program:
        refusals(place, program.tell, "RestError 403 Forbidden", blobs)


def test_a_registered_application(place: Place, node: str, tmp_path: Path) -> None:
    registration = register(place, tmp_path)
    ran = place.run([node, PROGRAMS / "client-credentials.mjs"], VAULT_URL=place.vault_url, **registration.variables)
    ways = ("secret", "certificate", "certificate with its chain", "environment, secret", "environment, certificate")
    assert json.loads(output_of(ran)) == dict.fromkeys((*ways, "default, secret"), "hello")

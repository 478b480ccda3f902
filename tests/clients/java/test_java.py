"""azure-identity, azure-security-keyvault-secrets, azure-storage-blob and msal4j."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.place import Command, Dialogue, Place, Ran, make_place
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
from tests.clients.tools import BUILD_SECONDS, need_namespaces
from tests.harness import Owner, RunningServer

pytestmark = pytest.mark.timeout(BUILD_SECONDS)

Java = Callable[[str], Command]
#: The first line of a machine that was given options by its environment, as `keyless run` gives them.
PICKED_UP = "Picked up JAVA_TOOL_OPTIONS: "
#: Operations that no program drives: they sign with an account key, which no account here has, ...
NOT_DRIVEN = {"generateSas", "generateAccountSas"}
#: ... have another name by now, ...
NOT_DRIVEN |= {"download"}
#: ... or only tell what a client was made with, and make another one of it.
NOT_DRIVEN |= {
    *("getAccountName", "getAccountUrl", "getBlobContainerName", "getBlobName", "getHttpPipeline", "getResourceUrl"),
    *("getServiceVersion", "getVaultUrl", "getMaxAppendBlockBytes", "getMaxBlocks"),
    *("getContainerClient", "getServiceClient", "getSnapshotClient"),
    *("getCustomerProvidedKey", "getCustomerProvidedKeyClient", "getEncryptionScope", "getEncryptionScopeClient"),
}


def output_of(ran: Ran) -> str:
    assert (ran.returncode, complaints(ran.stderr)) == (0, []), ran.stdout + ran.stderr
    return ran.stdout


def complaints(err: str) -> list[str]:
    return [line for line in err.splitlines() if not line.startswith(PICKED_UP)]


def test_identities(owner: Owner, java: Java) -> None:
    place, selectors, ways = app_with_three(owner)
    second = ways["client ID"]
    ways["default, resource ID"] = second
    ways |= {f"msal, {way}": second for way in ("client ID", "object ID", "resource ID")}
    ways["msal, system-assigned"] = ways["system-assigned"]
    assert json.loads(output_of(place.run(java("identities"), **selectors))) == ways


def test_identities_of_an_isolated_program(owner: Owner, java: Java) -> None:
    need_namespaces()
    place, selectors, ways = app_with_three(owner)
    ran = place.run_isolated(java("identities"), **selectors)
    # Netty complains of a network without a device that has a hardware address
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert {way: said[way] for way in ways} == ways


def test_an_identity_that_the_app_does_not_have_is_refused_at_once(place: Place, java: Java) -> None:
    stranger = place.owner.identity(f"{place.name}-stranger")
    said = json.loads(output_of(place.run(java("stranger"), STRANGER=stranger["clientId"])))
    check_unknown_identity(
        {name: (said[name], said[f"{name}, seconds"]) for name in ("managed identity", "default")}, 5
    )


@pytest.mark.parametrize("url", ["{vault}", "https://{name}.vault.azure.net"], ids=["own name", "cloud's name"])
def test_secrets(place: Place, java: Java, url: str) -> None:
    place.allow("Key Vault Secrets Officer", place.vault_id)
    ran = place.run(java("secrets"), VAULT_URL=url.format(vault=place.vault_url, name=place.name))
    assert output_of(ran) == "ok\n"


def test_blobs(place: Place, java: Java) -> None:
    environ = prepared(place, "blobs")
    for url in account_urls(place):
        assert output_of(place.run(java("blobs"), ACCOUNT_URL=url, **environ)) == "ok\n", url


@pytest.mark.parametrize("theme", BLOB_THEMES)
def test_all_that_blobs_have(place: Place, java: Java, theme: str) -> None:
    environ = prepared(place, theme)
    if theme == "sharing":
        # to sign, the library takes the account from the host's name, unless that has "localhost" in it
        environ["ACCOUNT_URL"] = f"https://{place.name}.blob.core.windows.net"
    assert output_of(place.run(java(theme), **environ)) == "ok\n"


def test_every_operation_of_the_clients_is_driven(java: Java) -> None:
    said = subprocess.run(java("operations"), capture_output=True, text=True, timeout=60, check=True).stdout
    left = not_driven(json.loads(said), (Path(__file__).parent / "src").glob("*.java"))
    assert {name for names in left.values() for name in names} == NOT_DRIVEN


@contextmanager
def talk(place: Place, command: Command) -> Iterator[Dialogue]:
    process = place.start(command)
    yield Dialogue(process)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, complaints(err)) == (0, [])


def test_what_is_refused_and_when_a_change_counts(place: Place, java: Java) -> None:
    fill(place)
    with talk(place, java("refusals")) as program:
        refusals(place, program.tell, "403", dict.fromkeys(BLOB_ACTIONS, "403 AuthorizationPermissionMismatch"))


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


def test_a_registered_application(place: Place, java: Java, tmp_path: Path) -> None:
    registration = register(place, tmp_path)
    ran = place.run(java("registrations"), VAULT_URL=place.vault_url, **registration.variables)
    expected = dict.fromkeys(("secret", "certificate", "certificate with its chain"), "hello")
    assert json.loads(output_of(ran)) == {**expected, "msal, secret": "a token", "msal, certificate": "a token"}

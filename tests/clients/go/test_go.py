"""azidentity, azsecrets and azblob for Go."""

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
from tests.clients.tools import BUILD_SECONDS
from tests.harness import Owner, RunningServer

pytestmark = pytest.mark.timeout(BUILD_SECONDS)

#: Operations that no program drives.
NOT_DRIVEN = {"GetSASURL"}  # signs with an account key, which no account here has


def test_identities(owner: Owner, go: Path) -> None:
    place, selectors, ways = app_with_three(owner)
    assert json.loads(output_of(place.run([go, "identities"], **selectors))) == ways


def test_an_identity_that_the_app_does_not_have_is_refused_at_once(place: Place, go: Path) -> None:
    stranger = place.owner.identity(f"{place.name}-stranger")
    check_unknown_identity(json.loads(output_of(place.run([go, "stranger"], STRANGER=stranger["clientId"]))))


@pytest.mark.parametrize("url", ["{vault}", "https://{name}.vault.azure.net"], ids=["own name", "cloud's name"])
def test_secrets(place: Place, go: Path, url: str) -> None:
    place.allow("Key Vault Secrets Officer", place.vault_id)
    ran = place.run([go, "secrets"], VAULT_URL=url.format(vault=place.vault_url, name=place.name))
    assert output_of(ran) == "ok\n"


def test_blobs(place: Place, go: Path) -> None:
    environ = prepared(place, "blobs")
    for url in account_urls(place):
        assert output_of(place.run([go, "blobs"], ACCOUNT_URL=url, **environ)) == "ok\n", url


@pytest.mark.parametrize("theme", BLOB_THEMES)
def test_all_that_blobs_have(place: Place, go: Path, theme: str) -> None:
    assert output_of(place.run([go, theme], **prepared(place, theme))) == "ok\n"


def test_every_operation_of_the_clients_is_driven(go: Path) -> None:
    said = subprocess.run([go, "operations"], capture_output=True, text=True, timeout=60, check=True).stdout
    left = not_driven(json.loads(said), Path(__file__).parent.glob("*.go"))
    assert {name for names in left.values() for name in names} == NOT_DRIVEN


def test_what_is_refused_and_when_a_change_counts(place: Place, go: Path) -> None:
    fill(place)
    with place.talk([go, "refusals"]) as program:
        blobs = dict.fromkeys(BLOB_ACTIONS, "403 AuthorizationPermissionMismatch")
        refusals(place, program.tell, "403 Forbidden", blobs)


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


def test_a_registered_application(place: Place, go: Path, tmp_path: Path) -> None:
    registration = register(place, tmp_path)
    ran = place.run([go, "registrations"], VAULT_URL=place.vault_url, **registration.variables)
    ways = ("secret", "certificate", "certificate with its chain", "environment, secret", "environment, certificate")
    assert json.loads(output_of(ran)) == dict.fromkeys((*ways, "default, secret"), "hello")

"""azure-identity (sync and aio) and msal get the tokens of exactly the identities that an app has."""

from __future__ import annotations

import json

from tests.clients.place import Place, output_of, python
from tests.clients.themes import UNKNOWN_IDENTITY, app_with_three
from tests.harness import Owner


def test_azure_identity(owner: Owner) -> None:
    place, selectors, ways = app_with_three(owner)
    ran = place.run(python("azure_identity_tokens.py"), **selectors)
    expected = {f"{kind} {way}": oid for kind in ("sync", "aio") for way, oid in ways.items()}
    assert json.loads(output_of(ran)) == expected


def test_msal(owner: Owner) -> None:
    place, selectors, ways = app_with_three(owner)
    ran = place.run(python("msal_tokens.py"), **selectors)
    assert json.loads(output_of(ran)) == {way: oid for way, oid in ways.items() if "default" not in way}


def test_a_blob_is_read_if_it_is_there(place: Place) -> None:
    owner = place.owner
    owner.container(place.name, "box")
    place.allow("Storage Blob Data Reader", place.account_id)
    place.settings(BLOB_READER_ID=place.identity["clientId"])
    assert output_of(place.run(python("blob_if_there.py"))) == "not there\n"
    owner.blob(place.name, "box/hello.txt", "Grüße".encode())
    assert output_of(place.run(python("blob_if_there.py"))) == "Grüße\n"


def test_msal_alone_gets_a_token_for_either_kind_of_identity(owner: Owner) -> None:
    place, selectors, _ = app_with_three(owner)
    assert output_of(place.run(python("msal_either.py"))) == "Bearer\n"
    assert output_of(place.run(python("msal_either.py"), VAULT_READER_ID=selectors["CLIENT_ID"])) == "Bearer\n"


def test_an_identity_that_the_app_does_not_have_is_refused_at_once(place: Place) -> None:
    stranger = place.owner.identity(f"{place.name}-stranger")
    for unknown in (stranger["clientId"], "00000000-0000-4000-8000-000000000000"):
        ran = place.run(python("unknown_identity.py"), STRANGER=unknown)
        assert ran.returncode == 0, ran.stderr
        said = json.loads(ran.stdout)
        assert set(said) == {"sync", "sync object ID", "sync default", "aio", "msal"}
        for name, (message, seconds) in said.items():
            assert UNKNOWN_IDENTITY in message, name
            assert seconds < 2, name


def test_an_app_without_identity_is_refused(place: Place) -> None:
    place.owner.app(place.name)
    ran = place.run(python("hello.py"))
    assert ran.returncode == 1
    assert "No identity is assigned to the app" in ran.stderr


def test_federated_credentials_by_azure_mgmt_msi(place: Place) -> None:
    instance, port = place.owner.server.instance, place.owner.server.port
    place.allow("Managed Identity Contributor", place.identity["id"])
    ran = place.run(
        python("federated_credentials.py"),
        GROUP="default",
        IDENTITY=place.name,
        CLIENT_ID=place.identity["clientId"],
        SUBSCRIPTION=instance.subscription,
        MANAGEMENT_URL=f"https://management.{instance.domain}:{port}",
    )
    assert output_of(ran) == "ok\n"

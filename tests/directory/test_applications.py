"""Registrations: kept whole, found by each of their names, and gone with all that they had."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keyless.directory.applications import (
    AZURE_CLI,
    MAX_CREDENTIALS,
    Application,
    ClientCertificate,
    ClientSecret,
    Scope,
    without_credential,
)
from keyless.model.errors import ErrorKind, KeylessError
from tests.directory.conftest import Tenant

SECRET = ClientSecret("k-1", "$argon2id$…", "abc", 10.0, 20.0, "first")
CERTIFICATE = ClientCertificate("k-2", b"\x30\x82", 10.0, 20.0)


async def made(tenant: Tenant, name: str = "shop") -> Application:
    return await tenant.write(lambda tx: tenant.applications.create(tx, name, 5.0))


async def changed(tenant: Tenant, one: Application, **what: object) -> Application:
    how = lambda held: replace(held, **what)  # noqa: E731
    return await tenant.write(lambda tx: tenant.applications.change(tx, one.object_id, how))


async def test_everything_of_it_is_there_after_a_restart(tenant: Tenant) -> None:
    one = await made(tenant)
    whole = await changed(
        tenant,
        one,
        identifier_uris=("api://Shop",),
        web_redirects=("https://shop.example/cb",),
        spa_redirects=("https://shop.example/",),
        public_redirects=("http://localhost",),
        public_client=True,
        scopes=(Scope("s-1", "read", "Read", "Reads."),),
        secrets=(SECRET,),
        certificates=(CERTIFICATE,),
    )
    for seen in (tenant, await tenant.after_restart()):
        found = seen.applications.by_client_id(one.client_id.upper())
        assert found == seen.applications.by_object_id(one.object_id) == whole
        for audience in ("api://shop/", one.client_id, f"api://{one.client_id}"):
            assert seen.applications.by_audience(audience) == whole
        assert list(seen.applications.all()) == [whole]


async def test_nothing_of_a_credential_is_shown() -> None:
    assert "argon2" not in repr(SECRET)
    assert "x82" not in repr(replace(CERTIFICATE))


async def test_a_service_principal_is_made_once_and_takes_the_name(tenant: Tenant) -> None:
    one = await made(tenant)
    assert tenant.directory.by_client_id(one.client_id) is None
    principal = await tenant.write(lambda tx: tenant.applications.create_service_principal(tx, one.client_id))
    assert principal.principal_id != one.object_id
    with pytest.raises(KeylessError) as error:
        await tenant.write(lambda tx: tenant.applications.create_service_principal(tx, one.client_id))
    assert error.value.kind is ErrorKind.CONFLICT
    await changed(tenant, one, display_name="store")
    found = tenant.directory.by_id(principal.principal_id)
    assert found is not None
    assert found.display_name == "store"


async def test_a_deleted_one_leaves_nothing(tenant: Tenant) -> None:
    one = await made(tenant)
    await tenant.write(lambda tx: tenant.applications.create_service_principal(tx, one.client_id))
    await changed(tenant, one, identifier_uris=("api://shop",))
    await tenant.write(lambda tx: tenant.applications.delete(tx, one.object_id))
    for seen in (tenant, await tenant.after_restart()):
        assert seen.applications.by_client_id(one.client_id) is None
        assert seen.applications.by_audience("api://shop") is None
        assert seen.directory.by_client_id(one.client_id) is None
    with pytest.raises(KeylessError) as error:
        await tenant.write(lambda tx: tenant.applications.delete(tx, one.object_id))
    assert error.value.kind is ErrorKind.NOT_FOUND
    another = await made(tenant, "another")
    await changed(tenant, another, identifier_uris=("api://shop",))


async def test_an_identifier_uri_is_one_applications(tenant: Tenant) -> None:
    one, other = await made(tenant), await made(tenant, "other")
    await changed(tenant, one, identifier_uris=("api://shop",))
    with pytest.raises(KeylessError) as error:
        await changed(tenant, other, identifier_uris=("api://free", "API://shop"))
    assert error.value.kind is ErrorKind.CONFLICT
    assert tenant.applications.by_audience("api://free") is None
    await changed(tenant, one, identifier_uris=())
    assert tenant.applications.by_audience("api://shop") is None
    await changed(tenant, other, identifier_uris=("api://shop",))


async def test_limits_hold(tenant: Tenant) -> None:
    one = await made(tenant)
    many = tuple(replace(SECRET, key_id=str(n)) for n in range(MAX_CREDENTIALS))
    await changed(tenant, one, secrets=many)
    for too_much in (
        {"certificates": (CERTIFICATE,)},
        {"public_redirects": tuple(f"http://localhost/{n}" for n in range(300))},
        {"identifier_uris": tuple(f"api://{n}" for n in range(300))},
        {"scopes": tuple(Scope(str(n), str(n)) for n in range(101))},
    ):
        with pytest.raises(KeylessError) as error:
            await changed(tenant, one, **too_much)
        assert error.value.kind is ErrorKind.INVALID
    held = tenant.applications.by_object_id(one.object_id)
    assert held is not None
    assert held.secrets == many


def test_a_credential_is_taken_away_by_its_id() -> None:
    one = Application("o", "c", "shop", secrets=(SECRET,), certificates=(CERTIFICATE,))
    assert without_credential(one, "k-1").secrets == ()
    assert without_credential(one, "k-2").certificates == ()
    with pytest.raises(KeylessError) as error:
        without_credential(one, "k-3")
    assert error.value.kind is ErrorKind.NOT_FOUND


async def test_the_clients_of_the_cloud_are_known(tenant: Tenant) -> None:
    found = tenant.applications.by_client_id("04B07795-8ddb-461a-bbee-02f9e1bf7b46")
    assert found is AZURE_CLI
    assert found.public_client
    assert list(tenant.applications.all()) == []
    with pytest.raises(KeylessError):
        await tenant.write(lambda tx: tenant.applications.delete(tx, AZURE_CLI.object_id))

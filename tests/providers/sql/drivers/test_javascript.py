"""tedious, and mssql (npm) on top of it, against the engine: each way in, each kind of encryption."""

from __future__ import annotations

import pytest

from tests.providers.sql.drivers.apps import App, Way, javascript, tedious

PROGRAMS = pytest.mark.parametrize("program", ["tedious", "mssql"])


@pytest.mark.parametrize("encrypt", ["yes", "strict"])
@PROGRAMS
def test_a_token_with_each_encryption(app: App, program: str, encrypt: str) -> None:
    app.passes(javascript(program), tedious("access-token", encrypt, token=app.place.token()))


def test_without_encryption_the_driver_goes_no_further(app: App) -> None:
    ran = app.run(javascript("tedious"), tedious("access-token", "no", token=app.place.token()))
    assert ran.returncode != 0
    assert "encrypt" in ran.stderr


@PROGRAMS
def test_the_managed_identity_of_app_service(app: App, program: str) -> None:
    app.let_in()
    app.passes(javascript(program), tedious("msi-app-service", clientId=app.client_id))


def test_the_managed_identity_of_a_virtual_machine(app: App) -> None:
    app.let_in()
    app.passes(javascript("tedious"), tedious("msi-vm", clientId=app.client_id), "--host", "imds")


def test_the_default_chain(app: App) -> None:
    app.let_in()
    app.passes(javascript("tedious"), tedious("default"))


def test_an_application_with_its_secret(app: App) -> None:
    made = app.by_secret("")
    way: Way = tedious(
        "service-principal-secret",
        clientId=made["CLIENT"],
        clientSecret=made["SECRET"],
        tenantId=app.place.server.instance.tenant,
    )
    app.passes(javascript("tedious"), way)


def test_bulk_load(app: App) -> None:
    app.passes(javascript("bulk"), tedious("access-token", token=app.place.token()))


def test_procedures_and_control_flow(app: App) -> None:
    app.passes(javascript("control"), tedious("access-token", token=app.place.token()))

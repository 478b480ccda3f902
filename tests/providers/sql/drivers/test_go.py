"""go-mssqldb against the engine: each way in, each kind of encryption."""

from __future__ import annotations

import pytest

from tests.providers.sql.drivers.apps import App, go


@pytest.mark.parametrize("encrypt", ["true", "false", "strict"])
def test_a_token_with_each_encryption(app: App, encrypt: str) -> None:
    app.passes(go(encrypt), app.token())


def test_without_encryption_nobody_gets_in(app: App) -> None:
    assert app.run(go("disable"), app.token()).returncode != 0


@pytest.mark.parametrize("mode", ["ActiveDirectoryManagedIdentity", "ActiveDirectoryMSI"])
def test_the_managed_identity(app: App, mode: str) -> None:
    app.passes(go(), app.by_identity(mode))


def test_the_default_chain(app: App) -> None:
    app.passes(go(), app.by_default("ActiveDirectoryDefault"))


def test_an_application_with_its_secret(app: App) -> None:
    app.passes(go(), app.by_secret("ActiveDirectoryServicePrincipal"))


def test_bulk_load(app: App) -> None:
    app.passes([*go(), "bulk"], app.token())


def test_procedures_and_control_flow(app: App) -> None:
    app.passes([*go(), "control"], app.token())

"""mssql-jdbc against the engine: each way in, each kind of encryption."""

from __future__ import annotations

import pytest

from tests.providers.sql.drivers.apps import App, java


@pytest.mark.parametrize("encrypt", ["true", "false", "strict"])
def test_a_token_with_each_encryption(app: App, encrypt: str) -> None:
    app.passes(java(encrypt), app.token())


@pytest.mark.parametrize("mode", ["ActiveDirectoryManagedIdentity", "ActiveDirectoryMSI"])
def test_the_managed_identity(app: App, mode: str) -> None:
    app.passes(java(), app.by_identity(mode))


def test_the_default_chain(app: App) -> None:
    app.passes(java(), app.by_default("ActiveDirectoryDefault"))


def test_an_application_with_its_secret(app: App) -> None:
    app.passes(java(), app.by_secret("ActiveDirectoryServicePrincipal"))


def test_bulk_load(app: App) -> None:
    app.passes([*java(), "bulk"], app.token())


def test_procedures_and_control_flow(app: App) -> None:
    app.passes([*java(), "control"], app.token())


def test_what_the_database_has(app: App) -> None:
    app.passes([*java(), "catalog"], app.token())

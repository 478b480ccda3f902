"""System.Data.SqlClient for .NET, in a program that has it, against the engine."""

from __future__ import annotations

import pytest

from tests.providers.sql.drivers.apps import App, dotnet


@pytest.mark.parametrize("encrypt", ["true", "false"])
def test_a_token_with_each_encryption(app: App, encrypt: str) -> None:
    app.passes(dotnet(encrypt), app.token())

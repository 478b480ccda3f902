"""References to a vault in app settings: every form, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.model.errors import KeylessError
from keyless.workload.references import SecretReference, parse_reference

DOMAIN = "keyless.localhost"
VERSION = "0123456789abcdef0123456789ABCDEF"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("SecretUri=https://kv.vault.azure.net/secrets/db", ("kv.vault.azure.net", None, "db", "")),
        ("SecretUri=https://kv.vault.azure.net/secrets/db/", ("kv.vault.azure.net", None, "db", "")),
        (f"SecretUri=https://kv.vault.x:8443/secrets/db/{VERSION}", ("kv.vault.x", 8443, "db", VERSION)),
        ("VaultName=kv;SecretName=db", (f"kv.vault.{DOMAIN}", None, "db", "")),
        (f"VaultName=kv; SecretName=db; SecretVersion={VERSION};", (f"kv.vault.{DOMAIN}", None, "db", VERSION)),
        ("secretname=db;VAULTNAME=kv;SecretVersion=", (f"kv.vault.{DOMAIN}", None, "db", "")),
    ],
)
def test_a_reference(inside: str, expected: tuple[str, int | None, str, str]) -> None:
    for text in (f"@Microsoft.KeyVault({inside})", f" @MICROSOFT.keyvault({inside})\n"):
        assert parse_reference(text, DOMAIN) == SecretReference(*expected)


@pytest.mark.parametrize(
    "text", ["", "plain", "x@Microsoft.KeyVault(a=b)", "@Microsoft.KeyVault", "@Microsoft.AppConfig(x)"]
)
def test_an_ordinary_value(text: str) -> None:
    assert parse_reference(text, DOMAIN) is None


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "nonsense",
        "SecretUri=",
        "SecretUri=http://kv.vault.azure.net/secrets/db",
        "SecretUri=https://kv.vault.azure.net/keys/db",
        "SecretUri=https://kv.vault.azure.net/secrets/",
        "SecretUri=https://kv.vault.azure.net/secrets/a/b/c",
        "SecretUri=https://kv.vault.azure.net:x/secrets/db",
        "SecretUri=https://[::1/secrets/db",
        "VaultName=kv",
        "SecretName=db",
        "VaultName=kv;SecretName=a/b",
        "VaultName=kv;SecretName=../db",
        "VaultName=kv;SecretName=db;Other=x",
        "VaultName=kv;SecretName=db;SecretVersion=latest",
        "VaultName=kv/secrets/other?x=;SecretName=db",
        "VaultName=kv#;SecretName=db",
        "VaultName=evil.example/;SecretName=db",
        "SecretUri=https://kv.vault.azure.net/secrets/db;SecretName=x",
    ],
)
def test_a_malformed_reference_is_refused(inside: str) -> None:
    with pytest.raises(KeylessError):
        parse_reference(f"@Microsoft.KeyVault({inside})", DOMAIN)


@given(st.text(max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    for given_text in (text, f"@Microsoft.KeyVault({text})", f"@Microsoft.KeyVault(SecretUri={text})"):
        try:
            parse_reference(given_text, DOMAIN)
        except KeylessError:
            continue

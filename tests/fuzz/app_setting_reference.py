"""Vault references in app settings: what is one leads to a secret's path and nowhere else."""

from __future__ import annotations

import re

from keyless.http.hosts import Hosts
from keyless.model.errors import ErrorKind, KeylessError
from keyless.workload.references import parse_reference

_HOSTS = Hosts("keyless.localhost")
SEEDS = (
    b"plain",
    b"@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/db)",
    b"@Microsoft.KeyVault(SecretUri=https://kv.vault.keyless.localhost:8443/secrets/db/0123456789abcdef0123456789abcdef/)",
    b"@Microsoft.KeyVault(VaultName=kv;SecretName=db)",
    b"@microsoft.keyvault( VaultName = kv ; SecretName = db ; SecretVersion = 0123456789abcdef0123456789abcdef ; )",
    b"@Microsoft.KeyVault(SecretUri=https://[::1/secrets/db)",
    b"@Microsoft.KeyVault(SecretUri=https://a:b@kv.vault.azure.net:99999/secrets/../db)",
    "@Microsoft.KeyVault(SecretUri=https://\u2100/secrets/db)".encode(),
)


def fuzz(data: bytes) -> None:
    """One input."""
    text = data.decode("utf-8", "ignore")
    try:
        found = parse_reference(text, "keyless.localhost")
    except KeylessError as error:
        assert error.kind is ErrorKind.INVALID
        return
    if found is None:
        return
    assert text.strip().lower().startswith("@microsoft.keyvault(")
    assert re.fullmatch(r"[0-9A-Za-z-]{1,127}", found.name)
    assert re.fullmatch(r"(?:[0-9A-Fa-f]{32})?", found.version)
    _HOSTS.target(found.host, f"/secrets/{found.name}")

"""A vault's data plane as commands use it. Owns its address, its version and the paths of secrets.

Source: Azure Key Vault REST API, "Secrets" (7.4).
"""

from __future__ import annotations

import re
from urllib.parse import quote

import click

from keyless.cli.command import Keyless
from keyless.cli.instance import Endpoint

VERSION = {"api-version": "7.4"}
_VAULT = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]")


def vault_endpoint(keyless: Keyless, vault: str) -> Endpoint:
    """A vault's data plane; the name becomes part of a host name, so it is checked."""
    if not _VAULT.fullmatch(vault):
        raise click.BadParameter(f"{vault!r} is not a vault's name: 3 to 24 letters, digits or '-'.")
    return keyless.instance.vault(vault.lower())


def secret_path(name: str) -> str:
    """The path of a secret."""
    return f"/secrets/{quote(name, safe='')}"

"""Vaults: `Microsoft.KeyVault/vaults`.

Owns their declaration. Source: Azure REST API, "Vaults" (2023-07-01).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from keyless.management.arm import flag_of, object_of
from keyless.management.resource_type import Draft, ResourceType
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.resource import Resource
from keyless.providers.key_vault.vault import (
    MAX_RETENTION_DAYS,
    MIN_RETENTION_DAYS,
    PURGE_PROTECTION,
    RETENTION,
    Vault,
    vault_of,
)
from keyless.store.engine import Tx

NAME = "Microsoft.KeyVault/vaults"


def vaults(tenant: str, url: Callable[[str], str], purge: Callable[[Tx, str], None]) -> ResourceType:
    """The declaration. `url` gives a vault's address from its name, `purge` removes what it holds."""

    def view(vault: Resource) -> Mapping[str, object]:
        return {
            "tenantId": tenant,
            "sku": vault.properties.get("sku"),
            "vaultUri": url(vault.name),
            "enableRbacAuthorization": True,
            "enableSoftDelete": True,
            RETENTION: vault_of(vault).retention_days,
            "accessPolicies": [],
            "provisioningState": "Succeeded",
            # absent while it is off: the service has no word for false
            **({PURGE_PROTECTION: True} if vault_of(vault).purge_protected else {}),
        }

    def written(tx: Tx, old: Resource | None, vault: Resource) -> Resource:
        if old is None:  # a write to an earlier vault of this name may have come in after that one's end
            purge(tx, vault.id.key)
        return vault

    def deleted(tx: Tx, vault: Resource) -> None:
        purge(tx, vault.id.key)

    return ResourceType(
        NAME,
        re.compile(r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]"),
        "3 to 24 letters, digits or '-', beginning with a letter, no '--' and no '-' at the end.",
        _parse,
        view,
        globally_unique=True,
        written=written,
        deleted=deleted,
    )


def _parse(draft: Draft) -> Mapping[str, object]:
    if not flag_of(draft.properties, "enableRbacAuthorization", True) or draft.properties.get("accessPolicies"):
        message = "Access policies are not there: leave enableRbacAuthorization true and assign roles."
        raise KeylessError(ErrorKind.UNSUPPORTED, message)
    before = vault_of(draft.old) if draft.old else None
    protected = _purge_protection(draft, before)
    return {
        "sku": object_of(draft.properties, "sku") or {"family": "A", "name": "standard"},
        RETENTION: _retention(draft, before),
        **({PURGE_PROTECTION: True} if protected else {}),
    }


def _retention(draft: Draft, before: Vault | None) -> int:
    """How many days; chosen once, because what was deleted under one promise is not kept by another."""
    days = draft.properties.get(RETENTION)
    if days is None:
        return before.retention_days if before else MAX_RETENTION_DAYS
    if type(days) is not int or not MIN_RETENTION_DAYS <= days <= MAX_RETENTION_DAYS:
        raise _bad_request(f"{RETENTION} is a number from {MIN_RETENTION_DAYS} to {MAX_RETENTION_DAYS}.")
    if before and days != before.retention_days:
        raise _bad_request(f"{RETENTION} has been set to {before.retention_days} and cannot be changed any more.")
    return days


def _purge_protection(draft: Draft, before: Vault | None) -> bool:
    """Whether it is on: it cannot be taken back, or it would protect from nobody."""
    if not flag_of(draft.properties, "enableSoftDelete", True):
        raise _bad_request("enableSoftDelete cannot be false: what is deleted in a vault can always be recovered.")
    if draft.properties.get(PURGE_PROTECTION) is None:
        return before is not None and before.purge_protected
    wanted = flag_of(draft.properties, PURGE_PROTECTION, False)
    if before and before.purge_protected and not wanted:
        raise _bad_request(f"{PURGE_PROTECTION} cannot be set to false any more: leave it out, or leave it true.")
    return wanted


def _bad_request(message: str) -> KeylessError:
    return invalid(message, "BadRequest")

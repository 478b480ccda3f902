"""Vaults: `Microsoft.KeyVault/vaults`.

Owns their declaration. Source: Azure REST API, "Vaults" (2023-07-01).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from keyless.management.arm import flag_of, object_of
from keyless.management.resource_type import Draft, ResourceType
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.resource import Resource
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
            "softDeleteRetentionInDays": 90,
            "accessPolicies": [],
            "provisioningState": "Succeeded",
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
    return {"sku": object_of(draft.properties, "sku") or {"family": "A", "name": "standard"}}

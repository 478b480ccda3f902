"""Storage accounts: `Microsoft.Storage/storageAccounts`.

Owns their declaration. Account keys are left out on purpose: an application gets a token instead.
Source: Azure REST API, "Storage Accounts" (2023-05-01).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.management.resource_type import Draft, ResourceType, SubOperation
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.resource import Resource
from keyless.providers.storage.blob_services import BlobServices
from keyless.store.engine import Tx

NAME = "Microsoft.Storage/storageAccounts"


def storage_accounts(
    url: Callable[[str], str], purge: Callable[[Tx, str], None], blob_services: BlobServices
) -> ResourceType:
    """The declaration. `url` gives an account's blob address from its name, `purge` removes what it holds."""

    def view(account: Resource) -> Mapping[str, object]:
        return {
            "primaryEndpoints": {"blob": url(account.name)},
            "creationTime": datetime.fromtimestamp(account.created, UTC).isoformat(),
            "allowSharedKeyAccess": False,
            "allowBlobPublicAccess": False,
            "supportsHttpsTrafficOnly": True,
            "accessTier": "Hot",
            "provisioningState": "Succeeded",
        }

    def deleted(tx: Tx, account: Resource) -> None:
        purge(tx, account.id.key)

    return ResourceType(
        NAME,
        re.compile(r"[a-z0-9]{3,24}"),
        "3 to 24 lower-case letters or digits.",
        _parse,
        view,
        globally_unique=True,
        deleted=deleted,
        operations={
            ("POST", "listkeys"): SubOperation(f"{NAME}/listkeys/action", _no_keys),
            **blob_services.operations(),
        },
    )


def _parse(_draft: Draft) -> Mapping[str, object]:
    return {}


async def _no_keys(_call: Call, account: Resource) -> Response:
    message = f"{account.name!r} has no account keys: use a token of an identity that has a role there."
    raise KeylessError(ErrorKind.UNSUPPORTED, message, code="KeyBasedAuthenticationNotPermitted")

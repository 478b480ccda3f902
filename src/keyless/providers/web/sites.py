"""Apps: `Microsoft.Web/sites`, the workload hosts that have identities assigned.

Owns their declaration. Source: Azure REST API, "Web Apps" (2024-04-01).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from keyless.management.arm import text_of
from keyless.management.resource_type import Draft, ResourceType
from keyless.model.errors import invalid
from keyless.model.resource import Resource
from keyless.model.resource_id import parse_resource_id
from keyless.providers.web.app_settings import AppSettings
from keyless.store.engine import Tx

NAME = "Microsoft.Web/sites"
SYSTEM_ASSIGNED = "SystemAssigned"


def sites(settings: AppSettings, domain: str) -> ResourceType:
    """The declaration. Names are unique everywhere, as they are in the cloud: `keyless run --app` takes one."""

    def view(app: Resource) -> Mapping[str, object]:
        return {
            "state": "Running",
            "enabled": True,
            "defaultHostName": f"{app.name}.apps.{domain}",
            "keyVaultReferenceIdentity": app.properties.get("keyVaultReferenceIdentity", SYSTEM_ASSIGNED),
            "provisioningState": "Succeeded",
        }

    def deleted(tx: Tx, app: Resource) -> None:
        settings.delete(tx, app.id)

    return ResourceType(
        NAME,
        re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,58}[A-Za-z0-9])?"),
        "1 to 60 letters, digits or '-', with a letter or digit at both ends.",
        _parse,
        view,
        globally_unique=True,
        carries_identity=True,
        deleted=deleted,
        operations=settings.operations(),
    )


def _parse(draft: Draft) -> Mapping[str, object]:
    chosen = text_of(draft.properties, "keyVaultReferenceIdentity", "")
    if not chosen or chosen == SYSTEM_ASSIGNED:
        return {}
    identity = parse_resource_id(chosen)
    if identity.type.lower() != "microsoft.managedidentity/userassignedidentities":
        raise invalid("keyVaultReferenceIdentity is 'SystemAssigned' or an identity's resource ID.", "InvalidIdentity")
    return {"keyVaultReferenceIdentity": str(identity)}

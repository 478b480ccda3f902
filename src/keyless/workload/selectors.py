"""How requests name the identity that they mean, in every spelling that a client of any host sends.

Owns the spellings. Must not know which identities there are (`assigned.py`). Pure.

Source: App Service, "REST endpoint reference" (2017-09-01: `clientid`; 2019-08-01: `client_id`, `principal_id`,
`mi_res_id`); virtual machines, "How to use managed identities to acquire an access token" (`object_id`,
`msi_res_id`); Service Fabric (`principalId`, from Azure.Identity for .NET).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keyless.model.errors import KeylessError, invalid

_CLIENT_ID = ("client_id", "clientid")
_OBJECT_ID = ("object_id", "principal_id", "principalId")
_RESOURCE_ID = ("mi_res_id", "msi_res_id", "msi-res-id", "resource_id")


@dataclass(frozen=True)
class Selector:
    """How a request names an identity; all empty: it does not."""

    client_id: str = ""
    object_id: str = ""
    resource_id: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether no identity is named."""
        return not (self.client_id or self.object_id or self.resource_id)


def read_selector(fields: Mapping[str, str]) -> Selector:
    """Which identity a query or a form names; raises INVALID when it names one in several ways."""

    def first(names: tuple[str, ...]) -> str:
        given = {value for name in names if (value := fields.get(name))}
        if len(given) > 1:
            raise _ambiguous()
        return next(iter(given), "")

    selector = Selector(first(_CLIENT_ID), first(_OBJECT_ID), first(_RESOURCE_ID))
    if sum(map(bool, (selector.client_id, selector.object_id, selector.resource_id))) > 1:
        raise _ambiguous()
    return selector


def _ambiguous() -> KeylessError:
    return invalid("Name the identity in one way only: client_id, object_id or mi_res_id.")

"""Federated credentials of user-assigned identities: declared as a resource type below the identity.

Owns the declaration, and the credentials of every identity in memory, where the token endpoint looks them up.

Source: Azure REST API, "Federated Identity Credentials" (2024-11-30).
"""

from __future__ import annotations

from collections.abc import Mapping

from keyless.management import resources as table
from keyless.management.arm import text_of
from keyless.management.resource_type import Draft, ResourceType
from keyless.management.resources import ResourceDeleted, Resources, ResourceWritten
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.federation import (
    MAX_TEXT,
    NAME_PATTERN,
    NAME_RULE,
    FederatedCredential,
    check_credential,
    check_together,
)
from keyless.model.identity import Principal
from keyless.model.resource import Resource
from keyless.model.resource_id import ROOT
from keyless.providers.managed_identity.user_assigned import NAME as IDENTITY
from keyless.store.engine import Store, Tx

NAME = f"{IDENTITY}/federatedIdentityCredentials"


class FederatedCredentials:
    """The credentials of every identity. Call `load` once at start, after the resources'."""

    def __init__(self, store: Store, resources: Resources) -> None:
        self._resources = resources
        self._held: dict[str, dict[str, FederatedCredential]] = {}
        store.subscribe(ResourceWritten, self._written)
        store.subscribe(ResourceDeleted, self._deleted)

    async def load(self) -> None:
        """Take up those that there are."""
        for resource in self._resources.below(ROOT, NAME):
            self._written(ResourceWritten(resource))

    def of(self, principal: Principal) -> tuple[FederatedCredential, ...]:
        """What proves this principal, if it is a user-assigned identity."""
        return tuple(self._held.get(principal.resource_id.lower(), {}).values())

    def _written(self, change: ResourceWritten) -> None:
        resource = change.resource
        if _is_one(resource.id.type):
            self._held.setdefault(resource.id.parent.key, {})[resource.id.key] = _credential(resource)

    def _deleted(self, change: ResourceDeleted) -> None:
        if _is_one(change.id.type):
            held = self._held.get(change.id.parent.key, {})
            held.pop(change.id.key, None)
            if not held:
                self._held.pop(change.id.parent.key, None)


def federated_credentials() -> ResourceType:
    """The declaration."""
    return ResourceType(
        NAME,
        NAME_PATTERN,
        NAME_RULE,
        _parse,
        lambda resource: resource.properties,
        written=_written,
        tracked=False,
    )


def _parse(draft: Draft) -> Mapping[str, object]:
    given = draft.properties
    if given.get("claimsMatchingExpression") is not None:
        raise KeylessError(
            ErrorKind.UNSUPPORTED,
            "A claimsMatchingExpression is not there: name the subject itself.",
        )
    audiences = given.get("audiences")
    if not isinstance(audiences, list) or not all(isinstance(one, str) for one in audiences):
        raise invalid("The request's 'audiences' has to be a list of strings.", "InvalidRequestContent")
    credential = check_credential(
        FederatedCredential(draft.id.name, text_of(given, "issuer"), text_of(given, "subject"), tuple(audiences))
    )
    shown: dict[str, object] = {
        "issuer": credential.issuer,
        "subject": credential.subject,
        "audiences": list(credential.audiences),
    }
    if description := text_of(given, "description", ""):
        if len(description) > MAX_TEXT:
            raise invalid(f"A description has at most {MAX_TEXT} characters.", "InvalidRequestContent")
        shown["description"] = description
    return shown


def _written(tx: Tx, _old: Resource | None, new: Resource) -> Resource:
    others = (one for one in table.read_below(tx, new.id.parent) if _is_one(one.id.type) and one.id != new.id)
    check_together(_credential(new), tuple(map(_credential, others)))
    return new


def _is_one(resource_type: str) -> bool:
    return resource_type.lower() == NAME.lower()


def _credential(resource: Resource) -> FederatedCredential:
    found = resource.properties
    audiences = found["audiences"]
    assert isinstance(audiences, list)
    return FederatedCredential(
        resource.name, str(found["issuer"]), str(found["subject"]), tuple(str(one) for one in audiences)
    )

"""Vaults: `Microsoft.KeyVault/vaults`.

Owns their declaration. Source: Azure REST API, "Vaults" (2023-07-01).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from keyless.http.message import Response
from keyless.http.surface import Call
from keyless.management import resources as table
from keyless.management.arm import flag_of, json_response, object_of, read_object, text_of
from keyless.management.resource_type import Draft, ResourceType, SubOperation
from keyless.model.access import Permission, Requirement
from keyless.model.clock import Clock
from keyless.model.errors import KeylessError, invalid, not_found
from keyless.model.resource import Resource
from keyless.providers.key_vault.access_policies import (
    CHANGES,
    POLICIES,
    ROLES_DECIDE,
    Policy,
    combine,
    parse_policies,
    policies_of,
    under_policies,
)
from keyless.providers.key_vault.deleted_vaults import DeletedVaults
from keyless.providers.key_vault.vault import (
    MAX_RETENTION_DAYS,
    MIN_RETENTION_DAYS,
    PURGE_PROTECTION,
    RETENTION,
    Vault,
    vault_of,
)
from keyless.store.engine import Store, Tx

NAME = "Microsoft.KeyVault/vaults"
NAME_PATTERN = re.compile(r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]")
NAME_RULE = "3 to 24 letters, digits or '-', beginning with a letter, no '--' and no '-' at the end."
#: "recover", in a request; between its reading and its writing also in the properties, but never stored.
CREATE_MODE = "createMode"


def vaults(tenant: str, url: Callable[[str], str], deleted: DeletedVaults) -> ResourceType:
    """The declaration. `url` gives a vault's address from its name; `deleted` takes those that are deleted."""
    policies = PolicyChanges(deleted.store, deleted.clock, tenant)

    def view(vault: Resource) -> Mapping[str, object]:
        return {
            "tenantId": tenant,
            "sku": vault.properties.get("sku"),
            "vaultUri": url(vault.name),
            ROLES_DECIDE: not under_policies(vault),
            "enableSoftDelete": True,
            RETENTION: vault_of(vault).retention_days,
            POLICIES: policies_of(vault),
            "provisioningState": "Succeeded",
            # absent while it is off: the service has no word for false
            **({PURGE_PROTECTION: True} if vault_of(vault).purge_protected else {}),
        }

    def written(tx: Tx, old: Resource | None, vault: Resource) -> Resource:
        if CREATE_MODE in vault.properties:
            # as it was, whatever else the request says
            return replace(deleted.take_back(tx, vault.id), changed=vault.changed)
        if old is None:
            deleted.check_name(tx, vault.name)
            # a write to an earlier vault of this name may have come in after that one's end
            deleted.purge_contents(tx, vault.id.key)
        return vault

    return ResourceType(
        NAME,
        NAME_PATTERN,
        NAME_RULE,
        partial(_parse, tenant),
        view,
        globally_unique=True,
        written=written,
        deleted=deleted.keep,
        links=_links,
        operations={("PUT", f"{POLICIES}/{how}".lower()): policies.operation(how) for how in CHANGES},
    )


@dataclass(frozen=True)
class PolicyChanges:
    """`…/accessPolicies/{add|replace|remove}`: changes to policies that leave the rest of the vault alone."""

    store: Store
    clock: Clock
    tenant: str

    def operation(self, how: str) -> SubOperation:
        """The operation of that name. Whoever may write the vault may do this too, as in the service."""
        return SubOperation(
            f"{NAME}/{POLICIES}/write", partial(self._change, how), changes=True, other_actions=(f"{NAME}/write",)
        )

    async def _change(self, how: str, call: Call, vault: Resource) -> Response:
        properties = object_of(await read_object(call.request), "properties")
        given = parse_policies(properties.get(POLICIES), self.tenant)

        def work(tx: Tx) -> list[Policy]:
            old = table.read(tx, vault.id)
            if old is None:
                raise not_found(f"{vault.id} is not there.", "ResourceNotFound")
            changed = combine(how, policies_of(old), given)
            new = replace(old, properties={**old.properties, POLICIES: changed}, changed=self.clock())
            table.write(tx, new, unique=True)
            return changed

        return json_response(
            200,
            {
                "id": f"{vault.id}/{POLICIES}/",
                "type": f"{NAME}/{POLICIES}",
                "properties": {POLICIES: await self.store.write(work)},
            },
        )


def _links(draft: Draft) -> tuple[Requirement, ...]:
    """To change who decides about a vault is to change who may use it."""
    if draft.old is None or under_policies(draft.old) != _roles_decide(draft):
        return ()
    return (Requirement(draft.old.id, (Permission("Microsoft.Authorization/roleAssignments/write"),)),)


def _roles_decide(draft: Draft) -> bool:
    if draft.properties.get(ROLES_DECIDE) is None:
        return draft.old is None or not under_policies(draft.old)
    return flag_of(draft.properties, ROLES_DECIDE, True)


def _parse(tenant: str, draft: Draft) -> Mapping[str, object]:
    """What a request leaves out stays as it is, or as the service has it by default."""
    before = vault_of(draft.old) if draft.old else None
    policies = draft.properties.get(POLICIES)
    if policies is None:
        policies = list(policies_of(draft.old)) if draft.old else []
    protected = _purge_protection(draft, before)
    return {
        "sku": object_of(draft.properties, "sku") or {"family": "A", "name": "standard"},
        ROLES_DECIDE: _roles_decide(draft),
        POLICIES: parse_policies(policies, tenant),
        RETENTION: _retention(draft, before),
        **({PURGE_PROTECTION: True} if protected else {}),
        **({CREATE_MODE: "recover"} if _recovers(draft) else {}),
    }


def _recovers(draft: Draft) -> bool:
    mode = text_of(draft.properties, CREATE_MODE, "default")
    if mode not in {"default", "recover"}:
        raise _bad_request(f"{CREATE_MODE} is 'default' or 'recover'.")
    return mode == "recover"


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

"""Access policies: what a vault itself grants to whom, where it is not left to role assignments.

Owns their shape, how sets of them are combined, and the decision that follows from them. Pure. Must not know where
vaults are kept.

Source: Azure REST API, "Vaults - Update Access Policy" (2023-07-01); Azure Key Vault REST API (the permission that each
operation on secrets requires); `Set-AzKeyVaultAccessPolicy` ("all" is everything but "purge").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from keyless.management.arm import object_of, text_of
from keyless.model.access import Denied, PolicyGrant, Requirement
from keyless.model.errors import KeylessError, invalid
from keyless.model.resource import Resource
from keyless.providers.key_vault.errors import FORBIDDEN_BY_POLICY

POLICIES = "accessPolicies"
ROLES_DECIDE = "enableRbacAuthorization"
MAX_POLICIES = 1024
_MAX_PERMISSIONS = 32
_KINDS = ("keys", "secrets", "certificates", "storage")
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_WORD = re.compile(r"[a-z]{1,32}")

_ACTIONS = {
    "get": ("getSecret/action",),
    "list": ("readMetadata/action",),
    "set": ("setSecret/action", "update/action"),
    "delete": ("delete",),
    "recover": ("recover/action",),
    "backup": ("backup/action",),
    "restore": ("restore/action",),
    "purge": ("purge/action",),
}
#: Data action in lower case → the permission that covers it.
_PERMISSIONS = {
    f"microsoft.keyvault/vaults/secrets/{action}".lower(): permission
    for permission, actions in _ACTIONS.items()
    for action in actions
}
_ALL = tuple(permission for permission in _ACTIONS if permission != "purge")

#: One policy as the resource manager shows it, checked.
Policy = Mapping[str, object]


def under_policies(vault: Resource) -> bool:
    """Whether access policies decide at this vault, and not role assignments."""
    return vault.properties.get(ROLES_DECIDE) is False


def policies_of(vault: Resource) -> Sequence[Policy]:
    """Those that are kept with a vault, in force or not."""
    return cast("Sequence[Policy]", vault.properties.get(POLICIES, ()))


def parse_policies(value: object, tenant: str) -> list[Policy]:
    """Check the policies of a request, and put each into its one form; raises INVALID.

    Two for the same principal become one.
    """
    if not isinstance(value, list):
        raise _bad(f"{POLICIES} is a list.")
    return _within_limit(_changed("add", (), [_parse_one(item, tenant) for item in value]))


def combine(how: str, held: Iterable[Policy], given: Iterable[Policy]) -> list[Policy]:
    """Policies after a change: `given` ones `add` to what a principal has, `replace` it, or `remove` from it.

    A policy that no permission is left of goes. Raises INVALID beyond the limit.
    """
    changed = _changed(how, held, given)
    return _within_limit([policy for policy in changed if any(_permissions(policy).values())])


@dataclass(frozen=True)
class AccessPolicies:
    """Decides at vaults that are under access policies; `vault` finds one by its name, from memory."""

    vault: Callable[[str], Resource | None]

    def rule(self, holders: tuple[str, ...], need: Requirement) -> PolicyGrant | Denied | None:
        """See `model.access.OwnRule`. What is no data action is for role assignments to decide, here as elsewhere.

        `holders` are the principal and its groups, by object ID: a policy may be for any of them.
        """
        segments = need.scope.segments
        if len(segments) < 8 or segments[5].lower() != "microsoft.keyvault":
            return None
        vault = self.vault(segments[7])
        if vault is None or not under_policies(vault) or not vault.id.contains(need.scope):
            return None
        wanted = [_PERMISSIONS.get(p.action.lower(), "") for p in need.any_of if p.data]
        if not wanted:
            return None
        held = {holder: _held(vault, holder) for holder in holders}
        for holder, permissions in held.items():
            granted = next((permission for permission in wanted if permission in permissions), None)
            if granted:
                whose = "it" if holder == holders[0] else f"its group {holder}"
                why = f"The access policy for {whose} at {vault.id} includes the secret permission {granted!r}."
                return PolicyGrant(f"{vault.id}/{POLICIES}/{holder}", why)
        return _denied(vault, need, wanted, frozenset().union(*held.values()))


def _denied(vault: Resource, need: Requirement, wanted: Sequence[str], held: frozenset[str]) -> Denied:
    known = [permission for permission in wanted if permission]
    has = f"the one for it has {', '.join(sorted(held))} only" if held else "there is none for it"
    if not known:
        why = f"Access policies decide at {vault.id}, and they know secrets only."
        return Denied(need, why, "No access policy includes it.", FORBIDDEN_BY_POLICY)
    why = f"Access policies decide at {vault.id}, not roles, and {has}."
    return Denied(need, why, f"Add the secret permission {known[0]!r} to its access policy.", FORBIDDEN_BY_POLICY)


def _held(vault: Resource, principal_id: str) -> frozenset[str]:
    """The permissions of a principal; what it may do on behalf of another through one application is not its own."""
    for policy in policies_of(vault):
        if policy["objectId"] == principal_id and "applicationId" not in policy:
            return frozenset(_spelt_out(_permissions(policy)["secrets"]))
    return frozenset()


def _spelt_out(words: Iterable[str]) -> list[str]:
    """Secret permissions, with each that "all" stands for in its place."""
    return list(dict.fromkeys(one for word in words for one in (_ALL if word == "all" else (word,))))


def _holder(policy: Policy) -> tuple[object, object]:
    return policy["objectId"], policy.get("applicationId")


def _permissions(policy: Policy) -> dict[str, list[str]]:
    return cast("dict[str, list[str]]", policy["permissions"])


def _changed(how: str, held: Iterable[Policy], given: Iterable[Policy]) -> list[Policy]:
    found = {_holder(policy): policy for policy in held}
    for policy in given:
        before = found.get(_holder(policy), {**policy, "permissions": {}})
        found[_holder(policy)] = {**policy, "permissions": _CHANGES[how](_permissions(before), _permissions(policy))}
    return list(found.values())


def _within_limit(policies: list[Policy]) -> list[Policy]:
    if len(policies) > MAX_POLICIES:
        raise _bad(f"A vault has at most {MAX_POLICIES} access policies.")
    return policies


def _add(before: Mapping[str, list[str]], given: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {kind: list(dict.fromkeys([*before.get(kind, ()), *given[kind]])) for kind in _KINDS}


def _replace(_before: Mapping[str, list[str]], given: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return dict(given)


def _remove(before: Mapping[str, list[str]], given: Mapping[str, list[str]]) -> dict[str, list[str]]:
    left = {kind: [word for word in before.get(kind, ()) if word not in given[kind]] for kind in _KINDS}
    # of "all" without "get" the others are left
    gone = _spelt_out(given["secrets"])
    if set(gone) & set(_spelt_out(left["secrets"])):
        left["secrets"] = [word for word in _spelt_out(left["secrets"]) if word not in gone]
    return left


_CHANGES = {"add": _add, "replace": _replace, "remove": _remove}
CHANGES = tuple(_CHANGES)


def _parse_one(item: object, tenant: str) -> Policy:
    if not isinstance(item, dict):
        raise _bad("An access policy is an object with tenantId, objectId and permissions.")
    if text_of(item, "tenantId", tenant).lower() != tenant.lower():
        raise _bad(f"An access policy's tenantId is that of its vault, {tenant}.")
    given = object_of(item, "permissions")
    permissions = {kind: _words(given, kind) for kind in _KINDS}
    unknown = sorted(set(permissions["secrets"]) - {*_ACTIONS, "all"})
    if unknown:
        known = ", ".join((*_ACTIONS, "all"))
        raise _bad(f"There is no secret permission {unknown[0]!r}: choose among {known}.")
    policy: dict[str, object] = {"tenantId": tenant, "objectId": _guid(item, "objectId"), "permissions": permissions}
    if item.get("applicationId") is not None:
        policy["applicationId"] = _guid(item, "applicationId")
    return policy


def _words(given: Mapping[str, object], kind: str) -> list[str]:
    words = given.get(kind) or []
    if not isinstance(words, list) or len(words) > _MAX_PERMISSIONS:
        raise _bad(f"The {kind} permissions of an access policy are a list of at most {_MAX_PERMISSIONS} words.")
    if not all(isinstance(word, str) and _WORD.fullmatch(word.lower()) for word in words):
        raise _bad(f"The {kind} permissions of an access policy are words.")
    return list(dict.fromkeys(word.lower() for word in words))


def _guid(item: Mapping[str, object], name: str) -> str:
    text = text_of(item, name).lower()
    if not _GUID.fullmatch(text):
        raise _bad(f"An access policy's {name} is a GUID: that of the principal, not its name.")
    return text


def _bad(message: str) -> KeylessError:
    return invalid(message, "BadRequest")

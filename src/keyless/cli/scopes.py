"""Scopes as people write them: `vault/shop/secrets/db` instead of the resource ID that it stands for.

Owns both directions of that shorthand. Pure: finding a resource by its name is handed to it.

    tenant                    subscription              group/GROUP
    identity/NAME             app/NAME
    vault/NAME                vault/NAME/secrets/NAME   storage/NAME             storage/NAME/CONTAINER
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keyless.cli.resources import ACCOUNT, APP, GROUP, IDENTITY, VAULT
from keyless.model.errors import KeylessError, invalid
from keyless.model.resource_id import ROOT, ResourceId, parse_resource_id

HELP = (
    "vault/NAME[/secrets/NAME], storage/NAME[/CONTAINER], app/NAME, identity/NAME, group/NAME, subscription, "
    "tenant (the directory), or a resource ID"
)
#: The resource ID of the resource of a type that has a name.
Find = Callable[[str, str], ResourceId]

_KINDS = {"vault": VAULT, "storage": ACCOUNT, "app": APP, "identity": IDENTITY}
_SHORT = {kind.lower(): word for word, kind in _KINDS.items()}
_CONTAINERS = ("blobServices", "default", "containers")
_SECRETS = ("secrets",)


@dataclass(frozen=True)
class Shorthand:
    """A scope that is not looked up yet: a type, the name of one of it, and segments below that."""

    kind: str
    name: str
    below: tuple[str, ...] = ()


def parse_scope(text: str) -> ResourceId | Shorthand:
    """Read a scope; KeylessError INVALID for what is none."""
    if text.startswith("/") or text == "tenant":
        return parse_resource_id(text) if text != "tenant" else ROOT
    word, *names = text.rstrip("/").split("/")
    match word, names:
        case "subscription", []:
            return Shorthand("", "")
        case "group", [name] if name:
            return Shorthand(GROUP, name)
        case "vault", [vault, "secrets", secret] if vault and secret:
            return Shorthand(VAULT, vault, (*_SECRETS, secret))
        case "storage", [account, container] if account and container:
            return Shorthand(ACCOUNT, account, (*_CONTAINERS, container))
        case (("vault" | "storage" | "app" | "identity"), [name]) if name:
            return Shorthand(_KINDS[word], name)
    raise invalid(f"{text!r} is not a scope: write {HELP}.", "InvalidScope")


def resolve(scope: ResourceId | Shorthand, subscription: ResourceId, find: Find) -> ResourceId:
    """The resource ID that a scope stands for."""
    if isinstance(scope, ResourceId):
        return scope
    if not scope.kind:
        return subscription
    if scope.kind == GROUP:
        return subscription.child("resourceGroups", scope.name)
    return find(scope.kind, scope.name).child(*scope.below)


def shorten(scope: ResourceId, subscription: ResourceId, default_group: str) -> str:
    """The shortest way to write a scope that `parse_scope` and `resolve` bring back to it."""
    if scope in {ROOT, subscription}:
        return "subscription" if scope == subscription else "tenant"
    short = ""
    if scope.type == GROUP and scope.parent == subscription:
        short = f"group/{scope.name}"
    elif subscription.contains(scope) and len(scope.segments) >= 8:
        short = _shorten_resource(scope, default_group)
    try:
        fits = bool(short) and isinstance(parse_scope(short), Shorthand)
    except KeylessError:
        fits = False
    return short if fits else str(scope)


def _shorten_resource(scope: ResourceId, default_group: str) -> str:
    resource, below = ResourceId(scope.segments[:8]), scope.segments[8:]
    word = _SHORT.get(resource.type.lower(), "")
    lowered = tuple(segment.lower() for segment in below)
    # identities of the same name may be in two groups; the names of all others are unique
    if word == "identity" and scope.resource_group.lower() != default_group.lower():
        return ""
    if not word or not below:
        return f"{word}/{resource.name}" if word else ""
    if word == "vault" and lowered[:-1] == _SECRETS:
        return f"vault/{resource.name}/secrets/{below[-1]}"
    if word == "storage" and lowered[:-1] == tuple(word.lower() for word in _CONTAINERS):
        return f"storage/{resource.name}/{below[-1]}"
    return ""

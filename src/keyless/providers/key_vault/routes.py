"""From a request to the vault operation that it asks for, and what that operation requires.

Owns the paths of the secrets API and its data actions. Pure: looks at method, path and query only, and must not
know whether anything exists.

Source: Azure Key Vault REST API, "Secrets"; Azure RBAC, "Permissions: Microsoft.KeyVault" (data actions).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from keyless.http.message import Request
from keyless.model.access import Permission, Requirement
from keyless.model.errors import ErrorKind, KeylessError, invalid
from keyless.model.resource_id import ResourceId
from keyless.providers.key_vault.errors import BAD_PARAMETER

_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
_VERSION = re.compile(r"[0-9a-f]{32}")


class Verb(Enum):
    """The operations, by the names that the service's own audit log has for them."""

    GET = "SecretGet"
    SET = "SecretSet"
    UPDATE = "SecretUpdate"
    LIST = "SecretList"
    LIST_VERSIONS = "SecretListVersions"
    DELETE = "SecretDelete"
    GET_DELETED = "SecretGetDeleted"
    LIST_DELETED = "SecretListDeleted"
    RECOVER = "SecretRecover"
    PURGE = "SecretPurge"
    BACKUP = "SecretBackup"
    RESTORE = "SecretRestore"

    @property
    def action(self) -> str:
        """The data action that allows it."""
        return f"Microsoft.KeyVault/vaults/secrets/{_ACTIONS[self]}"

    @property
    def changes(self) -> bool:
        """Whether it writes."""
        return self in _CHANGES


_ACTIONS = {
    Verb.GET: "getSecret/action",
    Verb.SET: "setSecret/action",
    Verb.UPDATE: "update/action",
    Verb.LIST: "readMetadata/action",
    Verb.LIST_VERSIONS: "readMetadata/action",
    Verb.DELETE: "delete",
    Verb.GET_DELETED: "readMetadata/action",
    Verb.LIST_DELETED: "readMetadata/action",
    Verb.RECOVER: "recover/action",
    Verb.PURGE: "purge/action",
    Verb.BACKUP: "backup/action",
    Verb.RESTORE: "restore/action",
}
_CHANGES = frozenset({Verb.SET, Verb.UPDATE, Verb.DELETE, Verb.RECOVER, Verb.PURGE, Verb.RESTORE})
_NEEDED = {verb: (Permission(verb.action, data=True),) for verb in Verb}


# method, collection, and what follows in the path
_ROUTES = {
    ("GET", "secrets", "", ""): Verb.LIST,
    ("GET", "secrets", "{name}", ""): Verb.GET,
    ("GET", "secrets", "{name}", "{version}"): Verb.GET,
    ("GET", "secrets", "{name}", "versions"): Verb.LIST_VERSIONS,
    ("PUT", "secrets", "{name}", ""): Verb.SET,
    ("PATCH", "secrets", "{name}", ""): Verb.UPDATE,
    ("PATCH", "secrets", "{name}", "{version}"): Verb.UPDATE,
    ("DELETE", "secrets", "{name}", ""): Verb.DELETE,
    ("GET", "deletedsecrets", "", ""): Verb.LIST_DELETED,
    ("GET", "deletedsecrets", "{name}", ""): Verb.GET_DELETED,
    ("DELETE", "deletedsecrets", "{name}", ""): Verb.PURGE,
    ("POST", "secrets", "{name}", "backup"): Verb.BACKUP,
    ("POST", "deletedsecrets", "{name}", "recover"): Verb.RECOVER,
}
_WORDS = {"versions", "recover", "backup"}
_OBJECTS = "Keys and certificates are not supported yet: keep them as secrets."
_OTHER_OBJECTS = {"keys", "deletedkeys", "certificates", "deletedcertificates", "rng"}


@dataclass(frozen=True)
class Route:
    """What a request asks for. `secret` is empty where the whole vault is concerned, `version` for the latest one."""

    verb: Verb
    secret: str = ""
    version: str = ""


def parse_route(request: Request) -> Route:
    """Read the operation from a request.

    INVALID for paths, names and versions that the API does not have, or without `api-version`; UNSUPPORTED for
    operations of the service that keyless has not. Any `api-version` will do: clients run ahead of servers.
    """
    # clients end a path with a slash where there is no version, and some begin it with two
    route = _match(request.method, tuple([segment for segment in request.segments() if segment]))
    if not request.query.get("api-version"):
        raise _bad("The query parameter api-version is missing: add it, for example ?api-version=7.4.")
    return route


@lru_cache(maxsize=1024)
def requirements(vault: ResourceId, route: Route, *, policies: bool = False) -> tuple[Requirement, ...]:
    """What the caller must be allowed: at the secret, which is a scope of its own, or at the vault.

    `policies` says that the vault is under access policies, which part one operation otherwise than the roles do.
    """
    scope = vault.child("secrets", route.secret) if route.secret else vault
    verb = Verb.GET if policies and route.verb is Verb.GET_DELETED else route.verb
    return (Requirement(scope, _NEEDED[verb]),)


@lru_cache(maxsize=1024)
def _match(method: str, segments: tuple[str, ...]) -> Route:
    collection, name, last = [*segments[:3], "", "", ""][:3]
    version = "" if last in _WORDS else last
    shape = (method, collection.lower(), "{name}" if name else "", "{version}" if version else last)
    if shape[1] in _OTHER_OBJECTS:
        raise KeylessError(ErrorKind.UNSUPPORTED, _OBJECTS)
    if shape == ("POST", "secrets", "{name}", "") and name.lower() == "restore":
        return Route(Verb.RESTORE)
    if len(segments) > 3 or shape not in _ROUTES:
        raise _bad("The vault has no such operation: check the method and the path against the secrets API.")
    if name and not _NAME.fullmatch(name):
        raise _bad("The secret's name is not valid: use 1 to 127 letters, digits and hyphens.")
    if version and not _VERSION.fullmatch(version):
        raise _bad("The secret's version is not valid: it has 32 hexadecimal digits in lower case.")
    return Route(_ROUTES[shape], name, version)


def _bad(message: str) -> KeylessError:
    return invalid(message, BAD_PARAMETER)

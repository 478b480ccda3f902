"""The resource manager as the commands use it: make, read, change, remove, list, and find by name.

Owns the paths and the versions of its API. Must not print.

Source: Azure REST API reference, one version for each resource provider.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from keyless.cli.errors import Refused
from keyless.cli.output import Json
from keyless.cli.session import Session
from keyless.model.resource_id import ResourceId, parse_resource_id

GROUP = "Microsoft.Resources/resourceGroups"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
APP = "Microsoft.Web/sites"
VAULT = "Microsoft.KeyVault/vaults"
ACCOUNT = "Microsoft.Storage/storageAccounts"
SQL_SERVER = "Microsoft.Sql/servers"

#: What people call a resource of the type, and the command that makes one.
NOUNS = {GROUP: "group", IDENTITY: "identity", APP: "app", VAULT: "vault", ACCOUNT: "storage", SQL_SERVER: "sql"}
_SPOKEN = {
    GROUP: "resource group",
    IDENTITY: "managed identity",
    APP: "app",
    VAULT: "vault",
    ACCOUNT: "storage account",
    SQL_SERVER: "SQL server",
}

_VERSIONS = {
    "": "2021-04-01",
    "keyless.authority": "2025-01-01",
    "keyless.federation": "2025-01-01",
    "keyless.signin": "2025-01-01",
    "microsoft.authorization": "2022-04-01",
    "microsoft.insights": "2015-04-01",
    "microsoft.keyvault": "2023-07-01",
    "microsoft.managedidentity": "2024-11-30",
    "microsoft.sql": "2023-08-01",
    "microsoft.storage": "2023-05-01",
    "microsoft.web": "2024-04-01",
}
#: keyless is one place; the resource manager wants every resource to have one.
_LOCATION = "local"


class ResourceManager:
    """Speaks to the resource manager in one subscription."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.instance = session.instance

    @cached_property
    def subscription(self) -> ResourceId:
        """The scope that everything is below."""
        return ResourceId(("subscriptions", self.instance.subscription))

    def group_id(self, group: str) -> ResourceId:
        """A resource group's ID."""
        return self.subscription.child("resourceGroups", group)

    def id_of(self, kind: str, name: str, group: str | None) -> ResourceId:
        """The ID of a resource of a type; without a group in the instance's default group."""
        namespace, _, plural = kind.partition("/")
        return self.group_id(group or self.instance.resource_group).child("providers", namespace, plural, name)

    def get(self, path: str) -> Json:
        """What is at a path."""
        found: Json = self._call("GET", path)
        return found

    def put(self, path: str, body: Json) -> Json:
        """Make what is at a path, or change it; `location` is filled in."""
        found: Json = self._call("PUT", path, {"location": _LOCATION, **body})
        return found

    def patch(self, path: str, body: Json) -> Json:
        """Change some of what is at a path."""
        found: Json = self._call("PATCH", path, body)
        return found

    def post(self, path: str, body: Json | None = None) -> Any:
        """An action, and its answer."""
        return self._call("POST", path, body)

    def delete(self, path: str) -> None:
        """Remove what is at a path; nothing happens if there is nothing."""
        self._call("DELETE", path)

    def items(self, path: str, **query: str) -> Iterator[Json]:
        """The items of a list; `top="5"` stands for `$top=5`."""
        options = {f"${name}": value for name, value in query.items()}
        return self._session.pages(self.instance.management, path, {"api-version": _version(path), **options})

    def all(self, kind: str, group: str | None = None) -> list[Json]:
        """All resources of a type, of one group or of the subscription."""
        scope = self.group_id(group) if group else self.subscription
        return list(self.items(f"{scope}/resourceGroups" if kind == GROUP else f"{scope}/providers/{kind}"))

    def find(self, kind: str, name: str, group: str | None = None) -> Json:
        """The one resource of a type that has this name or ID; Refused if none has, or several groups have one."""
        wanted = name.lower()
        found = [item for item in self.all(kind, group) if wanted in {item["name"].lower(), item["id"].lower()}]
        if len(found) == 1:
            return found[0]
        if found:
            groups = ", ".join(parse_resource_id(item["id"]).resource_group for item in found)
            several = f"Several groups ({groups}) have a {_SPOKEN[kind]} {name!r}"
            raise Refused(f"{several}: choose one with --group, or give its resource ID.")
        where = f" in the group {group!r}" if group else ""
        raise Refused(
            f"There is no {_SPOKEN[kind]} {name!r}{where}: `keyless {NOUNS[kind]} list` shows those there are.",
            status=404,
        )

    def _call(self, method: str, path: str, body: Json | None = None) -> Any:
        query = {"api-version": _version(path)}
        return self._session.json(method, self.instance.management, path, query=query, body=body)


def group_of(item: Json) -> str:
    """The name of a resource's group."""
    return parse_resource_id(item["id"]).resource_group


def _version(path: str) -> str:
    """The version of the API that a path belongs to: that of its last provider."""
    _, found, rest = path.lower().rpartition("/providers/")
    return _VERSIONS[rest.partition("/")[0] if found else ""]

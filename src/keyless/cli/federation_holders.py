"""What can have federated credentials, as the commands use it: a managed identity, or an application's registration.

Owns the two ways to them, and gives both the same form: `name`, and `properties` with the rest. Must not print.

Source: Azure REST API, "Federated Identity Credentials" (2024-11-30); Microsoft Graph v1.0, the same of applications.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from keyless.cli.command import Keyless
from keyless.cli.graph import Graph
from keyless.cli.output import Json
from keyless.cli.principals import REGISTRATION
from keyless.cli.resources import IDENTITY, ResourceManager

_CREDENTIALS = "federatedIdentityCredentials"


class Holder(Protocol):
    """One of them."""

    def items(self) -> Iterator[Json]:
        """Its credentials."""
        ...

    def put(self, name: str, properties: Json) -> Json:
        """Make a credential, or change it; as it is then."""
        ...

    def delete(self, item: Json) -> None:
        """Remove one that `items` gave."""
        ...


def find_holder(keyless: Keyless, word: str, group: str | None) -> Holder:
    """The one that a word stands for; Refused if there is none, or if there are several."""
    if word.lower().startswith(f"{REGISTRATION}:"):
        known = keyless.principals.find(word, REGISTRATION)
        return _Registration(keyless.graph, f"applications(appId='{known.client_id}')/{_CREDENTIALS}")
    found = keyless.resources.find(IDENTITY, word, group)
    return _Identity(keyless.resources, f"{found['id']}/{_CREDENTIALS}")


@dataclass(frozen=True)
class _Identity:
    resources: ResourceManager
    path: str

    def items(self) -> Iterator[Json]:
        return self.resources.items(self.path)

    def put(self, name: str, properties: Json) -> Json:
        return self.resources.put(f"{self.path}/{quote(name, safe='')}", {"properties": properties})

    def delete(self, item: Json) -> None:
        self.resources.delete(item["id"])


@dataclass(frozen=True)
class _Registration:
    graph: Graph
    path: str

    def items(self) -> Iterator[Json]:
        return map(_like_a_resource, self.graph.items(self.path))

    def put(self, name: str, properties: Json) -> Json:
        for held in self.items():
            if held["name"].lower() == name.lower():
                self.graph.patch(f"{self.path}/{held['id']}", properties)
                return _like_a_resource(self.graph.get(f"{self.path}/{held['id']}"))
        return _like_a_resource(self.graph.post(self.path, {"name": name, **properties}))

    def delete(self, item: Json) -> None:
        self.graph.delete(f"{self.path}/{item['id']}")


def _like_a_resource(item: Json) -> Json:
    properties = {name: item[name] for name in ("issuer", "subject", "audiences")}
    return {"id": item["id"], "name": item["name"], "properties": properties}

"""Principals as people write them: by name, by ID, as an app, or as `owner`.

Managed identities and apps are the resource manager's, all others the directory's. Owns the way from such a word to a
principal ID, and back to a name. Must not guess: a word that could mean two principals is refused with the words that
mean only one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from keyless.cli.errors import Refused
from keyless.cli.graph import Graph
from keyless.cli.instance import Instance
from keyless.cli.output import Json, pick
from keyless.cli.resources import APP, IDENTITY, ResourceManager, group_of

OWNER, USER, GROUP, REGISTRATION = "owner", "user", "group", "registration"
HELP = (
    "identity:NAME, app:NAME (its system-assigned identity), user:NAME, group:NAME, registration:NAME, "
    "NAME where only one has it, a principal ID, or owner"
)
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Known:
    """A principal, or a registration that has none (`principal_id` is empty then)."""

    kind: str
    name: str
    group: str
    principal_id: str
    client_id: str = ""
    resource_id: str = ""

    @property
    def word(self) -> str:
        """What people may write for it."""
        return self.name if self.kind == OWNER else f"{self.kind}:{self.name}"


class Principals:
    """Everybody who can hold a role: read once, at the first question."""

    def __init__(self, resources: ResourceManager, graph: Graph) -> None:
        self._resources = resources
        self._graph = graph
        self._known: list[Known] | None = None

    def principal_id(self, word: str) -> str:
        """The principal ID that a word stands for; a GUID that nobody here has is taken for one.

        Refused if nobody has that name, or several do.
        """
        found = [known for known in self.all() if known.principal_id and _means(word, known)]
        if not found and _GUID.fullmatch(word):
            return word.lower()
        return _the_one(word, found, f"There is no principal {word!r}: write {HELP}.").principal_id

    def find(self, word: str, kind: str = "") -> Known:
        """The one that a word stands for, of a kind if one is given. Refused if nobody has that name, or several do."""
        what = kind or "principal"
        found = [known for known in self.all() if kind in {"", known.kind} and _means(word, known)]
        return _the_one(word, found, f"There is no {what} {word!r}: `keyless principal list` shows those there are.")

    def name(self, principal_id: str) -> str:
        """The name to show for a principal ID; the ID itself if it is nobody's here."""
        held = (known for known in self.all() if known.principal_id == principal_id.lower())
        known = next(held, None)
        if known is None:
            return principal_id
        alone = sum(other.name.lower() == known.name.lower() for other in self.all()) == 1
        return known.name if alone else known.word

    def all(self) -> list[Known]:
        """Everybody."""
        if self._known is None:
            owner = _owner(self._resources.instance)
            self._known = [owner, *self._identities(), *self._apps(), *self._directory()]
        return self._known

    def _directory(self) -> list[Known]:
        try:
            return [*self._registrations(), *self._users(), *self._groups()]
        except Refused as error:
            # who may see resources only still has the names of those
            if error.status != 403:
                raise
            return []

    def _registrations(self) -> Iterator[Known]:
        services = {item["appId"]: item["id"] for item in self._graph.items("servicePrincipals")}
        for item in self._graph.items("applications"):
            client_id = item["appId"]
            yield Known(REGISTRATION, item["displayName"], "", services.get(client_id, ""), client_id)

    def _users(self) -> Iterator[Known]:
        for item in self._graph.items("users"):
            yield Known(USER, item["userPrincipalName"], "", item["id"])

    def _groups(self) -> Iterator[Known]:
        for item in self._graph.items("groups"):
            yield Known(GROUP, item["displayName"], "", item["id"])

    def _identities(self) -> Iterator[Known]:
        for item in self._resources.all(IDENTITY):
            yield _known("identity", item, pick(item, "properties.principalId"), pick(item, "properties.clientId"))

    def _apps(self) -> Iterator[Known]:
        for item in self._resources.all(APP):
            if principal_id := pick(item, "identity.principalId"):
                yield _known("app", item, principal_id, "")


def _known(kind: str, item: Json, principal_id: str, client_id: str) -> Known:
    return Known(kind, item["name"], group_of(item), principal_id.lower(), client_id.lower(), item["id"])


def _owner(instance: Instance) -> Known:
    return Known(OWNER, OWNER, "", instance.owner_principal_id.lower(), instance.owner_client_id.lower())


def _means(word: str, known: Known) -> bool:
    lowered = word.lower()
    names = {known.name.lower(), known.word.lower(), known.principal_id, known.client_id, known.resource_id.lower()}
    if known.kind == USER:
        first = known.name.lower().partition("@")[0]
        names |= {first, f"{USER}:{first}"}
    return lowered in names - {""}


def _the_one(word: str, found: list[Known], nobody: str) -> Known:
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused(nobody, status=404)
    choices = ", ".join(
        f"{known.word}{f' in {known.group}' if known.group else ''} ({known.principal_id or known.client_id})"
        for known in found
    )
    raise Refused(f"{word!r} could be {choices}: write the ID of the one that you mean.")

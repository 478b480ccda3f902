"""Principals as people write them: by name, by ID, as an app, or as `owner`.

Owns the way from such a word to a principal ID, and back to a name. Must not guess: a word that could mean two
principals is refused with the words that mean only one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from keyless.cli.errors import Refused
from keyless.cli.instance import Instance
from keyless.cli.output import Json, pick
from keyless.cli.resources import APP, IDENTITY, ResourceManager, group_of

HELP = "identity:NAME, app:NAME (its system-assigned identity), NAME where only one has it, a principal ID, or owner"
OWNER = "owner"
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Known:
    """A principal that the resource manager tells of. `kind` is `identity`, `app` or `owner`."""

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

    def __init__(self, resources: ResourceManager) -> None:
        self._resources = resources
        self._known: list[Known] | None = None

    def principal_id(self, word: str) -> str:
        """The principal ID that a word stands for; a GUID that nobody here has is taken for one.

        Refused if nobody has that name, or several do.
        """
        found = [known for known in self._all() if _means(word, known)]
        if len(found) == 1:
            return found[0].principal_id
        if len(found) > 1:
            choices = ", ".join(f"{known.word} in {known.group} ({known.principal_id})" for known in found)
            raise Refused(f"{word!r} could be {choices}: write the principal ID of the one that you mean.")
        if _GUID.fullmatch(word):
            return word.lower()
        raise Refused(f"There is no principal {word!r}: write {HELP}.", status=404)

    def name(self, principal_id: str) -> str:
        """The name to show for a principal ID; the ID itself if it is nobody's here."""
        held = (known for known in self._all() if known.principal_id == principal_id.lower())
        known = next(held, None)
        if known is None:
            return principal_id
        alone = sum(other.name.lower() == known.name.lower() for other in self._all()) == 1
        return known.name if alone else known.word

    def _all(self) -> list[Known]:
        if self._known is None:
            self._known = [_owner(self._resources.instance), *self._identities(), *self._apps()]
        return self._known

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
    return lowered in names - {""}

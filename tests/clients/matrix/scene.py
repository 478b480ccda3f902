"""Where a cell is run: an app with both kinds of identity, a registered application, a person, and what each may read.

Owns making it, and counting what the server was asked.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from keyless.model.hosts import HOSTS
from tests.clients.matrix.cells import CERTIFICATE, SECRET, Whose
from tests.clients.place import Place, make_place
from tests.clients.registration import Registration, register
from tests.harness import Owner


@dataclass(frozen=True)
class Scene:
    """All that one launch needs."""

    place: Place
    column: str
    principals: Mapping[Whose, str]
    registration: Registration | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """How `keyless run` is to start the program."""
        return ("--host", self.column) if self.column in HOSTS else ()

    def environ(self, ways: Mapping[str, str]) -> dict[str, str]:
        """What the program is told: how to ask, and for what."""
        place = self.place
        secrets = {way: whose.name.lower() for way, whose in ways.items() if isinstance(whose, Whose)}
        return {
            "AZURE_SUBSCRIPTION_ID": place.owner.server.instance.subscription,
            "CLIENT_ID": place.identity["clientId"],
            "OBJECT_ID": place.identity["principalId"],
            "RESOURCE_ID": place.identity["id"],
            "WAYS": json.dumps(list(ways)),
            "SECRETS": json.dumps(secrets),
        }

    def is_expected(self, got: str, whose: str) -> bool:
        """Whether a way gave what it is to give."""
        return got == self.principals[whose] if isinstance(whose, Whose) else whose in got

    def tokens(self, at_least: int) -> int:
        """How many requests for a token the server has decided on, of this scene; they are written a little later."""
        until = time.monotonic() + 5
        while (found := self._tokens()) < at_least and time.monotonic() < until:
            time.sleep(0.05)
        return found

    def _tokens(self) -> int:
        lines = (self.place.owner.server.data / "audit.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        ours = set(self.principals.values())
        return sum(
            record.get("surface") in ("identity", "login")
            and (record["scope"].endswith(f"/sites/{self.place.name}") or record["principal_id"] in ours)
            for record in records
        )


def make_scene(owner: Owner, column: str, folder: Path, person: str = "") -> Scene:
    """A scene for one column; `person` is somebody's object ID."""
    place = make_place(owner)
    app = owner.app(place.name, place.identity["id"], system=True)
    # `az` signs nobody in to Cloud Shell who sees no subscription
    owner.assign(app["identity"]["principalId"], "Reader", place.vault_id)
    principals = {Whose.SYSTEM: app["identity"]["principalId"], Whose.NAMED: place.identity["principalId"]}
    registration = register(place, folder) if column in (SECRET, CERTIFICATE) else None
    if registration:
        principals[Whose.REGISTERED] = registration.principal_id
        variable, value = {
            SECRET: ("AZURE_CLIENT_SECRET", registration.variables["SHOP_SECRET"]),
            CERTIFICATE: ("AZURE_CLIENT_CERTIFICATE_PATH", registration.variables["SHOP_PEM"]),
        }[column]
        place.settings(AZURE_CLIENT_ID=registration.client_id, **{variable: value})
    if person:
        principals[Whose.PERSON] = person
    return Scene(place, column, principals, registration)


def let_each_read_one_secret(scene: Scene, whom: Iterable[Whose]) -> None:
    """For clients that show no token: for each principal a secret that it alone may read, of its own object ID."""
    place = scene.place
    for whose in whom:
        name, principal = whose.name.lower(), scene.principals[whose]
        place.owner.secret(place.name, name, principal)
        place.owner.assign(principal, "Key Vault Secrets User", f"{place.vault_id}/secrets/{name}")

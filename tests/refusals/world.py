"""Two instances with something in them, and what the tests of refusals do there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.harness import ARM, GRAPH, STORAGE, VAULT, Owner
from tests.inprocess import Platform, PlatformOwner, running_platform
from tests.refusals.forgery import Forger
from tests.refusals.surfaces import (
    ACCOUNT_NAME,
    APP_NAME,
    CODES,
    IDENTITY_NAME,
    VAULT_NAME,
    Address,
    Request,
    Surface,
    send,
    surfaces_of,
)

AUDIENCES = {"vault": VAULT, "blob": STORAGE, "management": ARM, "graph": GRAPH}


@dataclass
class Workload:
    """A user-assigned identity, and an app that has it."""

    platform: Platform
    id: str
    principal_id: str
    client_id: str
    app: str
    _tokens: dict[str, str] = field(default_factory=dict, repr=False)

    def token(self, surface: str) -> str:
        """A token for a surface, as the app gets it; kept."""
        if surface not in self._tokens:
            self._tokens[surface] = self.platform.identity_token(self.app, AUDIENCES[surface], self.client_id)
        return self._tokens[surface]

    def bearer(self, surface: str) -> str:
        """The Authorization header."""
        return f"Bearer {self.token(surface)}"


@dataclass
class World:
    """The instance under test, the owner's hand in it, and an instance elsewhere that has the same names."""

    platform: Platform
    owner: PlatformOwner
    elsewhere: Platform
    surfaces: dict[str, Surface]
    #: May do everything everywhere.
    mighty: Workload
    #: May do nothing anywhere.
    powerless: Workload

    @property
    def tenant(self) -> str:
        return self.platform.instance.tenant

    def workload(self, name: str, owner: PlatformOwner | None = None) -> Workload:
        """A new identity with an app of its own."""
        return new_workload(owner or self.owner, name)

    def grant(self, who: Workload | str, role: str, scope: str) -> str:
        """Assign a role; the assignment's resource ID."""
        return self.owner.assign(who if isinstance(who, str) else who.principal_id, role, scope)

    def ask(
        self, surface: str, request: Request, authorization: str | bytes | None, at: Address | None = None
    ) -> httpx.Response:
        """Send a request to a surface, under its own name unless told otherwise."""
        return send(self.owner, at or self.surfaces[surface].own, request, authorization)

    def get(self, surface: str, name: str, path: str, who: Workload | str, method: str = "GET", **given: Any) -> int:
        """The status of a request in short: `name` is that of a vault or an account."""
        token = who if isinstance(who, str) else who.token(surface)
        host = surface if surface in {"management", "graph"} else f"{name}.{surface}"
        given.setdefault("headers", {"x-ms-version": "2024-11-04"} if surface == "blob" else {})
        return self.owner.send(method, host, path, token, **given).status_code

    def refuse(
        self, surface: str, request: Request, authorization: str | bytes | None, status: int, at: Address | None = None
    ) -> httpx.Response:
        """Send a request that has to be refused with this status, in this surface's envelope."""
        where = at or self.surfaces[surface].own
        answer = send(self.owner, where, request, authorization)
        told = self.surfaces[surface].check(where, request, answer, self.tenant)
        if surface != "blob" and request.method == "HEAD":
            assert told[0] == status, (request.name, told)
        else:
            assert told == (status, CODES[surface][status]), (request.name, where.authority, told, answer.text)
        return answer

    def forger(self, surface: str) -> Forger:
        """One who has a good token for a surface, of the identity that may do everything."""
        active = self.platform.built.keys.active
        foreign = self.elsewhere.identity_token(APP_NAME, AUDIENCES[surface])
        return Forger(
            self.mighty.token(surface),
            active._private,
            active.public_jwk(),
            int(self.platform.clock.now),
            self.platform.instance.issuer,
            foreign,
            {name: self.mighty.token(name) for name in AUDIENCES if name != surface},
        )

    @contextmanager
    def nothing_changes(self) -> Iterator[None]:
        """The block may not change a single row or part file."""
        before = self.platform.fingerprint()
        yield
        assert self.platform.fingerprint() == before, "a refused request has changed something"


def new_workload(owner: PlatformOwner, name: str) -> Workload:
    """An identity `name`, assigned to an app `app-{name}`."""
    assert isinstance(owner.server, Platform)
    made = owner.identity(name)
    owner.app(f"app-{name}", made["id"])
    return Workload(owner.server, made["id"], made["principalId"], made["clientId"], f"app-{name}")


def assign_everything(owner: Owner, principal_id: str) -> None:
    """All that the owner has."""
    for role in ("Owner", "Key Vault Administrator", "Storage Blob Data Owner"):
        owner.assign(principal_id, role, owner.subscription)
    owner.assign(principal_id, "Global Administrator", "")


def furnish(owner: Owner) -> None:
    """The same in every world: a vault with a secret, an account with a blob, an app with an identity."""
    owner.vault(VAULT_NAME)
    owner.secret(VAULT_NAME, "s", "value")
    owner.account(ACCOUNT_NAME)
    owner.container(ACCOUNT_NAME, "box")
    owner.blob(ACCOUNT_NAME, "box/b", b"data")
    identity = owner.identity(IDENTITY_NAME)
    app = owner.app(APP_NAME, identity["id"], system=True)
    assign_everything(owner, app["identity"]["principalId"])


@contextmanager
def new_world(folder: Path) -> Iterator[World]:
    """Two fresh instances, furnished alike."""
    with (
        running_platform(folder / "here") as here,
        running_platform(folder / "elsewhere") as elsewhere,
    ):
        owner, stranger = PlatformOwner(here), PlatformOwner(elsewhere)
        furnish(owner)
        furnish(stranger)
        mighty, powerless = new_workload(owner, "mighty"), new_workload(owner, "powerless")
        assign_everything(owner, mighty.principal_id)
        yield World(here, owner, elsewhere, surfaces_of(owner), mighty, powerless)
        owner.close()
        stranger.close()


def unique(prefix: str) -> str:
    """A name that no other test has: letters and digits, at most 24."""
    return f"{prefix}{uuid4().hex[:8]}"

"""A vault behind the real kernel: SQLite, sealing and the access decision are real, tokens are words."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from keyless.http.kernel import Kernel
from keyless.http.message import Body, Headers, Request, Response, Target, parse_query
from keyless.model.access import Assignment, Decision, Requirement, Role, decide
from keyless.model.audit import AuditEvent
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.identity import Principal, PrincipalKind
from keyless.model.resource import Resource
from keyless.model.resource_id import parse_resource_id
from keyless.providers.key_vault.access_policies import AccessPolicies
from keyless.providers.key_vault.backups import SecretBackups
from keyless.providers.key_vault.schema import MIGRATION
from keyless.providers.key_vault.secret_lists import SecretLists
from keyless.providers.key_vault.secret_store import SecretStore
from keyless.providers.key_vault.secrets import SecretHandlers
from keyless.providers.key_vault.surface import VaultSurface
from keyless.store.engine import Store
from keyless.store.sealing import MasterKey, Sealer, new_wrapped_key
from keyless.store.sqlite import open_store

TENANT = "5a1f0d3c-0000-4000-8000-00000000beef"
SUBSCRIPTION = parse_resource_id("/subscriptions/s-1")
GROUP = "/subscriptions/s-1/resourceGroups/shop/providers/Microsoft.KeyVault/vaults"
SECRET_PERMISSIONS = ("get", "list", "set", "delete", "recover", "backup", "restore", "purge")
PROPERTIES: dict[str, dict[str, object]] = {
    "Shop": {},
    "Other": {},
    "Brief": {"softDeleteRetentionInDays": 7},
    "Kept": {"enablePurgeProtection": True},
    "KeptBriefly": {"softDeleteRetentionInDays": 89, "enablePurgeProtection": True},
}


def policy(who: str, *words: str) -> dict[str, object]:
    """An access policy as a vault keeps it."""
    kinds: dict[str, list[str]] = {"keys": [], "secrets": list(words), "certificates": [], "storage": []}
    return {"tenantId": TENANT, "objectId": who, "permissions": kinds}


PROPERTIES["Policed"] = {
    "enableRbacAuthorization": False,
    "accessPolicies": [policy(word, word) for word in (*SECRET_PERMISSIONS, "all")],
}
PROPERTIES["Roles"] = {"accessPolicies": [policy("app", "all")]}
VAULTS = {name: Resource(parse_resource_id(f"{GROUP}/{name}"), shown) for name, shown in PROPERTIES.items()}
VAULTS["Elsewhere"] = Resource(parse_resource_id(f"{GROUP}/Elsewhere".replace("s-1", "s-2")))
BY_NAME = {name.lower(): resource for name, resource in VAULTS.items()}
OFFICER = Role("officer", "Key Vault Secrets Officer", data_actions=("Microsoft.KeyVault/vaults/secrets/*",))
USER = Role("user", "Key Vault Secrets User", data_actions=("Microsoft.KeyVault/vaults/secrets/getSecret/action",))


@dataclass
class FakeClock:
    now: float = 1_800_000_000.75

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeAudit:
    events: list[tuple[AuditEvent, bool]] = field(default_factory=list)
    outcomes: list[int] = field(default_factory=list)

    async def decision(self, event: AuditEvent, *, durable: bool) -> None:
        self.events.append((event, durable))

    def outcome(self, event: AuditEvent, status: int) -> None:
        self.outcomes.append(status)


@dataclass
class Access:
    """A token is the name of its principal; one that begins with `bad` is no good, `revoked` was good once."""

    assignments: list[Assignment] = field(default_factory=list)
    required: list[Requirement] = field(default_factory=list)

    def grant(self, who: str, role: str, scope: str) -> None:
        self.assignments.append(Assignment(f"a{len(self.assignments)}", who, role, scope))

    def authenticate(self, token: str, surface: str) -> Principal:
        if surface != "vault" or token.startswith("bad"):
            raise KeylessError(ErrorKind.UNAUTHENTICATED, "The token is not good.")
        if token == "revoked":
            raise KeylessError(ErrorKind.REVOKED, "The token is not good any more.")
        return Principal(token, token, token, PrincipalKind.USER_ASSIGNED)

    def authorise(self, who: Principal, requirements: Iterable[Requirement]) -> Decision:
        self.required = list(requirements)
        held = [a for a in self.assignments if a.principal_id == who.principal_id]
        rule = AccessPolicies(lambda name: BY_NAME.get(name.lower())).rule
        roles = {r.guid: r for r in (OFFICER, USER)}
        return decide(self.required, held, roles, lambda need: rule((who.principal_id,), need))


@dataclass
class Answer:
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def error(self) -> tuple[int, str, str | None]:
        """Status, code and inner code."""
        error = self.body["error"]
        assert error["message"].endswith(".")
        return self.status, error["code"], error.get("innererror", {}).get("code")


@dataclass
class VaultClient:
    """Sends requests to the kernel as they would come from a connection."""

    kernel: Kernel
    access: Access
    audit: FakeAudit
    clock: FakeClock
    secrets: SecretStore
    store: Store
    sealer: Sealer
    folder: Path
    port: int | None = 8443

    def request(
        self,
        method: str,
        path: str,
        query: str = "api-version=7.4",
        body: bytes = b"",
        token: str = "officer",
        vault: str = "shop",
    ) -> Request:
        suffix = "vault.keyless.localhost"
        return Request(
            method=method,
            host=f"{vault}.{suffix}",
            port=self.port,
            target=Target("vault", vault, suffix),
            path=path,
            query=parse_query(query),
            headers=Headers([("Authorization", f"Bearer {token}")] if token else []),
            body=Body.of(body),
            request_id="r-1",
            raw_query=query,
        )

    async def send(
        self,
        method: str,
        path: str,
        query: str = "api-version=7.4",
        body: bytes = b"",
        token: str = "officer",
        vault: str = "shop",
    ) -> Answer:
        return read_answer(await self.kernel.dispatch(self.request(method, path, query, body, token, vault)))

    async def set(self, name: str, value: str = "v", *, vault: str = "shop", **more: object) -> Any:
        body = json.dumps({"value": value, **more}).encode()
        answer = await self.send("PUT", f"/secrets/{name}", body=body, vault=vault)
        assert answer.status == 200, answer.body
        return answer.body

    async def every_page(self, path: str, query: str, vault: str = "shop") -> tuple[list[Any], list[int]]:
        """All items of a list, and how many each page had."""
        items: list[Any] = []
        sizes: list[int] = []
        while True:
            answer = await self.send("GET", path, query, vault=vault)
            assert answer.status == 200, answer.body
            items += answer.body["value"]
            sizes.append(len(answer.body["value"]))
            link = answer.body["nextLink"]
            if link is None:
                return items, sizes
            base, _, query = link.partition("?")
            assert base == f"https://{vault}.vault.keyless.localhost:8443{path}"


def read_answer(response: Response) -> Answer:
    assert isinstance(response.body, bytes)
    return Answer(response.status, json.loads(response.body or b"null"), response.headers)


def new_sealer() -> Sealer:
    master = MasterKey(os.urandom(32))
    return Sealer.from_wrapped(master, [new_wrapped_key(master, os.urandom)])


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[VaultClient]:
    store = open_store(tmp_path / "keyless.db", [MIGRATION])
    clock, access, audit = FakeClock(), Access(), FakeAudit()
    for subscription in ("s-1", "s-2"):
        access.grant("officer", "officer", f"/subscriptions/{subscription}")
    sealer = new_sealer()
    secrets = SecretStore(store, sealer, os.urandom, scope_deleted=lambda tx, scope: None)
    handlers = SecretHandlers(secrets, SecretLists(store, sealer), SecretBackups(secrets, sealer), clock)
    surface = VaultSurface(
        lambda name: BY_NAME.get(name.lower()),
        handlers,
        lambda r: f"https://login.keyless.localhost:8443/{TENANT}",
        clock,
        SUBSCRIPTION,
    )
    kernel = Kernel(lambda r: surface, access.authenticate, access.authorise, audit)
    yield VaultClient(kernel, access, audit, clock, secrets, store, sealer, tmp_path)
    await store.close()

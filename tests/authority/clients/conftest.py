"""One application at a token endpoint that stands still in time."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from keyless.authority.clients.assertion import Assertion
from keyless.authority.clients.certificate import CertificateWay
from keyless.authority.clients.clients import Clients
from keyless.authority.clients.owner_key import OwnerKeyWay
from keyless.authority.clients.presented import Client, Presented
from keyless.authority.clients.secret import HINT_LENGTH, ClientSecretWay
from keyless.authority.failures import Failures
from keyless.authority.passwords import Passwords
from keyless.bootstrap.schema import MIGRATIONS
from keyless.directory.applications import Application, ClientSecret
from keyless.model.secretstr import SecretStr
from keyless.store.sqlite import open_store
from tests.authority.conftest import FakeClock
from tests.directory.conftest import Tenant, tenant_of

HERE = "https://login.keyless.localhost:8443/t/oauth2/v2.0/token"


class CountedPasswords(Passwords):
    """Says how many hashes were compared."""

    compared = 0

    async def matches(self, secret: SecretStr, held: str) -> bool:
        self.compared += 1
        return await super().matches(secret, held)


@dataclass
class Endpoint:
    """What a test of a way needs."""

    clock: FakeClock
    tenant: Tenant
    passwords: CountedPasswords
    clients: Clients
    application: Application

    async def change(self, how: Callable[[Application], Application]) -> None:
        one = self.application.object_id
        self.application = await self.tenant.write(lambda tx: self.tenant.applications.change(tx, one, how))

    async def add_secret(self, secret: str, *, key_id: str = "k-1", life: float = 3600.0) -> None:
        held = await self.passwords.hash(SecretStr(secret))
        now = self.clock()
        made = ClientSecret(key_id, held, secret[:HINT_LENGTH], now, now + life)
        await self.change(lambda one: replace(one, secrets=(*one.secrets, made)))

    async def prove(self, *, secret: str | None = None, assertion: str | None = None, peer: str = "p") -> Client:
        presented = Presented(
            self.application.client_id,
            SecretStr(secret) if secret is not None else None,
            SecretStr(assertion) if assertion is not None else None,
            (HERE,),
            peer,
        )
        return await self.clients.prove(presented)


class NoInstances:
    """No app runs here."""

    def is_own(self, assertion: Assertion) -> bool:
        return False

    async def prove(self, client: Client, assertion: Assertion) -> int | None:
        raise AssertionError(client.client_id)


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[Endpoint]:
    clock = FakeClock()
    store = open_store(tmp_path / "db", MIGRATIONS)
    tenant = tenant_of(tmp_path / "db", store)
    with ThreadPoolExecutor(1) as threads:
        passwords = CountedPasswords(threads, os.urandom)
        clients = Clients(
            tenant.directory,
            tenant.applications,
            ClientSecretWay(passwords, Failures(clock, limit=3), clock, b"k" * 32),
            OwnerKeyWay(tenant.directory, clock),
            CertificateWay(clock),
            NoInstances(),
        )
        application = await tenant.write(lambda tx: tenant.applications.create(tx, "shop", 0.0))
        await tenant.write(lambda tx: tenant.applications.create_service_principal(tx, application.client_id))
        yield Endpoint(clock, tenant, passwords, clients, application)
    await store.close()

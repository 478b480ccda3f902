"""An instance whose tokens are shown to programs that others wrote, and tokens that such a program has to refuse.

The programs know the issuer's URL and the authority of its certificate. All else they have from discovery.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest

from keyless.authority.key_ring import KeyRing
from keyless.bootstrap.first_start import master_key_file
from keyless.bootstrap.schema import DATABASE, MIGRATIONS, read_data_keys
from keyless.config import Config
from keyless.store.sealing import Sealer, load_master_key
from keyless.store.sqlite import open_store
from tests.harness import HeldLease, Owner, RunningServer, running_server
from tests.issuers import base64url, by_secret, new_key

API = "api://relying-party"


@dataclass
class Issuer:
    """An instance, its app `web`, and the user-assigned identity `shop` that the app has."""

    server: RunningServer
    identity: Mapping[str, Any]
    stranger: RunningServer
    _lapsed: dict[str, str] = field(default_factory=dict, repr=False)
    #: Made by the same hand as the lapsed ones, and good.
    in_time: dict[str, str] = field(default_factory=dict, repr=False)

    def token(self, audience: str) -> str:
        """A good token of the identity."""
        return _token(self.server, audience, self.identity["clientId"])

    def refused(self, audience: str) -> dict[str, str]:
        """Tokens that differ from a good one in what must make a difference, by what that is."""
        good = self.token(audience)
        header, payload, signature = good.split(".")
        head = json.loads(base64.urlsafe_b64decode(header + "=="))
        claims = pyjwt.decode(good, options={"verify_signature": False})
        more = base64url(json.dumps(claims | {"oid": "somebody"}).encode())
        public = json.dumps(self.key_set()["keys"][0]).encode()
        return {
            "expired": self._lapsed[audience],
            "another audience": self.token("api://something-else"),
            "another keyless": _token(self.stranger, audience),
            "changed claims": f"{header}.{more}.{signature}",
            "changed signature": f"{header}.{payload}.{signature[:-8]}AAAAAAAA",
            "another key of that name": pyjwt.encode(claims, new_key("RS256"), "RS256", headers={"kid": head["kid"]}),
            "no algorithm": f"{base64url(json.dumps(head | {'alg': 'none'}).encode())}.{payload}.",
            "the public key as a secret": by_secret(claims, public, kid=head["kid"]),
            "no token": "nonsense",
        }

    def key_set(self) -> dict[str, Any]:
        owner = Owner(self.server)
        found = owner.send("GET", "login", f"/{self.server.instance.tenant}/discovery/v2.0/keys").json()
        owner.close()
        return dict(found)

    def lapse(self, audience: str) -> None:
        """Have a token that the instance itself signed, and that ended ten minutes ago."""
        claims = pyjwt.decode(self.token(audience), options={"verify_signature": False})
        now = int(time.time())
        self.server.stop()
        lapsed = claims | {"iat": now - 4200, "nbf": now - 4200, "exp": now - 600}
        self._lapsed[audience], self.in_time[audience] = asyncio.run(_sign(self.server, lapsed, claims))
        self.server.start()


def _token(server: RunningServer, audience: str, client_id: str | None = None) -> str:
    with HeldLease.open(server, "web") as lease:
        return lease.token(audience, client_id)


async def _sign(server: RunningServer, *claims: Mapping[str, object]) -> list[str]:
    """Tokens signed with the key of an instance that is not running."""
    config = Config(data=server.data, config=server.config)
    master = load_master_key(master_key_file(config, server.instance.instance, server.environ))
    store = open_store(server.data / DATABASE, MIGRATIONS)
    try:
        sealer = Sealer.from_wrapped(master, await read_data_keys(store))
        ring = KeyRing(store, sealer, time.time, rotate_after=86_400 * 30, overlap=86_400)
        await ring.load()
        return [ring.active.sign(one) for one in claims]
    finally:
        await store.close()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    folders = [tmp_path_factory.mktemp(name) for name in ("issuer", "stranger")]
    with running_server(folders[0]) as server, running_server(folders[1]) as stranger:
        owner, other = Owner(server), Owner(stranger)
        identity = owner.identity("shop")
        owner.app("web", identity["id"])
        other.app("web", system=True)
        yield Issuer(server, identity, stranger)
        owner.close()
        other.close()


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, log: Path, seconds: float = 30.0) -> None:
    """Return once somebody listens at a port."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text()[-3000:])

"""A whole keyless in the test's own process: everything that `bootstrap` builds, without sockets, on a clock of ours.

Owns its making and its end. Requests go through the server's protocol, so parsing, names, limits, authentication, the
decision and the audit are those of a server; what is missing is TLS.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from keyless.bootstrap.build import Server, build
from keyless.bootstrap.first_start import make_instance, master_key_file, tls_store
from keyless.bootstrap.schema import DATABASE, PARTS
from keyless.config import Config
from keyless.model.app import Lease
from keyless.store.folder import Instance
from keyless.store.sealing import load_master_key
from keyless.workload.doors import OWNER
from keyless.workload.lease_socket import OpenLease
from tests.harness import Owner, RunningServer
from tests.memory import exchange

PORT = 8443
IDENTITY_PORT = 41_000
T = TypeVar("T")


@dataclass
class Clock:
    """Stands still until it is moved; begins with the present, because clients look at their own."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


@dataclass
class Platform(RunningServer):
    """One instance. Everything is synchronous to the tests; the event loop runs while they wait."""

    clock: Clock = field(default_factory=Clock)
    runner: asyncio.Runner = field(default_factory=asyncio.Runner, repr=False)
    made: Instance | None = None
    server: Server | None = None

    @property
    def instance(self) -> Instance:
        assert self.made is not None
        return self.made

    @property
    def built(self) -> Server:
        assert self.server is not None
        return self.server

    async def answer(self, request: httpx.Request, lease: Lease | None = None, peer: str = "") -> httpx.Response:
        """The server's answer to a request of httpx's."""
        request.read()
        request.headers["Connection"] = "close"
        body = request.content
        if "transfer-encoding" in request.headers:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
        lines += [b"%b: %b" % pair for pair in request.headers.raw]
        data = b"\r\n".join(lines) + b"\r\n\r\n" + body
        got = await exchange(self.built.http.protocol(lease), data, peer)
        if not got.whole:
            raise httpx.RemoteProtocolError("the answer breaks off", request=request)
        return httpx.Response(got.status, headers=got.headers, content=got.body, request=request)

    async def open(self, config: Config) -> None:
        """Build it; make the instance if there is none yet."""
        self.made = self.made or await make_instance(config, {}, PORT)
        master = load_master_key(master_key_file(config, self.made.instance, {}))
        tls = tls_store(config.data, master, self.made.domain, time.time)
        tls.ensure()
        self.server = await build(config, self.made, master, tls, self.clock)

    async def shut(self) -> None:
        """Give back what it has opened."""
        await self.built.audit.close()
        await self.built.store.close()
        self.built.signers.shutdown()
        self.built.hashers.shutdown()

    def restart(self) -> None:
        """Stop it, and start it again on what it has kept."""
        self.run(self.shut())
        self.run(self.open(Config(data=self.data, config=self.config)))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the platform's event loop."""
        return self.runner.run(work)

    def identity_token(self, app: str, resource: str, client_id: str = "") -> str:
        """A token as an instance of an app gets it: over a lease, from the identity endpoint."""
        return self.run(self._identity_token(app, resource, client_id))

    async def _identity_token(self, app: str, resource: str, client_id: str) -> str:
        lease, answer = await self.built.leases.launch(OpenLease(app, IDENTITY_PORT, "own"), OWNER)
        query = {"api-version": "2019-08-01", "resource": resource} | ({"client_id": client_id} if client_id else {})
        headers = {"X-IDENTITY-HEADER": str(answer["header"])}
        url = f"http://127.0.0.1:{IDENTITY_PORT}/msi/token"
        got = await self.answer(httpx.Request("GET", url, params=query, headers=headers), lease)
        assert got.status_code == 200, got.text
        return str(got.json()["access_token"])

    def fingerprint(self) -> str:
        """Of every row of the database and every part file: what no refused request may change.

        Leases are left out, because a test takes one to have the token with which it is refused.
        """
        digest = hashlib.sha256()
        with closing(sqlite3.connect(f"file:{self.data / DATABASE}?mode=ro", uri=True)) as database:
            for line in database.iterdump():
                if not line.startswith('INSERT INTO "lease"'):
                    digest.update(line.encode())
        for path in sorted(path for path in (self.data / PARTS).rglob("*") if path.is_file()):
            digest.update(str(path).encode())
        return digest.hexdigest()


class _Transport(httpx.BaseTransport):
    """httpx's way to the server, run step by step on the platform's own loop."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._platform.run(self._platform.answer(request))


class PlatformOwner(Owner):
    """The owner of a platform."""

    def __post_init__(self) -> None:
        assert isinstance(self.server, Platform)
        self._http = httpx.Client(transport=_Transport(self.server), timeout=30)


@contextmanager
def running_platform(folder: Path, **settings: Any) -> Iterator[Platform]:
    """A new instance in `folder`; `settings` are fields of `Config`."""
    config = Config(data=folder / "data", config=folder / "config", **settings)
    folder.mkdir(parents=True, exist_ok=True)
    platform = Platform(config.data, config.config, {}, port=PORT)

    with platform.runner:
        platform.run(platform.open(config))
        try:
            yield platform
        finally:
            platform.run(platform.shut())

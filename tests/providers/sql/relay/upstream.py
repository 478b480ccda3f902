"""A SQL Server for tests: the gateway with logins by password, which the product's has not, in a thread of its own."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keyless.model.identity import Principal, PrincipalKind
from keyless.model.resource_id import parse_resource_id
from keyless.providers.sql.engine import Database, Engine, Login, SqlError
from keyless.providers.sql.gateway.channel import Channel, Contexts, Ended
from keyless.providers.sql.gateway.connection import Connection
from keyless.providers.sql.gateway.limits import Limits, Room
from keyless.providers.sql.gateway.logins import Admitted
from keyless.providers.sql.tds.login7 import Login7, name_at
from keyless.providers.sql.tds.login7_request import LoginRequest, read_request
from keyless.providers.sql.tds.prelogin import Encryption
from tests.launcher.fake_server import TestAuthority
from tests.providers.sql.memory_engine import MemoryEngine

PASSWORDS = {"app_rw": "s3cret-of-app_rw", "readers": "s3cret-of-readers-ß茶"}
SERVER = parse_resource_id(
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Sql/servers/upstream"
)


@dataclass
class UpstreamServer:
    """Where it is, who signed its certificate, and what was seen there."""

    port: int
    authority: str
    engine: MemoryEngine
    asked: list[LoginRequest] = field(default_factory=list)
    #: If it is to misbehave: where it sends its clients on to, whether they seem to have gone when it welcomes them,
    #: and what it says of encryption.
    route: tuple[str, int] | None = None
    gone: bool = False
    says: Encryption | None = None


class _Connection(Connection):
    def __init__(self, seen: UpstreamServer, passwords: Mapping[str, str], *given: Any) -> None:
        super().__init__(*given)
        self._seen = seen
        self._passwords = passwords

    async def _send(self, body: bytes) -> None:
        if self._seen.says is not None and body[0] == 0 and b"\xff" in body[:40]:  # PRELOGIN's answer
            at = int.from_bytes(body[6:8], "big")
            body = body[:at] + bytes((self._seen.says,)) + body[at + 1 :]
        welcome = b"\xad" in body and len(body) > 100  # the answer to LOGIN7
        if welcome and self._seen.gone:
            raise Ended
        if self._seen.route and welcome:
            host, port = self._seen.route
            value = b"\x00" + port.to_bytes(2, "little") + len(host).to_bytes(2, "little") + host.encode("utf-16-le")
            change = b"\x14" + len(value).to_bytes(2, "little") + value + b"\x00\x00"
            body = body[:-13] + b"\xe3" + len(change).to_bytes(2, "little") + change + body[-13:]
        await super()._send(body)

    async def _admit(self, login: Login7, body: bytes) -> Admitted:
        self._seen.asked.append(read_request(body))
        user, password = name_at(body, 40), _password(body)
        if self._passwords.get(user) != password:
            raise SqlError(18456, f"Login failed for user '{user}'.", severity=14)
        if login.database == "absent":
            raise SqlError(4060, 'Cannot open database "absent" requested by the login.', severity=11)
        principal = Principal(user, "", user, PrincipalKind.USER)
        database = Database(SERVER.child("databases", login.database), f"guid of {login.database}")
        entered = Login(SERVER, database, principal, True)
        return Admitted(await self._engine.open(entered), entered, "UPSTREAM", lambda: None)


def _password(body: bytes) -> str:
    offset, count = (int.from_bytes(body[at : at + 2], "little") for at in (44, 46))
    data = bytes(byte ^ 0xA5 for byte in body[offset : offset + 2 * count])
    return bytes((byte << 4 | byte >> 4) & 0xFF for byte in data).decode("utf-16-le")


@contextmanager
def running_upstream(
    folder: Path, make_engine: Callable[[], Awaitable[Engine]] | None = None
) -> Iterator[UpstreamServer]:
    """One that listens on loopback, with a certificate for localhost; with the engine of the tests, or another."""
    authority = TestAuthority("upstream's authority")
    within, strict = (authority.context(folder, "localhost") for _ in range(2))
    within.maximum_version = ssl.TLSVersion.TLSv1_2
    strict.set_alpn_protocols(["tds/8.0"])
    seen = UpstreamServer(0, authority.pem, MemoryEngine())
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    engine: Engine = seen.engine
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        connections.add(task)
        task.add_done_callback(connections.discard)
        channel = Channel(reader, writer)
        contexts = Contexts(within, strict)
        try:
            await _Connection(seen, PASSWORDS, channel, contexts, None, engine, Room(Limits())).run()
        finally:
            await channel.close(1)

    async def serve() -> None:
        nonlocal engine
        engine = await make_engine() if make_engine else engine
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        seen.port = int(server.sockets[0].getsockname()[1])
        ready.set()
        await stop.wait()
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await engine.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(30)
    try:
        yield seen
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()

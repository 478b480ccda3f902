from __future__ import annotations

import asyncio
import socket

import pytest

from keyless.launcher.keeper import Keeper
from keyless.launcher.lease import Wanted
from keyless.launcher.unix_socket import take_lease
from keyless.model.paths import socket_path
from tests.launcher.fake_server import FakeServer


async def test_a_server_that_does_not_know_the_lease_yet_is_not_asked(server: FakeServer) -> None:
    lease, connection, _ = await asyncio.to_thread(take_lease, socket_path(server.data), Wanted("shop", "own"), 1)
    ours, theirs = socket.socketpair()
    keeper = Keeper(lease, socket_path(server.data), 1, lambda message: None)
    keeping = asyncio.ensure_future(keeper.keep(ours, b""))
    await asyncio.sleep(0.05)
    (await keeper.open_identity()).transport.abort()
    # the server goes and is back before anybody had the time to notice
    theirs.close()
    with pytest.raises(ConnectionError):
        await keeper.open_identity()
    keeping.cancel()
    connection.close()

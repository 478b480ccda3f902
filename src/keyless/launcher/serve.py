"""The launcher while the child runs: two ports and the lease in one event loop. Imported after the child's start."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from keyless.launcher import identity_port, proxy
from keyless.launcher.child import Guarded, pass_signals_on, read_ending
from keyless.launcher.guard import ENDING
from keyless.launcher.keeper import Keeper
from keyless.launcher.lease import Lease
from keyless.launcher.peers import peer_check
from keyless.launcher.relay import Port
from keyless.launcher.routes import user_proxies
from keyless.launcher.usage import complain

#: Two for each connection at most, and a few more.
_DESCRIPTORS = 2 * (identity_port.MAX_CONNECTIONS + proxy.MAX_CONNECTIONS) + 64


class Sockets:
    """What the launcher opened before it started the child."""

    def __init__(self, identity: socket.socket, proxy: socket.socket, lease: socket.socket, arrived: bytes) -> None:
        self.identity = identity
        self.proxy = proxy
        self.lease = lease
        self.arrived = arrived


def serve(sockets: Sockets, lease: Lease, place: Path, environ: Mapping[str, str], guarded: Guarded, uid: int) -> int:
    """Serve the child, whose user is `uid`, until it has ended; returns its wait status."""
    _raise_descriptor_limit()
    pass_signals_on(guarded)
    # not asyncio.run: in the end it would wait for name lookups that nobody needs any more
    return asyncio.new_event_loop().run_until_complete(_serve(sockets, lease, place, environ, guarded, uid))


async def _serve(
    sockets: Sockets, lease: Lease, place: Path, environ: Mapping[str, str], guarded: Guarded, uid: int
) -> int:
    keeper = Keeper(lease, place, sockets.identity.getsockname()[1], complain)
    keeping = asyncio.ensure_future(keeper.keep(sockets.lease, sockets.arrived))
    admit = peer_check(uid)
    through = proxy.Proxy(lease.server, lease.claims, user_proxies(environ))
    asking = identity_port.IdentityPort(keeper)
    identity = Port(sockets.identity, asking.handle, admit=admit, limit=identity_port.MAX_CONNECTIONS)
    outside = Port(sockets.proxy, through.handle, admit=admit, limit=proxy.MAX_CONNECTIONS)
    await identity.open()
    await outside.open()
    ending = await asyncio.get_running_loop().sock_recv(guarded.control, ENDING.size)
    await outside.drain()
    keeping.cancel()
    return read_ending(ending)


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

"""The launcher while the child runs: its ports and the lease in one event loop. Imported after the child's start."""

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
from keyless.launcher.isolation import https_port
from keyless.launcher.isolation.name_server import NameServer
from keyless.launcher.keeper import Keeper
from keyless.launcher.lease import Lease
from keyless.launcher.peers import peer_check
from keyless.launcher.relay import Port
from keyless.launcher.routes import user_proxies
from keyless.launcher.sockets import Sockets
from keyless.launcher.sources import LOOPBACK
from keyless.launcher.usage import complain

#: Two for each connection at most, and a few more.
_DESCRIPTORS = 2 * (identity_port.MAX_CONNECTIONS + proxy.MAX_CONNECTIONS + https_port.MAX_CONNECTIONS) + 64


def serve(sockets: Sockets, lease: Lease, data: Path, environ: Mapping[str, str], guarded: Guarded) -> int:
    """Serve until the child has ended; returns its wait status."""
    _raise_descriptor_limit()
    pass_signals_on(guarded)
    # not asyncio.run: in the end it would wait for name lookups that nobody needs any more
    return asyncio.new_event_loop().run_until_complete(_serve(sockets, lease, data, environ, guarded))


async def _serve(sockets: Sockets, lease: Lease, data: Path, environ: Mapping[str, str], guarded: Guarded) -> int:
    keeper = Keeper(lease, data, sockets.identity.getsockname()[1], complain)
    keeping = asyncio.ensure_future(keeper.keep(sockets.lease, sockets.arrived))
    # inside, nobody but the child's own processes can connect
    admit = _everybody if sockets.inside else peer_check()
    asking = identity_port.IdentityPort(keeper)
    through = proxy.Proxy(lease.server, lease.claims, user_proxies(environ))
    to_server = https_port.HttpsPort(lease.server)
    listening = [(sockets.proxy, through.handle, proxy.MAX_CONNECTIONS)] if sockets.proxy else []
    if sockets.inside:
        names = NameServer(lease.claims, LOOPBACK, sockets.inside.servers)
        await names.open(sockets.inside.datagrams, sockets.inside.streams)
        listening += [(one, to_server.handle, https_port.MAX_CONNECTIONS) for one in sockets.inside.https]
    await Port(sockets.identity, asking.handle, admit=admit, limit=identity_port.MAX_CONNECTIONS).open()
    outwards = [Port(one, handle, admit=admit, limit=limit) for one, handle, limit in listening]
    for port in outwards:
        await port.open()
    ending = await asyncio.get_running_loop().sock_recv(guarded.control, ENDING.size)
    await asyncio.gather(*(port.drain() for port in outwards))
    keeping.cancel()
    return read_ending(ending)


def _everybody(_: socket.socket) -> bool:
    return True


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

"""The launcher while the child runs: its ports and the lease in one event loop. Imported after the child's start."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from keyless.launcher import identity_port, proxy
from keyless.launcher.arc_files import FOLDER, KeyFiles
from keyless.launcher.child import Guarded, pass_signals_on, read_ending
from keyless.launcher.federated_token import keep_fresh
from keyless.launcher.guard import ENDING
from keyless.launcher.isolation import server_port
from keyless.launcher.isolation.name_server import NameServer
from keyless.launcher.keeper import Keeper
from keyless.launcher.lease import Address, Lease
from keyless.launcher.peers import peer_check
from keyless.launcher.pinned_tls import server_context
from keyless.launcher.relay import Endpoint, Port
from keyless.launcher.routes import user_proxies
from keyless.launcher.sockets import Sockets
from keyless.launcher.sources import LOOPBACK, Around
from keyless.launcher.usage import complain
from keyless.model.hosts import ARC, SERVICE_FABRIC, WORKLOAD_IDENTITY

Handle = Callable[[Endpoint], Awaitable[None]]

#: Two for each connection at most, and a few more.
_DESCRIPTORS = 2 * (identity_port.MAX_CONNECTIONS + proxy.MAX_CONNECTIONS + server_port.MAX_CONNECTIONS) + 64


def serve(
    sockets: Sockets,
    around: Around,
    place: Path,
    environ: Mapping[str, str],
    guarded: Guarded,
    owner: tuple[int, int],
) -> int:
    """Serve the child, whose user and group are `owner`, until it has ended; returns its wait status."""
    _raise_descriptor_limit()
    pass_signals_on(guarded)
    # not asyncio.run: in the end it would wait for name lookups that nobody needs any more
    return asyncio.new_event_loop().run_until_complete(_serve(sockets, around, place, environ, guarded, owner))


async def _serve(
    sockets: Sockets,
    around: Around,
    place: Path,
    environ: Mapping[str, str],
    guarded: Guarded,
    owner: tuple[int, int],
) -> int:
    lease = around.lease
    keeper = Keeper(lease, place, around.port, complain)
    keeping = asyncio.ensure_future(keeper.keep(sockets.lease, sockets.arrived))
    # inside, nobody but the child's own processes can connect
    admit = _everybody if sockets.inside else peer_check(owner[0])
    asking = _identity_port(keeper, around, owner)
    tls = server_context(lease.material, around.folder) if lease.host == SERVICE_FABRIC else None
    await Port(sockets.identity, asking.handle, admit=admit, limit=identity_port.MAX_CONNECTIONS, tls=tls).open()
    outwards = [
        Port(one, handle, admit=admit, limit=limit) for one, handle, limit in _outwards(sockets, lease, environ)
    ]
    for port in outwards:
        await port.open()
    if sockets.inside:
        names = NameServer(lease.claims, LOOPBACK, sockets.inside.servers)
        await names.open(sockets.inside.datagrams, sockets.inside.streams)
    if lease.host == WORKLOAD_IDENTITY:
        renewing = asyncio.ensure_future(keep_fresh(keeper, lease, around.port, around.folder, owner))
        keeping.add_done_callback(lambda _: renewing.cancel())
    ending = await asyncio.get_running_loop().sock_recv(guarded.control, ENDING.size)
    await asyncio.gather(*(port.drain() for port in outwards))
    keeping.cancel()
    return read_ending(ending)


def _outwards(
    sockets: Sockets, lease: Lease, environ: Mapping[str, str]
) -> Iterator[tuple[socket.socket, Handle, int]]:
    """The sockets by which the child reaches others, who handles their connections, and how many there may be."""
    if sockets.proxy:
        through = proxy.Proxy(lease.server, lease.claims, user_proxies(environ), isolated=sockets.inside is not None)
        yield sockets.proxy, through.handle, proxy.MAX_CONNECTIONS
    if sockets.inside:
        to_gateway = server_port.ServerPort(Address(lease.server.host, lease.sql_port))
        to_server = server_port.ServerPort(lease.server)
        for one in sockets.inside.https:
            yield one, to_server.handle, server_port.MAX_CONNECTIONS
        for one in sockets.inside.sql:
            yield one, to_gateway.handle, server_port.MAX_CONNECTIONS


def _everybody(_: socket.socket) -> bool:
    return True


def _identity_port(
    keeper: Keeper, around: Around, owner: tuple[int, int]
) -> identity_port.IdentityPort | identity_port.ArcPort:
    if around.lease.host != ARC:
        return identity_port.IdentityPort(keeper, around.lease.host)
    mark = os.path.basename(around.folder)
    return identity_port.ArcPort(keeper, KeyFiles(mark, *owner, around.key_folder, FOLDER))


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

"""The launcher while the child runs: two ports and the lease in one event loop. Imported after the child's start."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from keyless.launcher import identity_port, proxy
from keyless.launcher.arc_files import KeyFiles
from keyless.launcher.child import Guarded, pass_signals_on, read_ending
from keyless.launcher.federated_token import keep_fresh
from keyless.launcher.guard import ENDING
from keyless.launcher.keeper import Keeper
from keyless.launcher.lease import Lease
from keyless.launcher.peers import peer_check
from keyless.launcher.pinned_tls import server_context
from keyless.launcher.relay import Port
from keyless.launcher.routes import user_proxies
from keyless.launcher.usage import complain
from keyless.model.app import ARC, SERVICE_FABRIC, WORKLOAD_IDENTITY

#: Two for each connection at most, and a few more.
_DESCRIPTORS = 2 * (identity_port.MAX_CONNECTIONS + proxy.MAX_CONNECTIONS) + 64


class Instance(NamedTuple):
    """What is served: the lease, the folder of the instance's files, and the user and group who may read them."""

    lease: Lease
    folder: str
    owner: tuple[int, int]


class Sockets:
    """What the launcher opened before it started the child."""

    def __init__(self, identity: socket.socket, proxy: socket.socket, lease: socket.socket, arrived: bytes) -> None:
        self.identity = identity
        self.proxy = proxy
        self.lease = lease
        self.arrived = arrived


def serve(sockets: Sockets, instance: Instance, place: Path, environ: Mapping[str, str], guarded: Guarded) -> int:
    """Serve until the child has ended; returns its wait status."""
    _raise_descriptor_limit()
    pass_signals_on(guarded)
    # not asyncio.run: in the end it would wait for name lookups that nobody needs any more
    return asyncio.new_event_loop().run_until_complete(_serve(sockets, instance, place, environ, guarded))


async def _serve(
    sockets: Sockets, instance: Instance, place: Path, environ: Mapping[str, str], guarded: Guarded
) -> int:
    lease, folder = instance.lease, instance.folder
    port = sockets.identity.getsockname()[1]
    keeper = Keeper(lease, place, port, complain)
    keeping = asyncio.ensure_future(keeper.keep(sockets.lease, sockets.arrived))
    admit = peer_check(instance.owner[0])
    through = proxy.Proxy(lease.server, lease.claims, user_proxies(environ))
    asking = _identity_port(keeper, instance)
    tls = server_context(lease.material, folder) if lease.host == SERVICE_FABRIC else None
    identity = Port(sockets.identity, asking.handle, admit=admit, limit=identity_port.MAX_CONNECTIONS, tls=tls)
    outside = Port(sockets.proxy, through.handle, admit=admit, limit=proxy.MAX_CONNECTIONS)
    await identity.open()
    await outside.open()
    if lease.host == WORKLOAD_IDENTITY:
        renewing = asyncio.ensure_future(keep_fresh(keeper, lease, port, folder, instance.owner))
        keeping.add_done_callback(lambda _: renewing.cancel())
    ending = await asyncio.get_running_loop().sock_recv(guarded.control, ENDING.size)
    await outside.drain()
    keeping.cancel()
    return read_ending(ending)


def _identity_port(keeper: Keeper, instance: Instance) -> identity_port.IdentityPort | identity_port.ArcPort:
    if instance.lease.host != ARC:
        return identity_port.IdentityPort(keeper, instance.lease.host)
    return identity_port.ArcPort(keeper, KeyFiles(os.path.basename(instance.folder), *instance.owner))


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

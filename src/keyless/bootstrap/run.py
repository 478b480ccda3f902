"""The life of a server process: from its start to its end.

Owns the order in which things are taken and given back, what is done from time to time, and the signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from keyless.bootstrap.build import Server, build
from keyless.bootstrap.first_start import make_instance, master_key_file, tls_store
from keyless.bootstrap.sql import MakeEngine
from keyless.config import Config
from keyless.http.server import MAX_CONNECTIONS
from keyless.http.tls import TlsStore
from keyless.model.errors import ErrorKind, KeylessError, conflict, invalid
from keyless.model.paths import SOCKET_NAME
from keyless.store.folder import FolderLock, Instance, read_instance, write_instance
from keyless.store.sealing import load_master_key

log = logging.getLogger("keyless")

TICK_SECONDS = 30.0
#: What files and the rest may take; of what is left, three quarters are for connections over TLS.
_OTHER_DESCRIPTORS = 512
_DESCRIPTORS = _OTHER_DESCRIPTORS + MAX_CONNECTIONS * 4 // 3 + 1
#: How many objects there may be more than before until the collector looks at them.
_COLLECTED_AFTER = 10_000
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h of glibc


def serve(config: Config, ready: Callable[[Instance], None], sql: MakeEngine | None = None) -> None:
    """Serve until SIGTERM or SIGINT; calls `ready` once. Raises KeylessError when it cannot start.

    `sql` makes the engine behind the gateway for SQL drivers; without it there is no gateway.
    """
    os.umask(0o077)
    _keep_large_buffers()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(config, ready, sql))


def _room_for_connections() -> int:
    """How many connections over TLS there are descriptors for, when the limit has been raised as far as may be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    descriptors = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MAX_CONNECTIONS, (soft - min(_OTHER_DESCRIPTORS, soft // 2)) * 3 // 4)


def _keep_large_buffers() -> None:
    """Tell glibc's malloc to keep the buffers of large uploads: giving each back at once costs six times as much."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, size in ((_M_MMAP_THRESHOLD, 1 << 30), (_M_TRIM_THRESHOLD, 1 << 28), (_M_TOP_PAD, 1 << 26)):
            mallopt(option, size)


def _collect_seldom() -> None:
    """What is there now stays, so the collector need not look at it; a request leaves hardly anything to it."""
    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER, 10, 10)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not to be had on every platform
    except ImportError:
        return None
    # its libuv would have a kernel thread poll for changes of what is waited for, at the cost of a core
    os.environ.setdefault("UV_USE_IO_URING", "0")
    return uvloop.new_event_loop


async def _serve(config: Config, ready: Callable[[Instance], None], sql: MakeEngine | None) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_say)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    known = read_instance(config.data)
    lock = FolderLock(config.data)
    if known is not None:
        lock.take(time.time())  # before the port: who holds the folder is what its user wants to know
    listeners = _listen(config)
    sql_listeners = _listen_for_sql(config) if sql else []
    if sql_listeners:
        config = replace(config, sql_port=int(sql_listeners[0].getsockname()[1]))
    port = int(listeners[0].getsockname()[1])
    try:
        if known is None:
            known = await make_instance(config, os.environ, port)
            lock.take(time.time())
        instance = _moved(known, config, port, config.sql_port if sql else 0)
        master = load_master_key(master_key_file(config, instance.instance, os.environ))
        tls = tls_store(config.data, master, instance.domain, time.time)
        await asyncio.to_thread(tls.ensure)
        server = await build(config, instance, master, tls, time.time, _room_for_connections(), sql)
        try:
            _collect_seldom()
            await _run(server, tls, config, listeners, sql_listeners, stopping, lambda: ready(instance))
        finally:
            await _close(server)
    finally:
        for listener in [*listeners, *sql_listeners]:
            listener.close()
        lock.release()


async def _run(
    server: Server,
    tls: TlsStore,
    config: Config,
    listeners: list[socket.socket],
    sql_listeners: list[socket.socket],
    stopping: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    await server.leases.start(config.data, SOCKET_NAME, server.owner_door)
    if config.workload_socket:
        await _open_to_workloads(server, config.workload_socket)
    serving = asyncio.create_task(server.http.serve(listeners))
    await server.http.started()
    behind = [asyncio.create_task(_tick(server, tls)), asyncio.create_task(server.blobs.collector.run())]
    if server.sql:
        await server.sql.start(sql_listeners)
    stop = asyncio.create_task(stopping.wait())
    ready()
    await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if server.sql:
        await server.sql.stop()
    await server.leases.stop()
    server.http.stop()
    await serving
    for task in behind:
        task.cancel()
    await asyncio.gather(*behind, return_exceptions=True)


async def _open_to_workloads(server: Server, path: Path) -> None:
    """The socket that everybody can reach, and where the kernel's word on the peer decides."""
    if not hasattr(os, "pidfd_open"):
        raise invalid("KEYLESS_WORKLOAD_SOCKET needs Linux: only there the kernel tells who is at the other end.")
    try:
        if not path.parent.exists():
            path.parent.mkdir()
            path.parent.chmod(0o755)
        if path.parent.stat().st_mode & 0o022:
            raise conflict(
                f"Others may write to {path.parent}, and put another socket in the place of KEYLESS_WORKLOAD_SOCKET: "
                "name a folder that is yours alone."
            )
        await server.leases.start(path.parent, path.name, server.workload_door, mode=0o666)
    except OSError as error:
        raise KeylessError(
            ErrorKind.UNAVAILABLE,
            f"The socket {path} cannot be made ({error.strerror}): name another place in KEYLESS_WORKLOAD_SOCKET.",
        ) from error


async def _close(server: Server) -> None:
    with contextlib.suppress(KeylessError):
        await server.hosted.tick()
    await server.audit.close()
    await server.store.close()
    server.signers.shutdown()
    server.hashers.shutdown()


async def _tick(server: Server, tls: TlsStore) -> None:
    """What is done from time to time; a failure is said and tried again."""
    while True:
        for work in (
            server.keys.tick,
            server.people.tick,
            server.instances.tick,
            server.hosted.tick,
            server.deleted_vaults.tick,
            lambda: _renew(tls),
        ):
            try:
                await work()
            except Exception as error:
                log.error("%s failed: %s", getattr(work, "__qualname__", "renewal"), type(error).__name__)
        await asyncio.sleep(TICK_SECONDS)


async def _renew(tls: TlsStore) -> None:
    if tls.needs_renewal():
        await asyncio.to_thread(tls.ensure)
        await asyncio.to_thread(tls.reload)
        log.info("the certificates have been renewed")


def _say(_loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
    """What nobody caught: only its kind is kept, because its text may quote what it failed on."""
    log.error("%s: %s", context.get("message"), type(context.get("exception")).__name__)


def _moved(instance: Instance, config: Config, port: int, sql_port: int) -> Instance:
    """The instance where it listens now. Its domain and its issuer stay what they were at its first start."""
    if "KEYLESS_DOMAIN" in os.environ and config.domain != instance.domain:
        raise conflict(
            f"This instance's domain is {instance.domain}, fixed at its first start: unset KEYLESS_DOMAIN, "
            "or begin a new data folder."
        )
    moved = msgspec.structs.replace(
        instance, address=config.address, port=port, listen=config.listen, sql_port=sql_port
    )
    if moved != instance:
        write_instance(config.data, moved)
    return moved


def _listen(config: Config) -> list[socket.socket]:
    """A socket for each address, the loopback one first, and all at the same port."""
    return _listen_at_each(config, config.port, "--port")


def _listen_for_sql(config: Config) -> list[socket.socket]:
    """The same for SQL drivers. Who takes any port for HTTPS takes any for them, if nobody said which."""
    if not config.sql_port:
        return []
    try:
        return _listen_at_each(config, config.sql_port, "KEYLESS_SQL_PORT")
    except KeylessError:
        if config.port or config.sql_port != Config.sql_port:
            raise
        return _listen_at_each(config, 0, "KEYLESS_SQL_PORT")


def _listen_at_each(config: Config, port: int, setting: str) -> list[socket.socket]:
    listeners = [_listen_at(config.address, port, setting)]
    port = int(listeners[0].getsockname()[1])
    try:
        listeners += [_listen_at(address, port, setting) for address in config.listen if address != config.address]
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def _listen_at(address: str, port: int, setting: str) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        # at once: until one of them listens, two may have the same port
        listener.listen()
    except OSError as error:
        listener.close()
        raise KeylessError(
            ErrorKind.UNAVAILABLE,
            f"Port {port} of {address} cannot be had ({error.strerror}): choose another with {setting}.",
        ) from error
    listener.setblocking(False)
    return listener

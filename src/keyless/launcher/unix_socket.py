"""Finding the server's Unix socket, and connecting to it whatever the length of its path. Source: unix(7)."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from keyless.launcher.lease import MAX_ANSWER, Lease, Wanted, lease_opening, read_grant
from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.paths import data_folder, socket_path, workload_socket

#: What `sun_path` holds on Linux, without the ending zero; elsewhere it is a little less.
MAX_SOCKET_PATH = 107 if sys.platform == "linux" else 103

#: Seconds that the server may take to grant a lease: it reads the vault for the app's settings.
GRANT_SECONDS = 30.0


def find_server(data: str, environ: Mapping[str, str]) -> Path:
    """The server's socket: in the data folder `data` or else our own, if that is open to us; or the workloads'."""
    if data:
        return socket_path(Path(data).absolute())
    shared = workload_socket(environ)
    try:
        own = socket_path(data_folder(environ).absolute())
    except KeylessError:  # a service may have no home
        if os.path.exists(shared):
            return shared
        raise
    return shared if not os.access(own.parent, os.X_OK) and os.path.exists(shared) else own


def connect(place: Path) -> socket.socket:
    """A connection to the server's socket `place`, non-blocking; raises OSError when it is away.

    It never waits: a full backlog is an error like any other, to be tried again.
    """
    path = os.fsencode(place)
    folder = None
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        if len(path) > MAX_SOCKET_PATH and sys.platform == "linux":
            folder = os.open(place.parent, os.O_PATH | os.O_DIRECTORY)
            path = f"/proc/self/fd/{folder}/{place.name}".encode()
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    finally:
        if folder is not None:
            os.close(folder)
    return connection


def take_lease(place: Path, wanted: Wanted, identity_port: int) -> tuple[Lease, socket.socket, bytes]:
    """Ask for a lease and wait for the answer.

    Returns it with the connection that keeps it alive, and what came after the answer. Raises KeylessError: the
    server's refusal, or UNAVAILABLE with what to do when it is not running.
    """
    opening = lease_opening(wanted, identity_port)
    try:
        connection = connect(place)
    except OSError:
        raise KeylessError(
            ErrorKind.UNAVAILABLE,
            f"keyless is not running here (no socket at {place}): start it with `keyless up`",
        ) from None
    try:
        connection.settimeout(GRANT_SECONDS)
        connection.sendall(opening)
        line, rest = _read_line(connection)
        return read_grant(line), connection, rest
    except OSError as error:
        connection.close()
        raise KeylessError(
            ErrorKind.UNAVAILABLE, f"The server did not grant the lease ({error}): look at its log and try again."
        ) from None
    except KeylessError:
        connection.close()
        raise


def _read_line(connection: socket.socket) -> tuple[bytes, bytes]:
    buffer = bytearray()
    while b"\n" not in buffer:
        piece = connection.recv(65536)
        if not piece or len(buffer) > MAX_ANSWER:
            raise ConnectionError("it closed the connection" if not piece else "its answer is too long")
        buffer += piece
    line, _, rest = bytes(buffer).partition(b"\n")
    return line, rest

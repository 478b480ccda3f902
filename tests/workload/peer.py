"""A process of some user that speaks to the socket for workloads. Standard library only: any interpreter will do.

Started with the socket's path; takes one order in JSON from each line of standard input, and answers with one line.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

WAIT = 20.0
held: list[socket.socket] = []


def connect() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(WAIT)
    connection.connect(sys.argv[1])
    return connection


def first_line(connection: socket.socket) -> Any:
    data = b""
    while not data.endswith(b"\n"):
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    return json.loads(data)


def ask(line: dict[str, Any]) -> Any:
    """Begin a connection and keep it."""
    connection = connect()
    held.append(connection)
    with suppress(OSError):  # refused before it was heard: the answer is there
        connection.sendall(json.dumps(line).encode() + b"\n")
    try:
        return first_line(connection)
    except ConnectionResetError:
        return None


def token(lease: str, key: str, header: str, port: int) -> Any:
    """The status of a request for a token, or the server's refusal of the connection."""
    request = (
        f"GET /msi/token?resource=https://vault.azure.net HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"X-IDENTITY-HEADER: {header}\r\nConnection: close\r\n\r\n"
    )
    connection = connect()
    data = b""
    try:
        connection.sendall(json.dumps({"open": "identity", "lease": lease, "key": key}).encode() + b"\n")
        connection.sendall(request.encode())
        while piece := connection.recv(65536):
            data += piece
    except OSError:
        pass
    if data.startswith(b"{"):
        return json.loads(data)
    return int(data.split(b" ", 2)[1]) if data else None


def leave_to_a_child() -> int:
    """A child that goes on with our connections and orders; we are about to end."""
    child = os.fork()
    if child:
        os._exit(0)
    return os.getpid()


def ended() -> bool:
    """Whether the first connection ends, or is told to end, in a while."""
    try:
        told = first_line(held[0])
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return told is None or "end" in told


ORDERS: dict[str, Callable[..., Any]] = {
    "ask": ask,
    "token": token,
    "leave to a child": leave_to_a_child,
    "ended": ended,
}

if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while line := os.read(0, 65536):  # unbuffered, so that a child takes over at the right place
        name, *arguments = json.loads(line)
        print(json.dumps(ORDERS[name](*arguments)), flush=True)

"""Who is at the other end of a TCP connection from this machine. Owns the reading of the kernel's socket tables.

Source: proc(5), `/proc/net/tcp` and `/proc/net/tcp6`: addresses are hexadecimal in words of the machine's byte order.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")

_TIME_WAIT = b"06"


def owner(table: bytes, near: tuple[str, int], far: tuple[str, int]) -> int | None:
    """The uid of the socket in `table` that is bound to `near` and connected to `far` (IPv4 addresses and ports).

    None when it is not there, or when nobody holds it any more: the kernel shows such a socket as root's.
    """
    for words in (1, 4):
        pair = b" %s %s " % (_hexadecimal(near, words), _hexadecimal(far, words))
        at = table.find(pair)
        if at >= 0:
            state, _, _, _, uid, _, inode = table[at + len(pair) : table.find(b"\n", at)].split()[:7]
            return None if state == _TIME_WAIT or inode == b"0" else int(uid)
    return None


def peer_check() -> Callable[[socket.socket], bool]:
    """A test whether an accepted connection comes from a process of our own user.

    Where the kernel shows no table of sockets (macOS), it lets everybody on this machine pass.
    """
    if not os.path.exists(TABLES[0]):
        return lambda connection: True
    uid = os.geteuid()
    return lambda connection: _peer_uid(connection) == uid


def _peer_uid(connection: socket.socket) -> int | None:
    try:
        near, far = connection.getpeername(), connection.getsockname()
    except OSError:  # gone already
        return None
    for path in TABLES:
        try:
            with open(path, "rb") as file:
                uid = owner(file.read(), near, far)
        except FileNotFoundError:  # no IPv6 here
            continue
        if uid is not None:
            return uid
    return None


def _hexadecimal(address: tuple[str, int], words: int) -> bytes:
    host, port = address
    packed = socket.inet_aton(host)
    if words == 4:  # Java and .NET speak IPv4 over sockets of IPv6
        packed = bytes(10) + b"\xff\xff" + packed
    text = "".join(f"{int.from_bytes(packed[i : i + 4], sys.byteorder):08X}" for i in range(0, len(packed), 4))
    return f"{text}:{port:04X}".encode()

"""Who is at the other end of a TCP connection from this machine. Owns the ways to learn it from the kernel.

Netlink is asked first; where it is not to be had, the kernel's tables of sockets are read.
Source: proc(5), `/proc/net/tcp` and `/proc/net/tcp6`: addresses are hexadecimal in words of the machine's byte order.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from itertools import count

from keyless.launcher.sock_diag import MAX_ANSWER, NETLINK_SOCK_DIAG, Refused, question, read_owner

Address = tuple[str, int]
#: The uid of the socket that is bound to the first address and connected to the second.
Find = Callable[[Address, Address], int | None]

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")

_TIME_WAIT = b"06"


def owner(table: bytes, near: Address, far: Address) -> int | None:
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


def peer_check(uid: int) -> Callable[[socket.socket], bool]:
    """A test whether an accepted connection comes from a process of the user `uid`.

    Where the kernel tells nothing about sockets (macOS), it lets everybody on this machine pass.
    """
    find = _over_netlink() or (_in_tables if os.path.exists(TABLES[0]) else None)
    if find is None:
        return lambda connection: True

    def is_theirs(connection: socket.socket) -> bool:
        try:
            return find(connection.getpeername(), connection.getsockname()) == uid
        except (OSError, Refused):  # gone already, or not to be known: then it does not pass
            return False

    return is_theirs


def _over_netlink() -> Find | None:
    if sys.platform != "linux":
        return None
    try:
        kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
    except OSError:
        return None
    kernel.setblocking(False)
    numbers = count()

    def find(near: Address, far: Address) -> int | None:
        number = next(numbers) % 2**32
        # the kernel has answered before the sending returns
        kernel.sendto(question(near, far, number), (0, 0))
        return read_owner(kernel.recv(MAX_ANSWER), number)

    try:
        find(("127.0.0.1", 1), ("127.0.0.1", 1))
    except (OSError, Refused):
        kernel.close()
        return None
    return find


def _in_tables(near: Address, far: Address) -> int | None:
    for path in TABLES:
        try:
            with open(path, "rb") as file:
                uid = owner(file.read(), near, far)
        except FileNotFoundError:  # no IPv6 here
            continue
        if uid is not None:
            return uid
    return None


def _hexadecimal(address: Address, words: int) -> bytes:
    host, port = address
    packed = socket.inet_aton(host)
    if words == 4:  # Java and .NET speak IPv4 over sockets of IPv6
        packed = bytes(10) + b"\xff\xff" + packed
    text = "".join(f"{int.from_bytes(packed[i : i + 4], sys.byteorder):08X}" for i in range(0, len(packed), 4))
    return f"{text}:{port:04X}".encode()

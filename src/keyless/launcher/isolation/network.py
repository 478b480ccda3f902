"""The network of a new namespace: its loopback device, and the address of IMDS.

Runs inside. Source: netdevice(7); RFC 3927 for link-local addresses; cloud metadata services live at 169.254.169.254.
"""

from __future__ import annotations

import fcntl
import socket
import struct

from keyless.launcher.sources import METADATA_ADDRESS

_SIOCSIFFLAGS = 0x8914
_SIOCSIFADDR = 0x8916
_SIOCSIFNETMASK = 0x891C
_IFF_UP = 0x1

#: `struct ifreq` with flags, and with a `struct sockaddr_in`.
_WITH_FLAGS = struct.Struct("=16sh22x")
_WITH_ADDRESS = struct.Struct("=16sHxx4s16x")


def bring_up() -> None:
    """Bring the loopback device up, with 127.0.0.1 and the address of IMDS."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        fcntl.ioctl(device, _SIOCSIFFLAGS, _WITH_FLAGS.pack(b"lo", _IFF_UP))
        fcntl.ioctl(device, _SIOCSIFADDR, _address(METADATA_ADDRESS))
        fcntl.ioctl(device, _SIOCSIFNETMASK, _address("255.255.255.255"))


def _address(address: str) -> bytes:
    # a second address needs a label of its own
    return _WITH_ADDRESS.pack(b"lo:imds", socket.AF_INET, socket.inet_aton(address))

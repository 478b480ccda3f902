"""Listening at a Unix socket. Owns its mode, and whose place it takes. Source: unix(7)."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from keyless.model.errors import conflict


def listen(folder: Path, name: str, mode: int) -> socket.socket:
    """A socket of that mode. Where there is /proc, the path may be longer than an address can be."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    before = os.umask(0o777 & ~mode)
    try:
        short = Path(f"/proc/self/fd/{descriptor}")
        address = str((short if short.exists() else folder) / name)
        _make_way(address, folder / name)
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
        os.close(descriptor)
    return listener


def _make_way(address: str, path: Path) -> None:
    """Remove the socket of a server that is gone; raises CONFLICT when another one listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(address)
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise conflict(f"Another server listens at {path}: name another place in KEYLESS_WORKLOAD_SOCKET.")

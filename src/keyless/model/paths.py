"""Where keyless keeps things. Owns the names of folders and files; computes only, and touches no disk.

Source: XDG Base Directory Specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keyless.model.errors import invalid

#: The socket in the data folder that serves leases and the owner's commands.
SOCKET_NAME = "keyless.sock"


def data_folder(environ: Mapping[str, str]) -> Path:
    """`$KEYLESS_DATA`, or `keyless` in the user's data home."""
    return _folder(environ, "KEYLESS_DATA", "XDG_DATA_HOME", ".local/share")


def config_folder(environ: Mapping[str, str]) -> Path:
    """`$KEYLESS_CONFIG`, or `keyless` in the user's configuration home."""
    return _folder(environ, "KEYLESS_CONFIG", "XDG_CONFIG_HOME", ".config")


def socket_path(data: Path) -> Path:
    """The server's socket in the data folder `data`."""
    return data / SOCKET_NAME


def workload_socket(environ: Mapping[str, str]) -> Path:
    """The socket that is open to workloads of any user: `$KEYLESS_WORKLOAD_SOCKET`, or where a service has it."""
    return Path(environ.get("KEYLESS_WORKLOAD_SOCKET") or "/run/keyless/workload.sock")


def _folder(environ: Mapping[str, str], own: str, xdg: str, below_home: str) -> Path:
    if environ.get(own):
        return Path(environ[own])
    base = environ.get(xdg, "")
    # the specification has relative paths ignored
    if base.startswith("/"):
        return Path(base, "keyless")
    if not environ.get("HOME"):
        raise invalid(f"Neither {own} nor HOME is set: set {own} to a folder of yours.")
    return Path(environ["HOME"], below_home, "keyless")

"""One child's isolation, from beginning to end. Owns the order of its steps; what they do is in the other modules.

Sockets that listen inside are made by processes inside and served by the launcher outside. Only processes of the
namespace can reach them: that a connection came to one of them says where it came from.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from keyless.launcher.isolation import mounts, name_files, name_server, network
from keyless.launcher.isolation.namespaces import make_namespaces
from keyless.launcher.isolation.outbound import Outbound, open_way_out
from keyless.launcher.isolation.system_calls import give_up_privileges
from keyless.launcher.lease import Lease
from keyless.launcher.sockets import Inside, listen, receive
from keyless.launcher.sources import LOOPBACK
from keyless.model.errors import invalid

#: Where the claimed names lead, inside.
ADDRESS = LOOPBACK
HTTPS = 443
SQL = 1433

_Listening = Callable[[], list[socket.socket]]


class Isolated:
    """The namespaces of one child. Raises KeylessError wherever they cannot be had or filled."""

    def __init__(self) -> None:
        self._folder = _current_folder()
        self._outbound: Outbound | None = None
        self._namespaces = make_namespaces()
        self._namespaces.do(_bring_up)

    def listen(self, host: str, port: int) -> socket.socket:
        """A listening TCP socket inside."""
        return self._take(lambda: [listen(host, port)])[0]

    def open_way_out(self, folder: str, environ: Mapping[str, str]) -> str:
        """Connect the inside with the network outside; returns why that cannot be, or nothing."""
        self._outbound, reason = open_way_out(self._namespaces.holder, folder, environ)
        return reason

    def furnish(self, lease: Lease, folder: str, hidden: Sequence[Path]) -> Inside:
        """Make the names lead to keyless, and hide folders. Files that are needed go into `folder`."""
        self._check_folder(hidden)
        texts = {path: _read(path) for path in (name_files.HOSTS, name_files.RESOLVER, *name_files.SWITCHES)}
        replaced = {
            name_files.HOSTS: name_files.hosts(texts[name_files.HOSTS], lease.claims, ADDRESS),
            name_files.RESOLVER: name_files.resolver(texts[name_files.RESOLVER], ADDRESS),
            **{path: name_files.switch(texts[path]) for path in name_files.SWITCHES},
        }
        new = {path: _write(folder, path, text) for path, text in replaced.items()}

        def mount() -> list[int]:
            mounts.replace(new)
            mounts.hide([*hidden, *map(Path, name_files.CACHES)])
            return []

        self._namespaces.do(mount)
        ports = sorted({HTTPS, lease.server.port})
        sql_ports = sorted({SQL, lease.sql_port}) if lease.sql_port else []
        *listening, streams, datagrams = self._take(
            lambda: [
                *(listen(ADDRESS, port) for port in (*ports, *sql_ports)),
                listen(ADDRESS, name_server.PORT),
                receive(ADDRESS, name_server.PORT),
            ]
        )
        servers = name_files.name_servers(texts[name_files.RESOLVER]) if self._outbound else ()
        return Inside(listening[: len(ports)], datagrams, streams, servers, listening[len(ports) :])

    def private_folder(self, path: Path) -> int:
        """Make `path` an empty folder that exists inside only; a descriptor by which the launcher reaches it."""
        (descriptor,) = self._namespaces.do(lambda: [mounts.private_folder(path)])
        return descriptor

    def enter(self) -> None:
        """Take this process inside, for good and without any privilege; raises OSError."""
        self._namespaces.enter()
        os.chdir(self._folder)  # by its name: what is hidden would otherwise be seen from a folder below it
        give_up_privileges()

    def is_ready(self) -> None:
        """Nothing more will be asked of those who help from within."""
        self._namespaces.release()

    def end(self) -> None:
        """Cut the way out, which would otherwise outlive the launcher and its guard."""
        if self._outbound:
            self._outbound.end()

    def _take(self, work: _Listening) -> list[socket.socket]:
        # the sockets are kept until the descriptors have been sent
        made: list[socket.socket] = []

        def make() -> list[int]:
            made.extend(work())
            return [one.fileno() for one in made]

        return [_non_blocking(descriptor) for descriptor in self._namespaces.do(make)]

    def _check_folder(self, hidden: Sequence[Path]) -> None:
        if any(Path(self._folder).is_relative_to(folder.resolve()) for folder in hidden):
            raise invalid(f"The current folder {self._folder} is hidden by --isolate: change to another one.")


def _bring_up() -> list[int]:
    network.bring_up()
    return []


def _non_blocking(descriptor: int) -> socket.socket:
    received = socket.socket(fileno=descriptor)
    received.setblocking(False)
    return received


def _current_folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        raise invalid("The current folder is not there any more: change to another one.") from None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def _write(folder: str, path: str, text: str) -> str:
    new = os.path.join(folder, path.strip("/").replace("/", "-"))
    with open(new, "x", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    os.chmod(new, 0o444)
    return new

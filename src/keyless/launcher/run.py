"""`keyless run`: start a program as an instance of an app. Owns the order of the steps."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from getopt import GetoptError, getopt
from pathlib import Path
from typing import NamedTuple, NoReturn

from keyless.launcher.child import end_like, hold_signals, start_child
from keyless.launcher.environment import child_environment
from keyless.launcher.lease import NAMES, Wanted
from keyless.launcher.sources import LOOPBACK
from keyless.launcher.trust import make_folder, remove_folder, write_trust
from keyless.launcher.unix_socket import take_lease
from keyless.launcher.usage import WRONG_USAGE, complain
from keyless.model.app import FAULTS, HOSTS
from keyless.model.errors import invalid
from keyless.model.paths import data_folder

USAGE = "usage: keyless run --app NAME [--host SHAPE] [--names clouds|own] [--data DIR] -- COMMAND [ARGUMENT…]"


class _Order(NamedTuple):
    wanted: Wanted
    data: Path
    command: list[str]


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Start the command, serve it until it ends, and end like it. Raises KeylessError when it cannot start."""
    order = _read_order(arguments, environ)
    identity, proxy = _listen(), _listen()
    identity_port, proxy_port = identity.getsockname()[1], proxy.getsockname()[1]
    lease, connection, arrived = take_lease(order.data, order.wanted, identity_port)
    mask = hold_signals()
    folder = make_folder(environ)
    try:
        trust, has_roots = write_trust(folder, environ, lease.ca, time.time())
        if not has_roots:
            complain("no public root certificates were found here: the program can trust keyless's own names only")
        host = order.wanted.host
        child = child_environment(
            environ, lease, host=host, identity_port=identity_port, proxy_port=proxy_port, trust=trust
        )
        guarded = start_child(order.command, child, mask=mask, folder=folder, ours=(identity, proxy, connection))
        del child

        # asyncio takes as long to import as all of the above: the child need not wait for it
        from keyless.launcher.serve import Sockets, serve  # noqa: PLC0415

        status = serve(Sockets(identity, proxy, connection, arrived), lease, order.data, environ, guarded)
        guarded.control.close()
        with suppress(ChildProcessError):
            os.waitpid(guarded.pid, 0)
    finally:
        remove_folder(folder)
    end_like(status)


def _read_order(arguments: Sequence[str], environ: Mapping[str, str]) -> _Order:
    try:
        pairs, command = getopt(list(arguments), "", ["app=", "host=", "fault=", "names=", "data="])
    except GetoptError as error:
        raise invalid(f"{error}; {USAGE}", WRONG_USAGE) from None
    options = dict(pairs)
    wanted = Wanted(
        options.get("--app", ""),
        options.get("--names", NAMES[0]),
        options.get("--host", HOSTS[0]),
        tuple(value for name, value in pairs if name == "--fault"),
    )
    if not wanted.app or not command or wanted.names not in NAMES:
        raise invalid(USAGE, WRONG_USAGE)
    _check_choice("--host", HOSTS, wanted.host)
    _check_choice("--fault", FAULTS, *wanted.faults)
    data = Path(options["--data"]) if options.get("--data") else data_folder(environ)
    return _Order(wanted, data.absolute(), command)


def _check_choice(option: str, choices: Sequence[str], *given: str) -> None:
    for value in given:
        if value not in choices:
            raise invalid(f"{option} is one of {', '.join(choices)}, not {value!r}", WRONG_USAGE)


def _listen() -> socket.socket:
    listening = socket.socket()
    listening.bind((LOOPBACK, 0))
    listening.listen(512)
    listening.setblocking(False)
    return listening

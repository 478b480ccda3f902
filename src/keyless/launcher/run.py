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

from keyless.launcher.arc_files import prepare_folder
from keyless.launcher.child import end_like, hold_signals, start_child
from keyless.launcher.environment import child_environment
from keyless.launcher.lease import NAMES, Wanted
from keyless.launcher.sources import LOOPBACK, Around
from keyless.launcher.token_file import write_token
from keyless.launcher.trust import make_folder, remove_folder, write_trust
from keyless.launcher.unix_socket import find_server, take_lease
from keyless.launcher.usage import WRONG_USAGE, complain
from keyless.launcher.user import find_user, give
from keyless.model.app import ARC, FAULTS, HOSTS, WORKLOAD_IDENTITY
from keyless.model.errors import invalid

USAGE = (
    "usage: keyless run --app NAME [--host SHAPE] [--fault FAULT]… [--names clouds|own] [--user NAME|UID] [--data DIR] "
    "-- COMMAND [ARGUMENT…]"
)


class _Order(NamedTuple):
    wanted: Wanted
    place: Path
    user: str
    command: list[str]


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Start the command, serve it until it ends, and end like it. Raises KeylessError when it cannot start."""
    order = _read_order(arguments, environ)
    user = find_user(order.user) if order.user else None
    identity, proxy = _listen(), _listen()
    identity_port, proxy_port = identity.getsockname()[1], proxy.getsockname()[1]
    lease, connection, arrived = take_lease(order.place, order.wanted, identity_port)
    mask = hold_signals()
    owner = (user.uid, user.gid) if user else (os.geteuid(), os.getegid())
    folder = make_folder({} if user else environ)  # another user may not come to where TMPDIR is
    try:
        trust, has_roots = write_trust(folder, environ, lease.ca, time.time())
        if not has_roots:
            complain("no public root certificates were found here: the program can trust keyless's own names only")
        around = Around(lease, identity_port, folder)
        _prepare(around, owner)
        inherited = {**environ, **user.environment} if user else environ
        child = child_environment(inherited, around, proxy_port=proxy_port, trust=trust)
        if user:
            give(folder, user)
        ours = (identity, proxy, connection)
        guarded = start_child(order.command, child, mask=mask, folder=folder, user=user, ours=ours)
        del child

        # asyncio takes as long to import as all of the above: the child need not wait for it
        from keyless.launcher.serve import Instance, Sockets, serve  # noqa: PLC0415

        sockets = Sockets(identity, proxy, connection, arrived)
        status = serve(sockets, Instance(lease, folder, owner), order.place, environ, guarded)
        guarded.control.close()
        with suppress(ChildProcessError):
            os.waitpid(guarded.pid, 0)
    finally:
        remove_folder(folder)
    end_like(status)


def _prepare(around: Around, owner: tuple[int, int]) -> None:
    """Make what the shape of the host needs before the program starts."""
    if around.lease.host == ARC:
        prepare_folder()
    elif around.lease.host == WORKLOAD_IDENTITY:
        write_token(around.folder, around.lease.material.reveal(), owner)


def _read_order(arguments: Sequence[str], environ: Mapping[str, str]) -> _Order:
    try:
        pairs, command = getopt(list(arguments), "", ["app=", "host=", "fault=", "names=", "user=", "data="])
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
    place = find_server(options.get("--data", ""), environ)
    return _Order(wanted, place, options.get("--user", ""), command)


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

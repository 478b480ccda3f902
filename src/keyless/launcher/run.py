"""`keyless run`: start a program as an instance of an app. Owns the order of the steps."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from getopt import GetoptError, getopt
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from keyless.launcher.arc_files import FOLDER as KEY_FOLDER
from keyless.launcher.arc_files import prepare_folder
from keyless.launcher.child import end_like, hold_signals, start_child
from keyless.launcher.environment import child_environment
from keyless.launcher.lease import NAMES, Lease, Wanted
from keyless.launcher.routes import user_proxies
from keyless.launcher.sockets import Inside, Sockets, listen
from keyless.launcher.sources import CLOUD_SHELL_PORT, LOOPBACK, METADATA_ADDRESS, Around
from keyless.launcher.token_file import write_token
from keyless.launcher.trust import make_folder, remove_folder, write_trust
from keyless.launcher.unix_socket import find_server, take_lease
from keyless.launcher.usage import WRONG_USAGE, complain
from keyless.launcher.user import User, become, find_user, give
from keyless.model.errors import invalid
from keyless.model.hosts import ARC, CLOUD_SHELL, FAULTS, HOSTS, IMDS, WORKLOAD_IDENTITY
from keyless.model.paths import config_folder

if TYPE_CHECKING:
    from keyless.launcher.isolation.isolated import Isolated

USAGE = (
    "usage: keyless run --app NAME [--isolate | --user NAME|UID] [--host SHAPE] [--fault FAULT]… [--names clouds|own] "
    "[--data DIR] -- COMMAND [ARGUMENT…]"
)

HELP = f"""{USAGE}

  --isolate  (Linux) a network of the program's own, in which 169.254.169.254 and the clouds' names lead to keyless
  --user  (root only) the program becomes this user, and only this user gets anything at its ports
  SHAPE  the host with managed identity that the program finds:
         {", ".join(HOSTS[:4])},
         {", ".join(HOSTS[4:])}; the first unless another is named, or {IMDS} with --isolate
  FAULT  a bad day for this instance alone, to try the program on: {", ".join(FAULTS)}"""


class _Order(NamedTuple):
    wanted: Wanted
    place: Path
    isolate: bool
    user: str
    command: list[str]


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Start the command, serve it until it ends, and end like it. Raises KeylessError when it cannot start."""
    order = _read_order(arguments, environ)
    user = find_user(order.user) if order.user else None
    owner = (user.uid, user.gid) if user else (os.geteuid(), os.getegid())
    isolated = _isolate() if order.isolate else None
    listen_here = isolated.listen if isolated else listen
    identity = listen_here(*_identity_address(order))
    address, identity_port = identity.getsockname()
    lease, connection, arrived = take_lease(order.place, order.wanted, identity_port)
    mask = hold_signals()
    folder = make_folder({} if user else environ)  # another user may not come to where TMPDIR is

    def clean_up() -> None:
        if isolated:
            isolated.end()
        remove_folder(folder)

    try:
        trust, has_roots = write_trust(folder, environ, lease.ca, time.time())
        if not has_roots:
            complain("no public root certificates were found here: the program can trust keyless's own names only")
        inside, needs_proxy = (
            _furnish(isolated, lease, folder, order.place.parent, environ) if isolated else (None, True)
        )
        proxy = listen_here(LOOPBACK, 0) if needs_proxy else None
        sockets = Sockets(identity, proxy, connection, arrived, inside)
        around = Around(lease, identity_port, folder, address, _prepare(lease, folder, isolated, owner))
        proxy_port = proxy.getsockname()[1] if proxy else None
        inherited = {**environ, **user.environment} if user else environ
        child = child_environment(inherited, around, proxy_port=proxy_port, trust=trust)
        if user:
            give(folder, user)
        enter = isolated.enter if isolated else _entrance(user)
        guarded = start_child(order.command, child, mask=mask, enter=enter, clean_up=clean_up, ours=sockets.each())
        del child

        # asyncio takes as long to import as all of the above: the child need not wait for it
        from keyless.launcher.serve import serve  # noqa: PLC0415

        status = serve(sockets, around, order.place, environ, guarded, owner)
        guarded.control.close()
        with suppress(ChildProcessError):
            os.waitpid(guarded.pid, 0)
    finally:
        clean_up()
    end_like(status)


def _prepare(lease: Lease, folder: str, isolated: Isolated | None, owner: tuple[int, int]) -> str:
    """Make what the shape of the host needs before the program starts; where key files are to be written."""
    if lease.host == WORKLOAD_IDENTITY:
        write_token(folder, lease.material.reveal(), owner)
    if lease.host == ARC and isolated:
        return f"/proc/self/fd/{isolated.private_folder(Path(KEY_FOLDER))}"
    if lease.host == ARC:
        prepare_folder()
    return KEY_FOLDER


def _read_order(arguments: Sequence[str], environ: Mapping[str, str]) -> _Order:
    try:
        pairs, command = getopt(list(arguments), "", ["app=", "host=", "isolate", "fault=", "names=", "user=", "data="])
    except GetoptError as error:
        raise invalid(f"{error}; {USAGE}", WRONG_USAGE) from None
    options = dict(pairs)
    wanted = Wanted(
        options.get("--app", ""),
        options.get("--names", NAMES[0]),
        options.get("--host", IMDS if "--isolate" in options else HOSTS[0]),
        tuple(value for name, value in pairs if name == "--fault"),
    )
    if not wanted.app or not command or wanted.names not in NAMES:
        raise invalid(USAGE, WRONG_USAGE)
    _check_choice("--host", HOSTS, wanted.host)
    _check_choice("--fault", FAULTS, *wanted.faults)
    if "--isolate" in options and "--user" in options:
        raise invalid("--isolate has one user only: let that user run the command with --isolate itself", WRONG_USAGE)
    place = find_server(options.get("--data", ""), environ)
    return _Order(wanted, place, "--isolate" in options, options.get("--user", ""), command)


def _check_choice(option: str, choices: Sequence[str], *given: str) -> None:
    for value in given:
        if value not in choices:
            raise invalid(f"{option} is one of {', '.join(choices)}, not {value!r}", WRONG_USAGE)


def _identity_address(order: _Order) -> tuple[str, int]:
    """Where clients have it written down, in a network of its own; elsewhere any port will do."""
    if order.isolate and order.wanted.host == IMDS:
        return METADATA_ADDRESS, 80
    return LOOPBACK, CLOUD_SHELL_PORT if order.isolate and order.wanted.host == CLOUD_SHELL else 0


def _isolate() -> Isolated:
    from keyless.launcher.isolation.isolated import Isolated  # noqa: PLC0415  (most children are not)

    return Isolated()


def _furnish(
    isolated: Isolated, lease: Lease, folder: str, data: Path, environ: Mapping[str, str]
) -> tuple[Inside, bool]:
    """What is served inside, and whether the child needs a proxy: only one that leads to the user's own."""
    reason = isolated.open_way_out(folder, environ)
    if reason:
        complain(f"{lease.app} reaches keyless and no other host: {reason}")
    inside = isolated.furnish(lease, folder, (data, config_folder(environ)))
    isolated.is_ready()
    return inside, not reason and bool(user_proxies(environ))


def _entrance(user: User | None) -> Callable[[], None]:
    """How a child that is not isolated begins: as that user, or as it is."""
    return partial(become, user) if user else _stay


def _stay() -> None:
    """The child runs where the launcher runs."""

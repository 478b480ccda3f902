"""Becomes a PostgreSQL program that ends with its parent, and that does not see itself as root.

Owns the moment between fork and exec, as a program of its own: `start.py PROGRAM ARGUMENT...`. Standard library only,
and imports nothing of keyless, so that it is there at once.

PostgreSQL refuses to be root. In a user namespace of its own, root has another number, keeps its files and has no power
outside. Source: user_namespaces(7), PR_SET_PDEATHSIG in prctl(2).
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Prepare this process, then become the program."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getppid()
    if os.geteuid() == 0:
        _leave_root(libc)
    # SIGINT is PostgreSQL's fast shutdown: transactions are rolled back, and the data is left clean
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        sys.exit(1)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606


def _leave_root(libc: ctypes.CDLL) -> None:
    user, group = os.geteuid(), os.getegid()
    # the number that it sees has to have a name: initdb looks it up
    inside = next((entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0), 65534)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        sys.exit(f"PostgreSQL does not run as root, and this system lets no user namespace be made: errno {number}")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{inside} {user} 1"), ("gid_map", f"{inside} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


main()

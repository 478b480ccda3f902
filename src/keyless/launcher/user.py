"""`keyless run --user`: the program becomes the app's own user. Owns finding that user, and becoming it.

What the launcher wrote for the program is given to that user file by file; the folder stays root's, so that the
program can put nothing in its place under a launcher that acts as root.
"""

from __future__ import annotations

import os
import pwd
from typing import NamedTuple

from keyless.launcher.usage import WRONG_USAGE
from keyless.model.errors import ErrorKind, KeylessError, invalid

_MAX_UID = 2**32 - 2


class User(NamedTuple):
    """Who the program is to be."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    environment: dict[str, str]


def find_user(text: str) -> User | None:
    """The user of this name or number; None when we are that user already. Raises KeylessError.

    A number without an account stands for that user, with a group of the same number and no other.
    """
    user = _find(text)
    if user.uid == os.geteuid():
        return None
    if os.geteuid() != 0:
        raise KeylessError(
            ErrorKind.FORBIDDEN,
            f"Only root may run a program as another user: run it with sudo, or as {text} without --user.",
        )
    return user


def become(user: User) -> None:
    """Be this user from now on, with nothing left of root."""
    os.setgroups(user.groups)
    os.setgid(user.gid)
    os.setuid(user.uid)


def give(folder: str, user: User) -> None:
    """Let the user read the files in a folder of ours, and nobody change which files these are."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        os.chmod(path, 0o600)
        os.chown(path, user.uid, user.gid)
    os.chmod(folder, 0o711)  # noqa: S103  (the names in it are not secret, and the files are the user's alone)


def _find(text: str) -> User:
    try:
        account = pwd.getpwnam(text)
    except KeyError:
        if not (text.isascii() and text.isdigit()):
            raise invalid(f"There is no user {text!r} on this machine", WRONG_USAGE) from None
        if int(text) > _MAX_UID:
            raise invalid(f"A user's number is at most {_MAX_UID}", WRONG_USAGE) from None
        return _numbered(int(text))
    return _with_account(account)


def _numbered(uid: int) -> User:
    try:
        return _with_account(pwd.getpwuid(uid))
    except KeyError:
        return User(uid, uid, (), {"HOME": "/", "USER": str(uid), "LOGNAME": str(uid)})


def _with_account(account: pwd.struct_passwd) -> User:
    name = account.pw_name
    groups = tuple(os.getgrouplist(name, account.pw_gid))
    return User(account.pw_uid, account.pw_gid, groups, {"HOME": account.pw_dir, "USER": name, "LOGNAME": name})

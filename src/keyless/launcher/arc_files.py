"""Key files: how a server connected through Azure Arc finds out that a caller may read a certain folder.

Owns the files: each holds a random key, may be used once, and is removed then, after a minute, or with the instance.
Clients read no folder but one, which all programs of a machine share; a file can be read by the instance's user only,
and its name says whose it is. Must not know HTTP.

Source: Azure Arc-enabled servers, "Authenticate against Azure resources with Azure Arc-enabled servers"; the SDKs'
checks (the folder, the ending `.key`, at most 4096 bytes).
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from typing import NamedTuple

from keyless.model.errors import ErrorKind, KeylessError

FOLDER = "/var/opt/azcmagent/tokens"
LIFE_SECONDS = 60.0
#: How many files there may be at a time; the oldest goes first.
MAX_FILES = 64
_KEY_BYTES = 32


class KeyFile(NamedTuple):
    """One file, and what makes up its key in SHA-256."""

    path: str
    digest: bytes


class KeyFiles:
    """The key files of one instance. `mark` is in their names; `uid` and `gid` may read them."""

    def __init__(self, mark: str, uid: int, gid: int, folder: str = FOLDER) -> None:
        self._mark = mark
        self._owner = uid, gid
        self._folder = folder
        self._files: list[KeyFile] = []

    def make(self) -> KeyFile:
        """A new file; raises UNAVAILABLE when none can be written."""
        while len(self._files) >= MAX_FILES:
            self.remove(self._files[0])
        key = secrets.token_hex(_KEY_BYTES)
        path = os.path.join(self._folder, f"{self._mark}-{secrets.token_hex(8)}.key")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
            with open(descriptor, "w", encoding="ascii") as file:
                if self._owner != (os.geteuid(), os.getegid()):
                    os.fchown(descriptor, *self._owner)
                file.write(key)
        except OSError as error:
            raise _not_writable(error) from None
        made = KeyFile(path, hashlib.sha256(key.encode()).digest())
        self._files.append(made)
        return made

    def use(self, key: str) -> bool:
        """Whether `key` is that of a file that is there; it is not from now on."""
        # a digest tells nothing to whoever measures how long a comparison takes
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        for file in self._files:
            if file.digest == digest:
                self.remove(file)
                return True
        return False

    def remove(self, file: KeyFile) -> None:
        """Remove a file, if it is still there."""
        if file in self._files:
            self._files.remove(file)
            with suppress(OSError):
                os.unlink(file.path)


def prepare_folder(folder: str = FOLDER) -> None:
    """Make the folder if need be and if this user may; raises UNAVAILABLE with what to do when it is of no use."""
    try:
        # others of this machine may go through to their own files, but not look around
        os.makedirs(folder, 0o711, exist_ok=True)
    except OSError as error:
        raise _not_writable(error) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _not_writable(PermissionError(0, "it belongs to somebody else"))


def remove_key_files(mark: str, folder: str = FOLDER) -> None:
    """Remove all files of the instance with this mark, whoever made them."""
    with suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(f"{mark}-") and name.endswith(".key"):
                os.unlink(os.path.join(folder, name))


def _not_writable(error: OSError) -> KeylessError:
    return KeylessError(
        ErrorKind.UNAVAILABLE,
        f"Clients of Azure Arc read key files in {FOLDER} only, and none can be written there ({error.strerror}): "
        f"make the folder yours with `sudo install -d -m 711 -o $(id -u) {FOLDER}`, or use `--isolate`.",
    )

"""Key files: how a server connected through Azure Arc finds out that a caller may read a certain folder.

Owns the files: each holds a random key, may be used once, and is removed then, after a minute, or with the instance.
Clients read no folder but one, which all programs of a machine share; a file can be read by the instance's user only,
and its name says whose it is. Must not know HTTP.

Source: Azure Arc-enabled servers, "Authenticate against Azure resources with Azure Arc-enabled servers"; the SDKs'
checks (the folder, the ending `.key`, at most 4096 bytes).
"""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Lock
from typing import NamedTuple

from keyless.model.errors import ErrorKind, KeylessError

FOLDER = "/var/opt/azcmagent/tokens"
LIFE_SECONDS = 60.0
#: How many files there may be at a time; the oldest goes first.
MAX_FILES = 64
_KEY_BYTES = 32


class KeyFile(NamedTuple):
    """One file, its path as the program sees it, and what makes up its key in SHA-256."""

    path: str
    shown: str
    digest: bytes


class KeyFiles:
    """The key files of one instance, for many threads. `mark` is in their names; `uid` and `gid` may read them.

    The program finds in the folder `shown` what we write to `folder`.
    """

    def __init__(self, mark: str, uid: int, gid: int, folder: str = FOLDER, shown: str = "") -> None:
        self._mark = mark
        self._owner = uid, gid
        self._folder = folder
        self._shown = shown or folder
        self._files: list[KeyFile] = []
        self._lock = Lock()

    def make(self) -> KeyFile:
        """A new file; raises UNAVAILABLE when none can be written."""
        key = os.urandom(_KEY_BYTES).hex()
        name = f"{self._mark}-{os.urandom(8).hex()}.key"
        path = os.path.join(self._folder, name)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
            with open(descriptor, "w", encoding="ascii") as file:
                if self._owner != (os.geteuid(), os.getegid()):
                    os.fchown(descriptor, *self._owner)
                file.write(key)
        except OSError as error:
            raise _not_writable(error) from None
        made = KeyFile(path, os.path.join(self._shown, name), _digest(key))
        with self._lock:
            self._files.append(made)
            surplus = self._files[:-MAX_FILES]
            del self._files[:-MAX_FILES]
        for old in surplus:
            _unlink(old)
        return made

    def use(self, key: str) -> bool:
        """Whether `key` is that of a file that is there; it is not from now on."""
        # a digest tells nothing to whoever measures how long a comparison takes
        digest = _digest(key)
        with self._lock:
            found = next((file for file in self._files if file.digest == digest), None)
            if found is None:
                return False
            self._files.remove(found)
        _unlink(found)
        return True

    def remove(self, file: KeyFile) -> None:
        """Remove a file, if it is still there."""
        with self._lock:
            if file not in self._files:
                return
            self._files.remove(file)
        _unlink(file)


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


def _unlink(file: KeyFile) -> None:
    with suppress(OSError):
        os.unlink(file.path)


def _digest(key: str) -> bytes:
    import hashlib  # noqa: PLC0415  (slow, and seldom needed)

    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _not_writable(error: OSError) -> KeylessError:
    return KeylessError(
        ErrorKind.UNAVAILABLE,
        f"Clients of Azure Arc read key files in {FOLDER} only, and none can be written there ({error.strerror}): "
        f"make the folder yours with `sudo install -d -m 711 -o $(id -u) {FOLDER}`, or use `--isolate`.",
    )

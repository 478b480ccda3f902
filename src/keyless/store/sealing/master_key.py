"""The master key: 32 bytes in a file outside of the data folder, from which other keys are derived.

Owns the file's form, the check of who may read it, and derivation (HKDF-SHA-256, RFC 5869). The key itself
never encrypts anything and never leaves this module.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keyless.model.errors import ErrorKind, KeylessError
from keyless.model.secretstr import SecretStr
from keyless.store.private_file import create_private

#: Gives that many random bytes; `os.urandom` in earnest.
Random = Callable[[int], bytes]

KEY_BYTES = 32
_HEADER = b"keyless-master-key v1"
_MAX_FILE_BYTES = 256


class MasterKey:
    """Derives keys; shows nothing of itself."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise KeylessError(ErrorKind.INVALID, f"A master key has {KEY_BYTES} bytes; this one has {len(key)}.")
        self._key = key

    def derive(self, purpose: bytes) -> bytes:
        """A key of 32 bytes for one purpose; equal purposes give equal keys."""
        return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose).derive(self._key)

    def __repr__(self) -> str:
        return "MasterKey(…)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a master key is not pickled")


def create_master_key(path: Path, random: Random) -> MasterKey:
    """Make a new master key and keep it in `path` (mode 0600); CONFLICT if a file is there already."""
    key = random(KEY_BYTES)
    try:
        create_private(path, _HEADER + b"\n" + base64.b64encode(key) + b"\n")
    except FileExistsError:
        raise KeylessError(
            ErrorKind.CONFLICT, f"{path} exists already: use it, or name another file for a new master key."
        ) from None
    return MasterKey(key)


def load_master_key(path: Path) -> MasterKey:
    """Read the master key from `path`.

    NOT_FOUND if there is no such file, FORBIDDEN if others than its owner may read it, INVALID if it holds no
    master key.
    """
    try:
        # Without O_NONBLOCK a FIFO put in the file's place would hold the start up for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeylessError(
            ErrorKind.NOT_FOUND, f"The master key {path} is missing: put it back there, or say where it is."
        ) from None
    except OSError as error:
        raise KeylessError(
            ErrorKind.FORBIDDEN, f"The master key {path} cannot be read ({error.strerror}): check its owner and mode."
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        _check_private(path, os.fstat(descriptor))
        return _parse(path, file.read(_MAX_FILE_BYTES + 1))


def key_password(master: MasterKey, purpose: bytes) -> SecretStr:
    """A password of 256 bits for encrypted key files; one for each purpose."""
    return SecretStr(base64.urlsafe_b64encode(master.derive(b"keyless key password\x00" + purpose)).decode())


def _check_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeylessError(ErrorKind.INVALID, f"The master key {path} is not a regular file: name one that is.")
    if status.st_uid not in (0, os.geteuid()):
        raise KeylessError(
            ErrorKind.FORBIDDEN, f"The master key {path} belongs to another user: change its owner with chown."
        )
    # systemd hands out a credential as root's file with an access list for the service's user, and the list's
    # mask shows as the group's read bit.
    given_by_root = status.st_uid == 0 and os.geteuid() != 0
    if status.st_mode & (0o037 if given_by_root else 0o077):
        raise KeylessError(
            ErrorKind.FORBIDDEN,
            f"The master key {path} is open to other users of this machine: run `chmod 600 {path}` and start again.",
        )


def _parse(path: Path, data: bytes) -> MasterKey:
    header, _, body = data.partition(b"\n")
    try:
        key = base64.b64decode(body.rstrip(b"\r\n"), validate=True)
    except binascii.Error:
        key = b""
    if header.rstrip(b"\r") != _HEADER or len(key) != KEY_BYTES:
        raise KeylessError(
            ErrorKind.INVALID,
            f"{path} holds no keyless master key (first line `{_HEADER.decode()}`): restore it from your backup.",
        )
    return MasterKey(key)

"""The sealed form of an archive: a head, and one stream in chunks, each of which is authenticated.

Owns the head, the key that follows from it, and the sealing of chunks; no file I/O. An archive is

    keyless-backup v1 ⏎ {"instance": …, "master": …, "salt": …} ⏎ chunk*

A chunk is ciphertext and tag (n + 16 bytes), and every one but the last holds 64 KiB of plaintext. The AES key is
derived from the master key and the whole head, in which the salt is random: so it is this archive's own, and under
another head nothing opens. The nonce is the chunk's index and whether it is the last: a chunk moved, left out or
cut off does not open.

Source: the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance" (2015), with AES-256-GCM.
"""

from __future__ import annotations

import hmac

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keyless.model.errors import ErrorKind, KeylessError, conflict, invalid
from keyless.store.sealing.master_key import MasterKey, Random
from keyless.store.sealing.xaes import TAG_BYTES

CHUNK_BYTES = 64 * 1024
SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES
#: The most bytes that a head has.
MAX_HEAD = 512
_NAME = b"keyless-backup v"
_FORMAT = b"1"
_SALT_BYTES = 32
_PURPOSE = b"keyless archive\x00"
_FINGERPRINT = b"keyless master key fingerprint"


class _Head(msgspec.Struct, frozen=True):
    instance: str
    master: str
    salt: str


class ArchiveSealer:
    """Seals and opens the chunks of the one archive that has this head."""

    def __init__(self, master: MasterKey, head: bytes) -> None:
        """`head` as `new_head` or `split_head` gives it. Raises FORBIDDEN if it was made under another master key."""
        if not hmac.compare_digest(_parse(head).master, _fingerprint(master)):
            raise KeylessError(
                ErrorKind.FORBIDDEN,
                "The archive was sealed under another master key: bring the one of the instance that it was made of.",
            )
        self._cipher = AESGCM(master.derive(_PURPOSE + head))

    def seal(self, index: int, last: bool, chunk: bytes) -> bytes:
        """Seal chunk `index`; only the last may be shorter than `CHUNK_BYTES`."""
        return self._cipher.encrypt(_nonce(index, last), chunk, None)

    def open(self, index: int, last: bool, sealed: bytes) -> bytes:
        """Open chunk `index`; raises INVALID if it is damaged, or not where it was put."""
        try:
            return self._cipher.decrypt(_nonce(index, last), sealed, None)
        except InvalidTag:
            raise torn() from None


def new_head(master: MasterKey, instance: str, random: Random) -> bytes:
    """The head of a new archive of an instance."""
    head = _Head(instance, _fingerprint(master), random(_SALT_BYTES).hex())
    return _NAME + _FORMAT + b"\n" + msgspec.json.encode(head) + b"\n"


def split_head(begin: bytes) -> tuple[bytes, bytes, str]:
    """The head at the beginning of an archive, what follows it, and the instance's ID.

    `begin` has at least `MAX_HEAD` bytes, if the archive has. Raises INVALID for what is no archive, CONFLICT for
    one of a newer keyless.
    """
    name, ended, rest = begin.partition(b"\n")
    if not name.startswith(_NAME):
        raise invalid("This is no archive of keyless: name a file that `keyless backup` has written.")
    if not ended:
        raise torn()
    if name != _NAME + _FORMAT:
        raise conflict("The archive was written by a newer keyless: upgrade this program.")
    values, newline, _ = rest[:MAX_HEAD].partition(b"\n")
    head = name + b"\n" + values + newline
    return head, begin[len(head) :], _parse(head).instance


def torn() -> KeylessError:
    """The one error of opening: it tells nobody which of the checks failed."""
    return invalid("The archive is torn or damaged, and nothing was restored: take another one.")


def _parse(head: bytes) -> _Head:
    try:
        return msgspec.json.decode(head.partition(b"\n")[2], type=_Head)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise torn() from None


def _fingerprint(master: MasterKey) -> str:
    """Tells master keys apart, and nothing else about them."""
    return master.derive(_FINGERPRINT)[:16].hex()


def _nonce(index: int, last: bool) -> bytes:
    return index.to_bytes(11, "big") + (b"\x01" if last else b"\x00")

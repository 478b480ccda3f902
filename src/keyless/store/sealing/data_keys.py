"""Data keys, and the messages (rows of the store) that they seal.

Owns wrapping under the master key, the choice of the current data key, and the sealed form of a message:

    version (1 byte, 0x01) ‖ data key ID (8) ‖ nonce (24) ‖ ciphertext and tag (n + 16)

A message's cipher is XAES-256-GCM: plain AES-GCM with random nonces wears a key out after 2^32 messages, which
would have to be counted durably and across replicas. Here nothing is counted; a new data key is a choice.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keyless.model.errors import ErrorKind, KeylessError
from keyless.store.sealing.master_key import KEY_BYTES, MasterKey, Random
from keyless.store.sealing.xaes import NONCE_BYTES, TAG_BYTES, Xaes256Gcm

_ID_BYTES = 8
_VERSION = b"\x01"
HEAD_BYTES = 1 + _ID_BYTES
_BODY = HEAD_BYTES + NONCE_BYTES
_WRAPPED_BYTES = 1 + NONCE_BYTES + KEY_BYTES + TAG_BYTES
_WRAPPING = b"keyless data key wrapping"


class DataKey:
    """One data key, split into a key for each of its two uses."""

    __slots__ = ("id_bytes", "messages", "part_secret")

    def __init__(self, id_bytes: bytes, key: bytes) -> None:
        self.id_bytes = id_bytes
        self.messages = Xaes256Gcm(_derive(key, b"keyless messages"))
        self.part_secret = _derive(key, b"keyless parts")

    def __repr__(self) -> str:
        return f"DataKey({self.id_bytes.hex()}, …)"


class Sealer:
    """Seals under the current data key; unseals under any that it holds. Safe to use from many threads."""

    def __init__(self, keys: Iterable[DataKey], random: Random) -> None:
        """`keys` from the oldest to the current one; at least one."""
        self._keys = {key.id_bytes: key for key in keys}
        self._current = next(reversed(self._keys.values()))
        self._random = random

    @classmethod
    def from_wrapped(cls, master: MasterKey, rows: Iterable[tuple[str, bytes]], random: Random = os.urandom) -> Sealer:
        """From the wrapped keys as the store keeps them, (ID, wrapped) from the oldest to the current one.

        FORBIDDEN if `master` is not the key that wrapped them, NOT_FOUND if there are none.
        """
        wrapping = Xaes256Gcm(master.derive(_WRAPPING))
        keys = [_unwrap(wrapping, key_id, wrapped) for key_id, wrapped in rows]
        if not keys:
            raise KeylessError(
                ErrorKind.NOT_FOUND, "The data folder holds no data key: restore it from a backup, or begin a new one."
            )
        return cls(keys, random)

    @property
    def current(self) -> DataKey:
        """The data key that seals from now on."""
        return self._current

    def key_of(self, sealed: bytes) -> DataKey:
        """The data key that sealed this message or chunk; INTERNAL if it is not among ours."""
        key = self._keys.get(sealed[1:HEAD_BYTES]) if sealed[:1] == _VERSION else None
        if key is None:
            raise damaged()
        return key

    def seal(self, plaintext: bytes, *, context: bytes) -> bytes:
        """Seal one message of a row; only the same `context` (the row's identity) opens it again."""
        key = self._current
        head = sealed_head(key)
        nonce = self._random(NONCE_BYTES)
        return head + nonce + key.messages.encrypt(nonce, plaintext, head + context)

    def unseal(self, sealed: bytes, *, context: bytes) -> bytes:
        """Open a message; INTERNAL if a bit of it or of its context is not what was sealed."""
        key = self.key_of(sealed)
        head, nonce, body = sealed[:HEAD_BYTES], sealed[HEAD_BYTES:_BODY], sealed[_BODY:]
        plaintext = None if len(body) < TAG_BYTES else key.messages.decrypt(nonce, body, head + context)
        if plaintext is None:
            raise damaged()
        return plaintext


def new_wrapped_key(master: MasterKey, random: Random) -> tuple[str, bytes]:
    """A new data key as the store keeps it: its ID (16 hexadecimal digits) and the wrapped key (73 bytes)."""
    id_bytes, nonce = random(_ID_BYTES), random(NONCE_BYTES)
    wrapped = Xaes256Gcm(master.derive(_WRAPPING)).encrypt(nonce, random(KEY_BYTES), _VERSION + id_bytes)
    return id_bytes.hex(), _VERSION + nonce + wrapped


def sealed_head(key: DataKey) -> bytes:
    """What every sealed message and chunk begins with: 9 bytes."""
    return _VERSION + key.id_bytes


def damaged() -> KeylessError:
    """The one error of unsealing: it tells nobody which of the checks failed."""
    return KeylessError(
        ErrorKind.INTERNAL,
        "Stored data is damaged or was sealed under another key: restore the data folder and its master key.",
    )


def _unwrap(wrapping: Xaes256Gcm, key_id: str, wrapped: bytes) -> DataKey:
    try:
        id_bytes = bytes.fromhex(key_id)
    except ValueError:
        raise damaged() from None
    if len(wrapped) != _WRAPPED_BYTES or len(id_bytes) != _ID_BYTES:
        raise damaged()
    nonce, ciphertext = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
    key = wrapping.decrypt(nonce, ciphertext, wrapped[:1] + id_bytes)
    if key is None:
        raise KeylessError(
            ErrorKind.FORBIDDEN,
            "This master key does not open the data folder: start with the master key that the folder was made with.",
        )
    return DataKey(id_bytes, key)


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose).derive(key)

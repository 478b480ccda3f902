"""XAES-256-GCM: AES-256-GCM with a nonce of 24 bytes, long enough to be drawn at random for ever.

Owns the derivation of each message's own AES key. Must not know where keys come from or what messages are.

Source: C2SP, "XAES-256-GCM" (https://c2sp.org/XAES-256-GCM), with NIST SP 800-108r1 (KDF in counter mode, CMAC).
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.cmac import CMAC

NONCE_BYTES = 24
TAG_BYTES = 16
_COUNTERS = (b"\x00\x01", b"\x00\x02")
_LABEL = b"X\x00"
#: Ciphers of messages that were opened last, each some hundred bytes.
_REMEMBERED = 1024


class Xaes256Gcm:
    """One key of 32 bytes, good for 2^80 messages under random nonces."""

    __slots__ = ("_mac", "_remembered")

    def __init__(self, key: bytes) -> None:
        self._mac = CMAC(AES256(key))
        # what is read is read again and again; the nonce of what is written is a new one each time
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._message_cipher)

    def encrypt(self, nonce: bytes, plaintext: bytes, associated: bytes) -> bytes:
        """The ciphertext and its tag: 16 bytes longer than `plaintext`."""
        return self._message_cipher(nonce).encrypt(nonce[12:], plaintext, associated)

    def decrypt(self, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes | None:
        """The plaintext, or None where the tag does not hold."""
        try:
            return self._remembered(nonce).decrypt(nonce[12:], ciphertext, associated)
        except InvalidTag:
            return None

    def _message_cipher(self, nonce: bytes) -> AESGCM:
        assert len(nonce) == NONCE_BYTES
        halves = []
        for counter in _COUNTERS:
            mac = self._mac.copy()
            mac.update(counter + _LABEL + nonce[:12])
            halves.append(mac.finalize())
        return AESGCM(b"".join(halves))

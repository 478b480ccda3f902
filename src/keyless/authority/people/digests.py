"""Keyed hashes of what is given out once and never kept: codes, links, cookies.

Owns how a secret is looked up without being stored. A keyed hash, because a user code is short enough to be found
from a plain one.
"""

from __future__ import annotations

import hmac


class Digests:
    """`key` is derived from the master key; 32 bytes."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, purpose: str, secret: str) -> bytes:
        """What is kept of a secret; the same text for another purpose gives another digest."""
        return hmac.digest(self._key, f"{purpose}\0{secret}".encode(), "sha256")

    def __repr__(self) -> str:
        return "Digests(…)"

"""Proof Key for Code Exchange: S256, and nothing else.

Owns the form of challenge and verifier, and their comparison. Pure.

Source: RFC 7636, sections 4.1 to 4.6; RFC 9700, section 2.1.1 ("plain" is not to be used).
"""

from __future__ import annotations

import hashlib
import hmac
import re

from keyless.authority.jwt import encode_base64url

METHOD = "S256"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def is_challenge(text: str) -> bool:
    """Whether a text can be the S256 challenge of some verifier."""
    return bool(_CHALLENGE.fullmatch(text))


def matches(challenge: str, verifier: str) -> bool:
    """Whether `verifier` is what `challenge` was made from."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = encode_base64url(hashlib.sha256(verifier.encode("ascii")).digest())
    return hmac.compare_digest(made, challenge.encode())

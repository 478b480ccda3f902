"""JSON Web Tokens in compact form: what is written and what is accepted as text.

Owns the form only, and is strict about it: one spelling for every token. Must not know keys or signatures
(`keys.py`), nor what claims mean.

Source: RFC 7515 (JWS) section 7.1, RFC 7519 (JWT), RFC 8725 (best current practices).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from keyless.model.errors import ErrorKind, KeylessError

MAX_TOKEN_BYTES = 16 * 1024
MAX_HEADER_BYTES = 1024


class _Header(msgspec.Struct):
    """What counts in a header. Keys that a token brings along (`jwk`, `jku`, `x5u`, `x5c`) are not read at all."""

    alg: str
    kid: str = ""
    crit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_header_decoder = msgspec.json.Decoder(_Header)
_claims_decoder = msgspec.json.Decoder(dict[str, object])


@dataclass(frozen=True, repr=False)
class UnverifiedToken:
    """A token taken apart; nothing in it may be believed before the signature is checked."""

    algorithm: str
    key_id: str
    signing_input: bytes
    signature: bytes
    payload: bytes


def encode_header(header: Mapping[str, str]) -> bytes:
    """The first part of a token, as `encode` takes it."""
    return encode_base64url(msgspec.json.encode(header))


def signing_input(encoded_header: bytes, claims: Mapping[str, object]) -> bytes:
    """The bytes to be signed."""
    return encoded_header + b"." + encode_base64url(msgspec.json.encode(claims))


def compact(signed: bytes, signature: bytes) -> str:
    """The finished token."""
    return (signed + b"." + encode_base64url(signature)).decode("ascii")


def take_apart(token: str) -> UnverifiedToken:
    """Split a token and read its header. UNAUTHENTICATED if it departs from the one form in any way."""
    if len(token) > MAX_TOKEN_BYTES:
        raise refused(f"it is longer than {MAX_TOKEN_BYTES} bytes")
    if not token.isascii():
        raise refused("it has characters that no token has")
    parts = token.encode("ascii").split(b".")
    if len(parts) != 3:
        raise refused("it does not have the three parts of a signed token")
    header_bytes, payload, signature = (decode_base64url(part) for part in parts)
    if len(header_bytes) > MAX_HEADER_BYTES:
        raise refused(f"its header is longer than {MAX_HEADER_BYTES} bytes")
    try:
        header = _header_decoder.decode(header_bytes)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise refused("its header is not a JSON object that names an algorithm") from None
    if header.crit is not msgspec.UNSET:
        raise refused("its header has critical extensions, and none is known here")
    return UnverifiedToken(header.alg, header.kid, parts[0] + b"." + parts[1], signature, payload)


def decode_claims(payload: bytes) -> dict[str, object]:
    """The claims of a token whose signature holds."""
    try:
        return _claims_decoder.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise refused("its claims are not a JSON object") from None


def encode_base64url(data: bytes) -> bytes:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def decode_base64url(text: bytes) -> bytes:
    """The bytes of a base64url text. UNAUTHENTICATED if padded, or if another text stands for the same bytes."""
    try:
        data = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        raise refused("a part of it is not base64url") from None
    # The decoder skips foreign characters and ignores left-over bits; what comes back then differs.
    if encode_base64url(data) != text:
        raise refused("a part of it is not canonical base64url")
    return data


def refused(why: str, kind: ErrorKind = ErrorKind.UNAUTHENTICATED) -> KeylessError:
    """The one error for a token; `why` never quotes it."""
    return KeylessError(kind, f"The token cannot be accepted because {why}: send a fresh one.")

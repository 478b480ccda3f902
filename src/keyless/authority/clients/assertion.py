"""A client's assertion as text, in every spelling that official clients have, and its claims.

Owns the form, which is looser than that of our own tokens (`jwt.py`): some clients pad base64url, some write
thumbprints in standard base64. Nothing in it may be believed before a way has checked the signature. Must not know
keys.

Source: RFC 7515 (JWS), section 4.1 (`x5t`, `x5t#S256`, `kid`); RFC 7523, section 3 (the claims). The spellings are
those of msal and azure-identity for Python (padded), @azure/identity (unpadded), azidentity for Go (standard base64),
msal4j, MSAL.NET (times as text), and HashiCorp's clients (`kid` alone).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from keyless.authority import jwt
from keyless.authority.clients.presented import refused
from keyless.model.errors import KeylessError
from keyless.model.secretstr import SecretStr

#: Headers may hold a chain of certificates (`x5c`), which is not read.
MAX_HEADER_BYTES = 12 * 1024
MAX_LIFE = 3600
SKEW = 60
_SHA1_BYTES = 20


class _Header(msgspec.Struct):
    alg: str
    kid: str = ""
    x5t: str = ""
    x5t_s256: str = msgspec.field(default="", name="x5t#S256")
    crit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_header_decoder = msgspec.json.Decoder(_Header)


@dataclass(frozen=True)
class Assertion:
    """One assertion. `thumbprints` are the SHA-1 or SHA-256 digests by which its header names a certificate."""

    text: SecretStr
    algorithm: str
    thumbprints: tuple[bytes, ...]
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    claims: Mapping[str, object] = field(repr=False)

    @property
    def issuer(self) -> str:
        """Who says to have signed it."""
        found = self.claims.get("iss")
        return found if isinstance(found, str) else ""


def read_assertion(text: SecretStr) -> Assertion:
    """Take an assertion apart; raises UNAUTHENTICATED for what is none."""
    given = text.reveal()
    if len(given) > jwt.MAX_TOKEN_BYTES or not given.isascii():
        raise refused(f"the assertion is longer than {jwt.MAX_TOKEN_BYTES} bytes, or is not ASCII")
    parts = given.encode("ascii").split(b".")
    if len(parts) != 3:
        raise refused("the assertion does not have the three parts of a signed token")
    header_bytes, payload, signature = map(_decode, parts)
    if len(header_bytes) > MAX_HEADER_BYTES:
        raise refused(f"the assertion's header is longer than {MAX_HEADER_BYTES} bytes")
    try:
        header = _header_decoder.decode(header_bytes)
        claims = jwt.decode_claims(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError, KeylessError):
        raise refused("the assertion's header and claims are not JSON objects, or no algorithm is named") from None
    if header.crit is not msgspec.UNSET:
        raise refused("the assertion's header has critical extensions, and none is known here")
    signed = parts[0] + b"." + parts[1]
    return Assertion(text, header.alg, tuple(_thumbprints(header)), signed, signature, claims)


def check_claims(assertion: Assertion, client_id: str, audiences: tuple[str, ...], now: float, max_life: int) -> float:
    """Check who it is about, for whom, and when; returns when it ends, raises UNAUTHENTICATED."""
    claims = assertion.claims
    about = claims.get("sub")
    if assertion.issuer.lower() != client_id or not isinstance(about, str) or about.lower() != client_id:
        raise refused("the assertion's iss and sub are not the client_id")
    if not _is_for(claims.get("aud"), audiences):
        raise refused("the assertion is for another token endpoint")
    expires, not_before = _seconds(claims.get("exp")), _seconds(claims.get("nbf", 0))
    if expires is None or not now < expires <= now + max_life + SKEW:
        raise refused(f"the assertion has expired, or lives longer than {max_life} seconds", "AADSTS700024")
    if not_before is None or now + SKEW < not_before:
        raise refused("the assertion is not valid yet: compare the clocks", "AADSTS700024")
    return expires


def _seconds(claim: object) -> float | None:
    """A time: msal for Python writes fractions of a second, and MSAL.NET writes text."""
    if isinstance(claim, str) and re.fullmatch(r"[0-9]{1,12}", claim):
        return float(claim)
    return claim if isinstance(claim, int | float) else None


def _is_for(audience: object, audiences: tuple[str, ...]) -> bool:
    return isinstance(audience, str) and audience.lower() in {name.lower() for name in audiences}


def _decode(part: bytes) -> bytes:
    """The bytes of a base64url text, padded or not, in its one spelling besides that."""
    bare = part.rstrip(b"=")
    if part not in {bare, bare + b"=" * (-len(bare) % 4)}:
        raise refused("a part of the assertion is not base64url")
    try:
        return jwt.decode_base64url(bare)
    except KeylessError:
        raise refused("a part of the assertion is not base64url") from None


def _thumbprints(header: _Header) -> Iterator[bytes]:
    for text in (header.x5t, header.x5t_s256, header.kid):
        try:
            yield base64.b64decode(text.rstrip("=").translate(_STANDARD) + "=" * (-len(text.rstrip("=")) % 4))
        except (binascii.Error, ValueError):
            continue
    if len(header.kid) == 2 * _SHA1_BYTES:
        try:
            yield bytes.fromhex(header.kid)
        except ValueError:
            return


_STANDARD = str.maketrans("-_", "+/")

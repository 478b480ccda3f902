"""The public keys of another issuer, and what they verify.

Owns the JSON Web Key Set as it is read here, and the list of algorithms. The key says which algorithms it may be used
with, by its type and curve and, if it has one, its `alg`; a token's header only chooses among them. So a public key
can never serve as the secret of an HMAC, and `none` is no algorithm. Computation only.

Source: RFC 7517 (JWK), RFC 7518 sections 3 and 6, RFC 8037 (Ed25519, Ed448), RFC 8725 section 3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, utils

from keyless.authority.jwt import UnverifiedToken, decode_base64url
from keyless.model.errors import KeylessError, invalid

MAX_KEYS = 64
_RSA_BITS = range(2048, 8193)
_MAX_EXPONENT = 1 << 32
_HASHES: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES: dict[str, tuple[ec.EllipticCurve, str]] = {
    "P-256": (ec.SECP256R1(), "256"),
    "P-384": (ec.SECP384R1(), "384"),
    "P-521": (ec.SECP521R1(), "512"),
}

#: Raises InvalidSignature unless the second is a signature of the first.
Verify = Callable[[bytes, bytes], None]


class _Jwk(msgspec.Struct):
    kty: str
    use: str = "sig"
    key_ops: list[str] | None = None
    alg: str | None = None
    kid: str = ""
    n: str = ""
    e: str = ""
    crv: str = ""
    x: str = ""
    y: str = ""
    d: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    k: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _KeySet(msgspec.Struct):
    keys: list[msgspec.Raw]


@dataclass(frozen=True)
class ForeignKey:
    """One public key, and how it verifies by each algorithm that it may be used with."""

    kid: str
    algorithms: dict[str, Verify] = field(repr=False)

    def holds(self, token: UnverifiedToken) -> bool:
        """Whether this key signed the token, by the algorithm that its header names."""
        verify = self.algorithms.get(token.algorithm)
        if verify is None:
            return False
        try:
            verify(token.signature, token.signing_input)
        except InvalidSignature:
            return False
        return True


def parse_key_set(data: bytes) -> tuple[ForeignKey, ...]:
    """The keys of a set that can be used here; the others are left out, as the specification wants it.

    Raises INVALID if it is no key set, has more than MAX_KEYS keys, has none to be used, or holds a secret.
    """
    try:
        found = msgspec.json.decode(data, type=_KeySet).keys
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _no_key_set("it is not a JSON object with a list of `keys`") from None
    if len(found) > MAX_KEYS:
        raise _no_key_set(f"it has more than {MAX_KEYS} keys")
    keys = tuple(key for key in map(_parse, found) if key)
    if not keys:
        raise _no_key_set("none of its keys is a public RSA, EC or OKP key for signatures")
    return keys


def by_kid(keys: Sequence[ForeignKey], kid: str) -> list[ForeignKey]:
    """The keys that may have signed a token which names `kid`; all of them if it names none."""
    return [key for key in keys if not kid or key.kid == kid]


def _parse(raw: msgspec.Raw) -> ForeignKey | None:
    try:
        jwk = msgspec.json.decode(raw, type=_Jwk)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if jwk.d is not msgspec.UNSET or jwk.k is not msgspec.UNSET:
        raise _no_key_set("it holds a private or symmetric key, which nobody but the issuer may have")
    if jwk.use != "sig" or (jwk.key_ops is not None and "verify" not in jwk.key_ops):
        return None
    try:
        algorithms = _ALGORITHMS.get(jwk.kty, _none)(jwk)
    except (KeylessError, ValueError, UnsupportedAlgorithm):
        return None
    if jwk.alg is not None:
        algorithms = {name: verify for name, verify in algorithms.items() if name == jwk.alg}
    return ForeignKey(jwk.kid, algorithms) if algorithms else None


def _none(_jwk: _Jwk) -> dict[str, Verify]:
    return {}


def _rsa(jwk: _Jwk) -> dict[str, Verify]:
    modulus, exponent = _number(jwk.n), _number(jwk.e)
    if modulus.bit_length() not in _RSA_BITS or exponent > _MAX_EXPONENT:
        return {}
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()

    def verifier(how: padding.AsymmetricPadding, digest: hashes.HashAlgorithm) -> Verify:
        return lambda signature, signed: key.verify(signature, signed, how, digest)

    found: dict[str, Verify] = {}
    for size, digest in _HASHES.items():
        found[f"RS{size}"] = verifier(padding.PKCS1v15(), digest)
        found[f"PS{size}"] = verifier(padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    return found


def _elliptic(jwk: _Jwk) -> dict[str, Verify]:
    if jwk.crv not in _CURVES:
        return {}
    curve, size = _CURVES[jwk.crv]
    key = ec.EllipticCurvePublicNumbers(_number(jwk.x), _number(jwk.y), curve).public_key()
    half, how = (curve.key_size + 7) // 8, ec.ECDSA(_HASHES[size])

    def verify(signature: bytes, signed: bytes) -> None:
        if len(signature) != 2 * half:
            raise InvalidSignature
        r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        key.verify(utils.encode_dss_signature(r, s), signed, how)

    return {f"ES{size}": verify}


def _edwards(jwk: _Jwk) -> dict[str, Verify]:
    x = decode_base64url(jwk.x.encode())
    if jwk.crv == "Ed25519":
        return {"EdDSA": ed25519.Ed25519PublicKey.from_public_bytes(x).verify}
    if jwk.crv == "Ed448":
        return {"EdDSA": ed448.Ed448PublicKey.from_public_bytes(x).verify}
    return {}


_ALGORITHMS = {"RSA": _rsa, "EC": _elliptic, "OKP": _edwards}


def _number(text: str) -> int:
    return int.from_bytes(decode_base64url(text.encode()), "big")


def _no_key_set(why: str) -> KeylessError:
    """The end of a sentence; the caller says what was to be done."""
    return invalid(f"the key set (JWKS) cannot be used because {why}", "InvalidKeySet")

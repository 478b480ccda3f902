"""Signing keys: make, sign, verify, publish.

Owns RS256 (access tokens, RSA of 2048 bits) and ES256 (assertions of the owner, P-256), each with exactly one
algorithm. Must not know where keys are kept, which of them is current, or what the claims mean; sealing is
the caller's. Everything here is computation: `SigningKey.generate` takes up to a few hundred milliseconds.

Source: RFC 7515 (JWS), RFC 7517 (JWK), RFC 7518 sections 3.3, 3.4 and 6 (RS256, ES256, key parameters),
RFC 7638 (thumbprint).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from keyless.authority import jwt
from keyless.model.errors import ErrorKind, KeylessError

_MIN_RSA_BITS = 2048
_P256_BYTES = 32
_SHA256 = hashes.SHA256()
_PKCS1V15 = padding.PKCS1v15()
_ECDSA = ec.ECDSA(_SHA256)


class VerifyingKey:
    """The public half of a signing key."""

    __slots__ = ("_public", "kid")

    def __init__(self, kid: str, public: rsa.RSAPublicKey) -> None:
        self.kid = kid
        self._public = public

    def holds(self, signed: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's RS256 signature of `signed`."""
        try:
            self._public.verify(signature, signed, _PKCS1V15, _SHA256)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """An RSA key that signs access tokens. `kid` is its RFC 7638 thumbprint."""

    __slots__ = ("_header", "_private", "kid")

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self._private = private
        self.kid = _thumbprint(_rsa_members(private.public_key()))
        self._header = jwt.encode_header({"typ": "JWT", "alg": "RS256", "kid": self.kid})

    @classmethod
    def generate(cls, bits: int = _MIN_RSA_BITS) -> SigningKey:
        """A new key."""
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=bits))

    @classmethod
    def from_bytes(cls, pkcs8: bytes) -> SigningKey:
        """A key as `to_bytes` gave it; INTERNAL if it is not an RSA key of at least 2048 bits."""
        try:
            private = serialization.load_der_private_key(pkcs8, password=None)
        except (ValueError, TypeError):
            private = None
        if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < _MIN_RSA_BITS:
            raise KeylessError(
                ErrorKind.INTERNAL, "A stored signing key is damaged: restore the data folder from a backup."
            )
        return cls(private)

    def to_bytes(self) -> bytes:
        """The private key in the clear (PKCS#8, DER): to be sealed at once."""
        return self._private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def verifying_key(self) -> VerifyingKey:
        """The public half, for `verify_signature`."""
        return VerifyingKey(self.kid, self._private.public_key())

    def public_jwk(self) -> dict[str, str]:
        """The public half, for the key set that discovery publishes."""
        return {"use": "sig", "alg": "RS256", "kid": self.kid, **_rsa_members(self._private.public_key())}

    def sign(self, claims: Mapping[str, object]) -> str:
        """A compact JWT with these claims, signed with RS256."""
        signed = jwt.signing_input(self._header, claims)
        return jwt.compact(signed, self._private.sign(signed, _PKCS1V15, _SHA256))

    def __repr__(self) -> str:
        return f"SigningKey({self.kid!r})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a signing key is not pickled")


def verify_signature(token: str, keys: Mapping[str, VerifyingKey]) -> dict[str, object]:
    """The claims of an access token that one of `keys` (by `kid`) signed; UNAUTHENTICATED otherwise.

    Says nothing about lifetime, issuer or audience.
    """
    unverified = jwt.take_apart(token)
    if unverified.algorithm != "RS256":
        raise jwt.refused("it is not signed with RS256")
    key = keys.get(unverified.key_id)
    if key is None:
        raise jwt.refused("the key that it names is not in use")
    if not key.holds(unverified.signing_input, unverified.signature):
        raise jwt.refused("its signature does not hold")
    return jwt.decode_claims(unverified.payload)


def verify_assertion(token: str, public_jwk: Mapping[str, str]) -> dict[str, object]:
    """The claims of an ES256 assertion that the holder of `public_jwk` signed; UNAUTHENTICATED otherwise.

    Says nothing about lifetime, issuer or audience. INTERNAL if `public_jwk` is not a P-256 key.
    """
    unverified = jwt.take_apart(token)
    if unverified.algorithm != "ES256":
        raise jwt.refused("it is not signed with ES256")
    signature = unverified.signature
    if len(signature) != 2 * _P256_BYTES:
        raise jwt.refused("its signature does not hold")
    r, s = (int.from_bytes(half, "big") for half in (signature[:_P256_BYTES], signature[_P256_BYTES:]))
    try:
        _p256_public_key(public_jwk).verify(utils.encode_dss_signature(r, s), unverified.signing_input, _ECDSA)
    except InvalidSignature:
        raise jwt.refused("its signature does not hold") from None
    return jwt.decode_claims(unverified.payload)


def generate_owner_key() -> dict[str, str]:
    """A new P-256 key as a private JWK: the owner's file. It holds a secret (`d`)."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_numbers()
    members = {"kty": "EC", "crv": "P-256", "x": _fixed(public.x), "y": _fixed(public.y)}
    secret = _fixed(private.private_numbers().private_value)
    return {**members, "use": "sig", "alg": "ES256", "kid": _thumbprint(members), "d": secret}


def public_owner_key(private_jwk: Mapping[str, str]) -> dict[str, str]:
    """What the server keeps of the owner's key, for `verify_assertion`."""
    return {name: value for name, value in private_jwk.items() if name != "d"}


def _p256_public_key(jwk: Mapping[str, str]) -> ec.EllipticCurvePublicKey:
    try:
        if (jwk["kty"], jwk["crv"]) != ("EC", "P-256"):
            raise ValueError
        x, y = (int.from_bytes(jwt.decode_base64url(jwk[name].encode("ascii")), "big") for name in "xy")
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except (KeyError, ValueError, KeylessError):
        raise KeylessError(
            ErrorKind.INTERNAL, "The stored public key is not a P-256 key: restore the data folder from a backup."
        ) from None


def _rsa_members(public: rsa.RSAPublicKey) -> dict[str, str]:
    numbers = public.public_numbers()
    return {"kty": "RSA", "n": _minimal(numbers.n), "e": _minimal(numbers.e)}


def _thumbprint(members: Mapping[str, str]) -> str:
    canonical = msgspec.json.encode(dict(sorted(members.items())))
    return jwt.encode_base64url(hashlib.sha256(canonical).digest()).decode("ascii")


def _minimal(number: int) -> str:
    return jwt.encode_base64url(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode("ascii")


def _fixed(number: int) -> str:
    return jwt.encode_base64url(number.to_bytes(_P256_BYTES, "big")).decode("ascii")

"""Certificates of clients: reading what is registered, and checking what was signed with their keys.

Owns which keys are strong enough, and which signature goes with which key. Must not know whose certificate it is.

Source: RFC 5280; RFC 7518, sections 3.3 to 3.5. An ES256 signature is also taken as DER (ANSI X9.62), because
HashiCorp's clients write it so.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding

from keyless.directory.applications import ClientCertificate
from keyless.model.errors import invalid

MAX_CERTIFICATE_BYTES = 16 * 1024
_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 8192
_P256_BYTES = 32
_SHA256 = hashes.SHA256()
_PKCS1 = padding.PKCS1v15()
_PSS = padding.PSS(padding.MGF1(_SHA256), padding.PSS.DIGEST_LENGTH)
_ECDSA = ec.ECDSA(_SHA256)


def read_client_certificate(data: bytes, key_id: str, display_name: str) -> ClientCertificate:
    """A certificate in DER or PEM as a credential, for its own time; raises INVALID for one that cannot be used."""
    if len(data) > MAX_CERTIFICATE_BYTES:
        raise invalid(f"A certificate may have at most {MAX_CERTIFICATE_BYTES} bytes.")
    try:
        is_pem = data.lstrip().startswith(b"-----BEGIN")
        found = x509.load_pem_x509_certificate(data) if is_pem else x509.load_der_x509_certificate(data)
        key = found.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise invalid("That is not an X.509 certificate in DER or PEM.") from None
    if not _is_strong(key):
        raise invalid("The certificate's key has to be RSA of 2048 to 8192 bits, or an EC key on P-256.")
    start, end = found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
    name = display_name or found.subject.rfc4514_string()[:120]
    return ClientCertificate(key_id, found.public_bytes(Encoding.DER), start, end, name)


def holds(der: bytes, algorithm: str, signed: bytes, signature: bytes) -> bool:
    """Whether `signature` was made with the certificate's key, by an algorithm that fits it."""
    key = _public_key(der)
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm in {"RS256", "PS256"}:
            key.verify(signature, signed, _PKCS1 if algorithm == "RS256" else _PSS, _SHA256)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm == "ES256":
            key.verify(_der_signature(signature), signed, _ECDSA)
            return True
    except InvalidSignature:
        return False
    return False


def _is_strong(key: object) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        return _MIN_RSA_BITS <= key.key_size <= _MAX_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"


@lru_cache(maxsize=256)
def _public_key(der: bytes) -> object:
    return x509.load_der_x509_certificate(der).public_key()


def _der_signature(signature: bytes) -> bytes:
    if len(signature) != 2 * _P256_BYTES:
        return signature
    r, s = (int.from_bytes(half, "big") for half in (signature[:_P256_BYTES], signature[_P256_BYTES:]))
    return utils.encode_dss_signature(r, s)

"""X.509 certificates of a private authority and of the server: made, read and compared in memory.

Owns what stands in them. Must not know where they are kept.

Source: RFC 5280 sections 4.2.1.9 and 4.2.1.10 (basic constraints, name constraints), RFC 6125 (names of
servers), CA/Browser Forum baseline requirements (what clients have come to expect of a leaf).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keyless.model.clock import Clock
from keyless.model.secretstr import SecretStr

AUTHORITY_LIFE = timedelta(days=3652)
LEAF_LIFE = timedelta(days=90)
# Clocks of clients may be behind ours.
_SKEW = timedelta(hours=1)
_NO_ADDRESSES = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, repr=False)
class CertifiedKey:
    """A certificate and its private key (ECDSA P-256): an authority or a leaf."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def cert_pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def clear_pem(self) -> SecretStr:
        """Certificate and private key in the clear, for whoever keeps them in memory only."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return SecretStr((self.cert_pem + key).decode("ascii"))

    def key_pem(self, password: SecretStr) -> bytes:
        """The private key as encrypted PKCS#8 (PBES2: PBKDF2-HMAC-SHA-256, AES-256-CBC).

        The password must be a random key, not a person's word: the work factor is OpenSSL's small default.
        """
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password.reveal().encode()),
        )

    def is_pair(self) -> bool:
        """Whether the certificate is for this key."""
        return self.certificate.public_key() == self.key.public_key()

    def valid_at(self, now: float) -> bool:
        """Whether the certificate's life has begun and not ended."""
        moment = datetime.fromtimestamp(now, UTC)
        return self.certificate.not_valid_before_utc <= moment < self.certificate.not_valid_after_utc

    def life_left(self, now: float) -> float:
        """The share of the certificate's life that is still to come: 1.0 at its beginning, 0 or less at its end."""
        end = self.certificate.not_valid_after_utc
        return (end - datetime.fromtimestamp(now, UTC)) / (end - self.certificate.not_valid_before_utc)


def new_authority(name: str, permitted_dns: Sequence[str], permitted_ip: Sequence[str], clock: Clock) -> CertifiedKey:
    """A self-signed authority that can vouch for the given names (and what lies below them) and networks only.

    Without any `permitted_ip` it can vouch for no address at all. It lives ten years and signs leaves only.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # The identifier tells apart the authorities of two installations that one machine trusts.
    subject = _name(f"{name} {identifier.digest.hex()[:8]}")
    now = datetime.fromtimestamp(clock(), UTC)
    builder = (
        _builder(subject, subject, key.public_key(), now - _SKEW, now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(_name_constraints(permitted_dns, permitted_ip), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return CertifiedKey(builder.sign(key, hashes.SHA256()), key)


def new_leaf(
    authority: CertifiedKey, names: Sequence[str], ips: Sequence[str], clock: Clock, life: timedelta = LEAF_LIFE
) -> CertifiedKey:
    """A server's certificate for these names (wildcards too) and addresses, which never outlives its authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate
    now = datetime.fromtimestamp(clock(), UTC)
    end = min(now + life, issuer.not_valid_after_utc)
    issuer_identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(_name("keyless"), issuer.subject, key.public_key(), now - _SKEW, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_alternative_names(names, ips), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_identifier), critical=False
        )
    )
    return CertifiedKey(builder.sign(authority.key, hashes.SHA256()), key)


def read_certificate(pem: bytes) -> x509.Certificate | None:
    """The certificate in a file; None if there is none or it is damaged."""
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        return None


def read_key(pem: bytes, password: SecretStr) -> ec.EllipticCurvePrivateKey | None:
    """The private key in a file; None if there is none, it is damaged, or `password` is not its own."""
    try:
        key = serialization.load_pem_private_key(pem, password.reveal().encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def is_constrained_to(authority: CertifiedKey, permitted_dns: Sequence[str], permitted_ip: Sequence[str]) -> bool:
    """Whether the authority was made for exactly these names and networks."""
    wanted = _name_constraints(permitted_dns, permitted_ip)
    return any(extension.value == wanted for extension in authority.certificate.extensions)


def is_leaf_for(leaf: CertifiedKey, authority: CertifiedKey, names: Sequence[str], ips: Sequence[str]) -> bool:
    """Whether the authority issued the leaf, for exactly these names and addresses."""
    try:
        leaf.certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    wanted = _alternative_names(names, ips)
    return any(extension.value == wanted for extension in leaf.certificate.extensions)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name_constraints(permitted_dns: Sequence[str], permitted_ip: Sequence[str]) -> x509.NameConstraints:
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in permitted_dns]
    permitted += [x509.IPAddress(_network(network)) for network in permitted_ip]
    # A kind of name that is not mentioned is not constrained: no address must be said aloud.
    excluded = None if permitted_ip else [x509.IPAddress(_network(network)) for network in _NO_ADDRESSES]
    return x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=excluded)


def _alternative_names(names: Sequence[str], ips: Sequence[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [*(x509.DNSName(name) for name in names), *(x509.IPAddress(_address(ip)) for ip in ips)]
    )


def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text)


def _address(text: str) -> IPv4Address | IPv6Address:
    return ip_address(text)

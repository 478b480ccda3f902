"""Foreign issuers for the tests: keys of every kind, tokens signed with them, and a real HTTPS server that shows them.

Owns a private certificate authority and the server's manners, good and bad. Tokens are made with PyJWT, so that what is
tested does not check itself.
"""

from __future__ import annotations

import base64
import hmac
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt as pyjwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from keyless.model.federation import EXCHANGE_AUDIENCE

ISSUER = "https://issuer.example.com"
SUBJECT = "system:serviceaccount:default:shop"
CONFIGURATION = "/.well-known/openid-configuration"
KEYS = "/keys"

PrivateKey = Any
CURVES: dict[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", *CURVES, "EdDSA")


def new_key(algorithm: str) -> PrivateKey:
    """A private key for an algorithm."""
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm])
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(key: PrivateKey, kid: str, **more: object) -> dict[str, Any]:
    """The public half, as a key set has it."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        members = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        members = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        assert isinstance(public, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey)
        members = OKPAlgorithm.to_jwk(public, as_dict=True)
    members.pop("key_ops", None)
    return {**members, "kid": kid, "use": "sig", **more}


def by_secret(claims: Mapping[str, Any], secret: bytes, algorithm: str = "HS256", kid: str = "") -> str:
    """A token with an HMAC, by hand: libraries refuse to use a public key for that."""
    parts = ({"alg": algorithm, "kid": kid}, claims)
    signed = ".".join(base64url(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{base64url(hmac.digest(secret, signed.encode(), f'sha{algorithm[2:]}'))}"


def base64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Issuer:
    """One issuer with one key that signs; `keys` are all that it publishes, by `kid`."""

    url: str = ISSUER
    algorithm: str = "ES256"
    clock: Callable[[], float] = time.time
    keys: dict[str, PrivateKey] = field(default_factory=dict, repr=False)
    current: str = ""

    def __post_init__(self) -> None:
        self.rotate("key-1")

    def rotate(self, kid: str, *, keep: bool = False) -> None:
        """Sign with a new key; the former ones are published no more, unless kept."""
        if not keep:
            self.keys.clear()
        self.keys[kid] = new_key(self.algorithm)
        self.current = kid

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Good claims, with changes; None leaves one out."""
        now = int(self.clock())
        good = {"iss": self.url, "sub": SUBJECT, "aud": EXCHANGE_AUDIENCE, "iat": now, "nbf": now, "exp": now + 600}
        return {name: value for name, value in (good | changed).items() if value is not None}

    def token(self, headers: Mapping[str, Any] | None = None, **changed: Any) -> str:
        """A token with good claims, but for the changes."""
        headers = {"kid": self.current} | dict(headers or {})
        return pyjwt.encode(self.claims(**changed), self.keys[self.current], self.algorithm, headers=headers)

    def key_set(self) -> dict[str, Any]:
        """What it publishes."""
        return {"keys": [public_jwk(key, kid) for kid, key in self.keys.items()]}

    def configuration(self) -> dict[str, Any]:
        """Its discovery document."""
        return {"issuer": self.url, "jwks_uri": f"{self.url}{KEYS}"}


# a server of its own


@dataclass
class Authority:
    """A private certificate authority."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False)

    def __post_init__(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "private authority")])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self._certificate = (
            self._builder(name, name, self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self.key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        """Its certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def context(self, folder: Path, *names: str) -> ssl.SSLContext:
        """What a server needs to answer under these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        leaf = (
            self._builder(subject, self._certificate.subject, key)
            .add_extension(alternative, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        file = folder / f"{names[0]}.pem"
        no_password = serialization.NoEncryption()
        file.write_bytes(
            leaf.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    @staticmethod
    def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )


@dataclass
class Answer:
    """What a server says at a path. `seconds` is how long it takes before that."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    raw: bytes | None = None


@dataclass
class IssuerServer:
    """An HTTPS server on loopback; `answers` overrule what a good issuer says, by path. It notes what was asked for."""

    issuer: Issuer
    port: int
    ca_pem: str
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> Answer:
        self.asked.append(path)
        good = {CONFIGURATION: self.issuer.configuration, KEYS: self.issuer.key_set}
        if path in self.answers:
            return self.answers[path]
        return Answer(json.dumps(good[path]()).encode()) if path in good else Answer(status=404)


@contextmanager
def issuer_server(folder: Path, name: str = "issuer.localhost", algorithm: str = "ES256") -> Iterator[IssuerServer]:
    """An issuer that serves its own keys under a name that is loopback's."""
    authority = Authority()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = server.answer(self.path)
            time.sleep(said.seconds)
            if said.raw is not None:
                self.wfile.write(said.raw)
                return
            self.send_response(said.status)
            for header, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, *_arguments: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_arguments: object) -> None:
            pass  # a client that does not trust us, or that has heard enough

    http = Quiet(("127.0.0.1", 0), Handler)
    http.socket = authority.context(folder, name).wrap_socket(
        http.socket, server_side=True, do_handshake_on_connect=False
    )
    port = int(http.server_address[1])
    server = IssuerServer(Issuer(f"https://{name}:{port}", algorithm), port, authority.pem)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()

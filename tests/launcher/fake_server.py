"""A server that speaks the lease protocol and answers HTTPS, for the launcher's tests. It verifies what it is told."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TENANT = "11111111-1111-4111-8111-111111111111"
CLIENT_ID = "22222222-2222-4222-8222-222222222222"
HEADER = "the-header-secret"
KEY = "the-lease-key"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class TestAuthority:
    """A CA, and TLS contexts with certificates of it."""

    __test__ = False

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = _pem(self._certificate)

    def context(self, folder: Path, *names: str) -> ssl.SSLContext:
        """A server's, with a certificate for these names."""
        path = folder / f"leaf-{x509.random_serial_number()}.pem"
        path.write_text(self.leaf(*names))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def leaf(self, *names: str) -> str:
        """A certificate for names and addresses, and its key, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        leaf = (
            self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")]), key)
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
            .add_extension(issuer_key, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return _pem(leaf) + private.decode()

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class FakeServer:
    """Grants leases to every app but `absent`, and tokens to whoever presents a lease and the header secret."""

    data: Path
    ca: TestAuthority
    settings: dict[str, str] = field(default_factory=dict)
    material: str = ""
    clouds: list[str] = field(default_factory=lambda: ["login.microsoftonline.com", "*.vault.azure.net"])
    openings: list[dict[str, object]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    leases: dict[str, Streams] = field(default_factory=dict)
    granted: int = 0
    assertions: int = 0
    forget: bool = False

    async def start(self) -> None:
        self._open: set[asyncio.StreamWriter] = set()
        self._server = await asyncio.start_unix_server(self._serve, self.data / "keyless.sock")

    async def stop(self) -> None:
        """Go away as a server that restarts: the leases' connections end without a word."""
        self._server.close()
        (self.data / "keyless.sock").unlink()
        for writer in list(self._open):
            writer.close()
        self.leases.clear()

    async def start_https(self, *names: str) -> int:
        context = self.ca.context(self.data, *names)
        self._https = await asyncio.start_server(self._answer_https, "127.0.0.1", self.port or 0, ssl=context)
        self.port = self._https.sockets[0].getsockname()[1]
        return self.port

    async def stop_https(self) -> None:
        self._https.close()

    port: int = 0

    async def end_lease(self, reason: str) -> None:
        for _, writer in self.leases.values():
            writer.write(json.dumps({"end": reason}).encode() + b"\n")
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            opening = json.loads(await reader.readline() or b"{}")
            self.openings.append(opening)
            if opening.get("open") == "identity":
                await self._answer_identity(opening, reader, writer)
            elif opening:
                await self._hold_lease(opening, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _hold_lease(
        self, opening: dict[str, object], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if opening["open"] == "lease":
            answer = self._grant(opening)
        elif self.forget or opening.get("key") != KEY:
            answer = {"error": {"code": "LeaseNotFound", "message": "This lease is not known: start it again."}}
        else:
            answer = {"lease": opening["lease"]}
        writer.write(json.dumps(answer).encode() + b"\n")
        if "error" not in answer:
            lease = str(answer["lease"])
            self.leases[lease] = reader, writer
            await reader.read()
            self.leases.pop(lease, None)

    def _grant(self, opening: dict[str, object]) -> dict[str, object]:
        if opening["app"] == "absent":
            return {"error": {"code": "AppNotFound", "message": "There is no app 'absent': create it first."}}
        self.granted += 1
        return {
            "lease": f"lease-{self.granted}",
            "key": KEY,
            "header": HEADER,
            "app": opening["app"],
            "host": opening["host"],
            "tenant": TENANT,
            "client_id": CLIENT_ID,
            "default_client_id": CLIENT_ID,
            "settings": self.settings,
            "server": {"host": "127.0.0.1", "port": self.port},
            "authority": "https://login.keyless.localhost:8443",
            "domain": "keyless.localhost",
            "clouds": self.clouds if opening["names"] == "clouds" else [],
            "ca": self.ca.pem,
            "material": self.material,
        }

    async def _answer_identity(
        self, opening: dict[str, object], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            proved = f"X-IDENTITY-HEADER: {HEADER}" in head or "\r\nmetadata: true\r\n" in head.lower()
            known = opening["lease"] in self.leases and opening["key"] == KEY and proved
            if known and head.startswith("GET /workload-identity/assertion "):
                self.assertions += 1
                document: dict[str, object] = {"assertion": f"assertion-{self.assertions}", "expires_on": 4102444800}
                status = "200 OK"
            elif known and "resource=https%3A%2F%2Frefused" not in head:
                document = {
                    "access_token": f"token-of-{opening['lease']}",
                    "expires_on": "4102444800",
                }
                status = "200 OK"
            else:
                document, status = {"statusCode": 400, "message": "No identity is assigned."}, "400 Bad Request"
            body = json.dumps(document).encode()
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            if "connection: close" in head.lower():
                return

    async def _answer_https(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer_http(reader, writer, b"hello from keyless")


async def answer_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
    """Answer one request with `body`, whatever it was."""
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()

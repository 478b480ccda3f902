"""Another PostgreSQL, as an operator has it: with passwords, at a port, behind TLS.

The one that comes with pip is built without TLS, so something in front of it speaks that: it answers PostgreSQL's
request for it, and hands on what comes.
"""

from __future__ import annotations

import asyncio
import datetime
import ssl
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keyless.providers.sql.postgres import process
from tests.providers.sql.harness import free_port

USER, PASSWORD = "dba", "a very good pass:word"
_SSL_REQUEST = struct.pack(">II", 8, 80_877_103)


@dataclass
class Second:
    """The server and the way to it. `options` are further settings of its start."""

    folder: Path
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.port, self.tls_port = free_port(), free_port()
        (self.folder / "password").write_text(PASSWORD)
        self._program("initdb", "-U", USER, "--auth=scram-sha-256", f"--pwfile={self.folder / 'password'}", "-N").wait()
        passfile = self.folder / "passfile"
        passfile.write_text(f"*:*:*:{USER}:{PASSWORD.replace(':', chr(92) + ':')}\n")
        passfile.chmod(0o600)
        self.ca, self.other_ca = self.folder / "ca.pem", self.folder / "other-ca.pem"
        context = _certificates(self.folder)
        self._tls = threading.Thread(target=lambda: asyncio.run(self._serve_tls(context)), daemon=True)
        self._tls.start()
        self.start()

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def conninfo(self, host: str = "localhost", ca: Path | None = None) -> str:
        """As its operator would write it."""
        more = f"sslmode=verify-full&sslrootcert={ca or self.ca}&passfile={self.folder / 'passfile'}"
        return f"postgresql://{USER}@{host}:{self.tls_port}/?{more}"

    def start(self) -> None:
        """Start it, and return once it takes connections."""
        more = ("-k", str(self.folder), "-c", "listen_addresses=127.0.0.1", "-p", str(self.port), "-c", "fsync=off")
        self.process = self._program("postgres", *more, *self.options)
        for _ in range(600):
            with suppress(psycopg.OperationalError):
                self.connect().close()
                return
            threading.Event().wait(0.05)
        raise AssertionError(self.log.read_text())

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Straight to it, as its operator."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname="postgres", autocommit=True
        )

    def stop(self) -> None:
        """Fast."""
        self.process.send_signal(2)
        self.process.wait(30)

    def _program(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            command = [sys.executable, "-I", "-S", str(process._START), str(process.programs() / name)]
            command += ["-D", str(self.folder / "data"), *arguments]
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    async def _serve_tls(self, context: ssl.SSLContext) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, asyncio.IncompleteReadError):
                assert await reader.readexactly(8) == _SSL_REQUEST
                writer.write(b"S")
                await writer.start_tls(context)
                there, back = await asyncio.open_connection("127.0.0.1", self.port)
                await asyncio.gather(_hand_on(reader, back), _hand_on(there, writer))
            writer.close()

        async with await asyncio.start_server(connected, "127.0.0.1", self.tls_port) as server:
            await server.serve_forever()


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


def _certificates(folder: Path) -> ssl.SSLContext:
    """Two authorities; the first has given the certificate for `localhost`."""
    issuers = [_issue(f"CA {number}", None) for number in range(2)]
    for name, (_key, certificate) in zip(("ca.pem", "other-ca.pem"), issuers, strict=True):
        (folder / name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key, leaf = _issue("localhost", issuers[0])
    both = folder / "leaf.pem"
    both.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + leaf.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


Issued = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]


def _issue(name: str, issuer: Issued | None) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name.replace(" ", "-"))]), critical=False)
    )
    return key, made.sign(issuer[0] if issuer else key, hashes.SHA256())

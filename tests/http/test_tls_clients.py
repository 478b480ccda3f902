"""What OpenSSL, Node, Go and Java make of our certificates: good ones pass, ones beyond the constraints do not."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyless.http.tls import CertifiedKey, TlsStore, new_authority, new_leaf
from keyless.model.clouds import claimed_names
from keyless.model.secretstr import SecretStr
from keyless.store.private_file import write_private

PROGRAMS = Path(__file__).parent / "tls_clients"
DOMAIN = "keyless.localhost"
PASSWORD = SecretStr("k" * 44)
OWN_HOSTS = (DOMAIN, f"login.{DOMAIN}", f"shop.vault.{DOMAIN}", "localhost", "127.0.0.1")
CLOUD_HOSTS = tuple(name.replace("*", "shop") for name in claimed_names())


class Server:
    """Shakes hands on a loopback port until it is closed."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            try:
                with self._context.wrap_socket(connection, server_side=True) as secure:
                    secure.recv(1)
            except OSError:
                continue

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


class Cases:
    """(port, host, CA file) and what a client should say to it."""

    def __init__(self, folder: Path) -> None:
        self.servers: list[Server] = []
        self.arguments: list[str] = []
        self.expected: list[str] = []
        self.beyond = 0  # how many of them, the last ones, go beyond an authority's constraints
        store = TlsStore(folder, PASSWORD, DOMAIN, claimed_names(), time.time, write=write_private)
        store.ensure()
        port = self._serve(store.server_context())
        own, cloud = folder / "own-ca.pem", folder / "cloud-ca.pem"
        self._add(port, own, OWN_HOSTS, "ok")
        self._add(port, cloud, CLOUD_HOSTS, "ok")
        self._add(port, own, ("login.microsoftonline.com",), "refused")
        self._add(port, cloud, (DOMAIN, "127.0.0.1"), "refused")
        self._add_beyond(folder, "own-beyond", (DOMAIN, "localhost"), ("127.0.0.0/8",), "www.example.com")
        self._add_beyond(folder, "cloud-beyond", ("vault.azure.net",), (), "127.0.0.1")

    def _serve(self, context: ssl.SSLContext) -> int:
        self.servers.append(Server(context))
        return self.servers[-1].port

    def _add(self, port: int, ca: Path, hosts: tuple[str, ...], expected: str) -> None:
        for host in hosts:
            self.arguments += [str(port), host, str(ca)]
            self.expected.append(expected)

    def _add_beyond(self, folder: Path, stem: str, dns: tuple[str, ...], ips: tuple[str, ...], host: str) -> None:
        authority = new_authority("test", dns, ips, time.time)
        is_address = host[0].isdigit()
        leaf = new_leaf(authority, [] if is_address else [host], [host] if is_address else [], time.time)
        ca, chain = folder / f"{stem}-ca.pem", folder / f"{stem}-leaf.pem"
        ca.write_bytes(authority.cert_pem)
        chain.write_bytes(leaf.cert_pem + leaf.key_pem(PASSWORD))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, password=PASSWORD.reveal())
        self._add(self._serve(context), ca, (host,), "refused")
        self.beyond += 1


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cases]:
    cases = Cases(tmp_path_factory.mktemp("tls"))
    yield cases
    for server in cases.servers:
        server.close()


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"this machine has no {program}")


@needs("openssl")
def test_openssl(tmp_path: Path) -> None:
    def verify(authority: CertifiedKey, leaf: CertifiedKey) -> subprocess.CompletedProcess[str]:
        (tmp_path / "ca.pem").write_bytes(authority.cert_pem)
        (tmp_path / "leaf.pem").write_bytes(leaf.cert_pem)
        command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile"]
        files = [str(tmp_path / "ca.pem"), str(tmp_path / "leaf.pem")]
        return subprocess.run([*command, *files], capture_output=True, text=True, timeout=30, check=False)

    authority = new_authority("test", (DOMAIN,), ("127.0.0.0/8", "::1/128"), time.time)
    good = verify(authority, new_leaf(authority, [DOMAIN, f"*.vault.{DOMAIN}"], ["127.0.0.1", "::1"], time.time))
    assert (good.returncode, good.stderr) == (0, "")
    beyond = verify(authority, new_leaf(authority, [DOMAIN, "example.com"], [], time.time))
    assert beyond.returncode != 0
    assert "permitted subtree violation" in beyond.stderr


@pytest.mark.clients
@needs("node")
def test_node(cases: Cases) -> None:
    assert run("node", str(PROGRAMS / "client.js"), *cases.arguments).split() == cases.expected


@pytest.mark.clients
@needs("go")
def test_go(cases: Cases) -> None:
    assert run("go", "run", str(PROGRAMS / "client.go"), *cases.arguments).split() == cases.expected


@pytest.mark.clients
@needs("javac")
def test_java(cases: Cases) -> None:
    # Java takes a root from its trust store as beyond question, and so asks nothing of the root's constraints.
    sound = len(cases.expected) - cases.beyond
    answers = run("java", str(PROGRAMS / "Client.java"), *cases.arguments[: 3 * sound])
    assert answers.split() == cases.expected[:sound]

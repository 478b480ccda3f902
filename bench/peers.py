"""The servers that keyless is measured against, each in a process of its own.

Azurite comes from npm and lowkey-vault from Maven Central, both pinned, into a folder beside the environment; where
a tool for that is missing, `Missing` says so, and the run goes on without that peer.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from cryptography.hazmat.primitives import serialization

from bench.processes import SERVER_CORE, cpu_seconds, on_core
from keyless.http.tls import new_authority, new_leaf
from keyless.model.secretstr import SecretStr

AZURITE = "3.37.0"
#: One that its author's own examples run with Java 17.
LOWKEY_VAULT = "3.0.6"
FOLDER = Path(os.environ.get("BENCH_PEERS") or Path(sys.prefix, "bench-peers"))
START_SECONDS = 60.0
_PASSWORD = SecretStr("bench")


class Missing(Exception):
    """A peer is not to be had here, and why."""


@dataclass(frozen=True)
class Peer:
    """A running peer. `started` is how long it took to be ready, in ms, and `cpu` the CPU time of that."""

    pid: int
    port: int
    ca: str
    started: float
    cpu: float


@dataclass(frozen=True)
class Certificate:
    """Of a peer: like one of keyless's own (P-256), for `localhost`. Paths of PEM files."""

    ca: str
    certificate: str
    key: str


def make_certificate(folder: Path) -> Certificate:
    """Make it, with its authority."""
    authority = new_authority("bench", ("localhost",), ("127.0.0.0/8",), time.time)
    leaf = new_leaf(authority, ["localhost"], [], time.time)
    key = serialization.load_pem_private_key(leaf.key_pem(_PASSWORD), _PASSWORD.reveal().encode())
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    contents = {"peer-ca.pem": authority.cert_pem, "peer.pem": leaf.cert_pem, "peer.key": plain}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return Certificate(*(str(folder / name) for name in contents))


@contextmanager
def constant(size: int, tls: Certificate | None, path: str = "") -> Iterator[Peer]:
    """Bare uvicorn that answers `size` bytes, whatever it is asked: over TLS, or at a Unix socket."""
    where = [tls.certificate, tls.key] if tls else [path]
    command = [sys.executable, "-m", "bench.constant", str(size), *where]
    with _running(command, r"(\d+)") as (pid, port, *start):
        yield Peer(pid, int(port), tls.ca if tls else "", *start)


@contextmanager
def azurite(folder: Path, tls: Certificate) -> Iterator[Peer]:
    """Azurite's blob service, with its data in `folder`; takes bearer tokens (`azurite_token`)."""
    node = _tool("node")
    program = _azurite()
    options = ["--silent", "--disableTelemetry", "--oauth", "basic", "--cert", tls.certificate, "--key", tls.key]
    command = [node, str(program), *options, "--blobPort", "0", "--location", str(folder)]
    with _running(command, r"listens on https://[^:]+:(\d+)") as (pid, port, *start):
        yield Peer(pid, int(port), tls.ca, *start)


def _azurite() -> Path:
    folder = FOLDER / f"azurite-{AZURITE}"
    program = folder / "node_modules/azurite/dist/src/blob/main.js"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _fetch([_tool("npm"), "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"azurite@{AZURITE}"])
    return program


def azurite_token() -> str:
    """A bearer token as Azurite takes it: it looks at the claims, not at the signature."""
    now = int(time.time())
    issuer = "https://sts.windows.net/00000000-0000-0000-0000-000000000000/"
    claims = {"aud": "https://storage.azure.com", "iss": issuer, "iat": now, "nbf": now - 60, "exp": now + 86_400}
    parts = ({"typ": "JWT", "alg": "RS256"}, claims, "x" * 256)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)


@contextmanager
def lowkey_vault(folder: Path) -> Iterator[Peer]:
    """lowkey-vault with its default vault at `localhost`; it takes any bearer token."""
    java, jar = _tool("java"), _lowkey_vault()
    port = _free_port()
    command = [java, "-jar", str(jar), f"--server.port={port}", "--LOWKEY_VAULT_NAMES=-"]
    with _running(command, r"Started \w+ in") as (pid, _, *start):
        ca = folder / "lowkey.pem"
        ca.write_bytes(_certificate_at(port))
        yield Peer(pid, port, str(ca), *start)


def _lowkey_vault() -> Path:
    jar = FOLDER / f"lowkey-vault-app-{LOWKEY_VAULT}.jar"
    if not jar.exists():
        artifact = f"com.github.nagyesta.lowkey-vault:lowkey-vault-app:{LOWKEY_VAULT}"
        plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
        options = [f"-Dartifact={artifact}", f"-DoutputDirectory={FOLDER}", "-Dmdep.useBaseVersion=true"]
        # Maven remembers for a day that something was not there
        _fetch([_tool("mvn"), "--batch-mode", "--quiet", "--update-snapshots", plugin, *options])
    return jar


def _certificate_at(port: int) -> bytes:
    return ssl.get_server_certificate(("127.0.0.1", port)).encode()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is not installed here")
    return found


def _fetch(command: Sequence[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        raise Missing(f"{Path(command[0]).name} could not fetch it")


@contextmanager
def _running(command: Sequence[str], ready: str) -> Iterator[tuple[int, str, float, float]]:
    """Start it, wait until it prints a line that says it is ready, and end it with the block."""
    began = time.perf_counter()
    with (
        on_core(SERVER_CORE),
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
    ):
        try:
            yield (process.pid, *_wait_for(process, ready, began))
        finally:
            process.terminate()


def _wait_for(process: subprocess.Popen[str], ready: str, began: float) -> tuple[str, float, float]:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if found := re.search(ready, line):
            took = time.perf_counter() - began
            Thread(target=process.stdout.read, daemon=True).start()  # or it would wait once the pipe is full
            return found[found.re.groups], took * 1e3, cpu_seconds(process.pid) * 1e3
    raise Missing(f"it ended before it was ready: {said[-300:]}")

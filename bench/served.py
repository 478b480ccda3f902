"""The figures of requests: keyless and its peers under the same load, one after the other."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from tests.harness import STORAGE, VAULT, HeldLease, Owner, RunningServer, identity_token

from bench import peers
from bench.figures import Line, Served, amounts, requests
from bench.load import NUMBER, Done, Job
from bench.processes import LOAD_CORE, forget_peak, on_core, resident_mib
from keyless.authority.keys import SigningKey

APP = "bench-app"
VAULT_NAME = "bench-vault"
ACCOUNT = "benchaccount"
CONTAINER = "box"
KIB, MIB = 1024, 1024 * 1024
LARGE_MIB = 64
_SIGNATURES = 500
_UVICORN = "bare uvicorn, a constant of that size"
AZURITE = f"Azurite {peers.AZURITE}"


@dataclass(frozen=True)
class Bench:
    """A server to be measured, and what every figure needs."""

    server: RunningServer
    owner: Owner
    folder: Path
    tls: peers.Certificate
    seconds: float

    @property
    def pid(self) -> int:
        assert self.server.process is not None
        return self.server.process.pid

    def prepare(self) -> None:
        """An app that may read a vault's secrets and write an account's blobs."""
        vault, account = self.owner.vault(VAULT_NAME), self.owner.account(ACCOUNT)
        self.owner.secret(VAULT_NAME, "small", "x" * 32)
        self.owner.container(ACCOUNT, CONTAINER)
        principal = self.owner.app(APP, system=True)["identity"]["principalId"]
        self.owner.assign(principal, "Key Vault Secrets User", vault)
        self.owner.assign(principal, "Storage Blob Data Contributor", account)

    def load(self, job: Job, *watched: int, command: tuple[str, ...] = ()) -> Served:
        """Run a load; the CPU time is that of the processes `watched`."""
        with on_core(LOAD_CORE), self._process(command) as process:
            own = (process.pid,) if command else ()  # of the launcher, which is started with the load
            told = msgspec.structs.replace(job, seconds=self.seconds, watched=[*watched, *own])
            said, _ = process.communicate(msgspec.json.encode(told))
        done = msgspec.json.decode(said, type=Done)
        if done.problem:
            raise SystemExit(f"the load failed: {done.problem[:500]}")
        return Served(done.cpu / max(1, done.requests) * 1e6, done.requests / done.seconds)

    def once(self, job: Job, request: bytes) -> None:
        """Have one request answered, to prepare for others."""
        self.load(msgspec.structs.replace(job, request=request, connections=1, limit=1))

    def _process(self, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
        whole = [sys.executable, *command, "-m", "bench.load"]
        return subprocess.Popen(whole, env=self.server.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def https(self, name: str) -> Job:
        """To a surface of ours."""
        ca = str(self.server.data / "tls" / "own-ca.pem")
        return Job(b"", port=self.server.port, host=f"{name}.{self.server.instance.domain}", ca=ca)


def _to(peer: peers.Peer) -> Job:
    return Job(b"", port=peer.port, host="localhost", ca=peer.ca)


def _head(job: Job, method: str, path: str, token: str, **headers: object) -> bytes:
    given = {"Host": f"{job.host}:{job.port}", "Authorization": f"Bearer {token}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _with(job: Job, request: bytes, **more: object) -> Job:
    return msgspec.structs.replace(job, request=request, **more)


# tokens


def identity(bench: Bench) -> Iterator[Line]:
    """Tokens of a managed identity: issued already, through the launcher's port, and freshly signed."""
    with HeldLease.open(bench.server, APP) as lease:
        size = len(lease.request(query={"resource": VAULT}).content)
        opening = {"open": "identity", "lease": lease.answer["lease"], "key": lease.answer["key"]}
        line = json.dumps(opening).encode() + b"\n"
        socket = str(bench.server.data / "keyless.sock")

        def asked(resource: bytes) -> Job:
            request = _identity_request(resource, str(lease.port).encode(), lease.answer["header"].encode())
            return Job(request, opening=line, path=socket)

        ours = bench.load(asked(VAULT.encode()), bench.pid)
        fresh = bench.load(asked(b"https://fresh.example/" + NUMBER), bench.pid)
    path = str(bench.folder / "peer.sock")
    with peers.constant(size, None, path) as peer:
        floor = bench.load(Job(b"GET / HTTP/1.1\r\nHost: peer\r\n\r\n", path=path), peer.pid)
    yield requests("identity token, issued already, Unix socket", ours, floor, _UVICORN, "≥ 30,000/s: ≤ 33 µs")
    run = ("-m", "keyless", "run", "--app", APP, "--")
    request = _identity_request(VAULT.encode(), b"%PORT%", b"%HEADER%")
    through = bench.load(Job(request, from_environment=True), bench.pid, command=(*run, sys.executable))
    yield requests("the same through an app's identity port", through, peer_name="server and launcher together")
    signature = _signature_micros()
    yield requests("identity token, freshly signed", fresh, Served(signature), "the RS256 signature alone", "≥ 0.8 ×")


def _identity_request(resource: bytes, port: bytes, header: bytes) -> bytes:
    return (
        b"GET /msi/token?api-version=2019-08-01&resource=" + resource + b" HTTP/1.1\r\n"
        b"Host: 127.0.0.1:" + port + b"\r\nX-IDENTITY-HEADER: " + header + b"\r\n\r\n"
    )


def _signature_micros() -> float:
    key = SigningKey.generate()
    claims: dict[str, object] = {"aud": VAULT, "oid": "x" * 36, "exp": 1, "uti": hashlib.sha256().hexdigest()}
    began = time.process_time()
    for _ in range(_SIGNATURES):
        key.sign(claims)
    return (time.process_time() - began) / _SIGNATURES * 1e6


# secrets


def secrets(bench: Bench) -> Iterator[Line]:
    """A secret over HTTPS: verified, authorised, audited."""
    token = identity_token(bench.server, APP, VAULT)
    job = bench.https(f"{VAULT_NAME}.vault")
    path = "/secrets/small/?api-version=7.4"
    ours = bench.load(_with(job, _head(job, "GET", path, token)), bench.pid)
    with peers.constant(330, bench.tls) as peer:
        to = _to(peer)
        floor = bench.load(_with(to, _head(to, "GET", path, token)), peer.pid)
    yield requests("secret GET, HTTPS", ours, floor, _UVICORN, "≥ 20,000/s: ≤ 50 µs")
    try:
        with peers.lowkey_vault(bench.folder) as peer:
            to = _to(peer)
            body = b'{"value":"' + b"x" * 32 + b'"}'
            put = _head(to, "PUT", "/secrets/small?api-version=7.4", token, **_json(body)) + body
            bench.once(to, put)
            theirs = bench.load(_with(to, _head(to, "GET", path, token)), peer.pid)
        yield requests("the same", ours, theirs, f"lowkey-vault {peers.LOWKEY_VAULT}")
    except peers.Missing as missing:
        yield Line("the same", str(ours), peer_name=f"lowkey-vault {peers.LOWKEY_VAULT} was not there: {missing}")


def _json(body: bytes) -> dict[str, object]:
    return {"Content_Type": "application/json", "Content_Length": len(body)}


# blobs


@dataclass(frozen=True)
class _Blobs:
    """One blob service: of ours, or Azurite."""

    pid: int
    job: Job
    prefix: str
    token: str

    def head(self, method: str, name: str, **headers: object) -> bytes:
        return _head(
            self.job, method, f"{self.prefix}/{CONTAINER}{name}", self.token, x_ms_version="2021-12-02", **headers
        )

    def put(self, name: str, size: int) -> Job:
        head = self.head("PUT", name, x_ms_blob_type="BlockBlob", Content_Length=size)
        return _with(self.job, head, body=size)

    def get(self, name: str) -> Job:
        return _with(self.job, self.head("GET", name))


_SMALL = (
    ("PUT", "blob PUT 1 KiB durably, one name", "/same"),
    ("PUT", "blob PUT 1 KiB durably, each a new name", f"/new-{NUMBER.decode()}"),
    ("GET", "blob GET 1 KiB, HTTPS, 32 connections", "/same"),
)


def blobs(bench: Bench) -> Iterator[Line]:
    """Small and large blobs over HTTPS, against Azurite."""
    token = identity_token(bench.server, APP, STORAGE)
    ours = _Blobs(bench.pid, bench.https(f"{ACCOUNT}.blob"), "", token)
    workspace = bench.folder / "azurite"
    try:
        with peers.azurite(workspace, bench.tls) as peer:
            theirs = _Blobs(peer.pid, _to(peer), "/devstoreaccount1", peers.azurite_token())
            bench.once(theirs.job, theirs.head("PUT", "?restype=container", Content_Length=0))
            yield from _compared(bench, ours, theirs)
            yield amounts("Azurite: memory after that load", "MiB", resident_mib(peer.pid))
    except peers.Missing as missing:
        yield from _compared(bench, ours, None, f"{AZURITE} was not there: {missing}")


def _compared(bench: Bench, ours: _Blobs, theirs: _Blobs | None, told: str = AZURITE) -> Iterator[Line]:
    sides = [side for side in (ours, theirs) if side]

    def under(method: str, name: str, size: int, connections: int) -> tuple[Served, Served | None]:
        jobs = ((side, side.put(name, size) if method == "PUT" else side.get(name)) for side in sides)
        served = [bench.load(msgspec.structs.replace(job, connections=connections), side.pid) for side, job in jobs]
        return served[0], served[1] if theirs else None

    for method, what, name in _SMALL:
        yield requests(what, *under(method, name, KIB, 32), told, "≥ 6 ×")
    for method, what, target in (("PUT", "up", "≥ 3 ×"), ("GET", "down", "≥ 1.5 ×")):
        before = resident_mib(ours.pid)
        forget_peak(ours.pid)
        served = under(method, "/large", LARGE_MIB * MIB, 1)
        yield requests(f"blob of {LARGE_MIB} MiB {what}, one connection", *served, told, target)
        more = resident_mib(ours.pid, peak=True) - before
        yield amounts(f"memory that blobs of {LARGE_MIB} MiB {what} take", "MiB", more, target="flat")

"""`make bench`: start a server, measure it and its peers, print a table.

Of requests, the server's CPU time is measured: rates depend on what else the machine does. Needs Linux, for `/proc`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness import VAULT, HeldLease, Owner, RunningServer, identity_token, running_server

from bench.constant import PASSWORD
from keyless.http.tls import new_authority, new_leaf
from keyless.model.secretstr import SecretStr

SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
CONNECTIONS = 16
ROUNDS = 5
APP = "bench-app"
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Figure:
    """One line: ours beside the peer's; for both, less is better."""

    what: str
    ours: float
    unit: str
    peer: float = 0.0
    peer_name: str = ""

    def __str__(self) -> str:
        line = f"{self.what:<38}{self.ours:9.1f} {self.unit:<5}"
        if not self.peer:
            return line.rstrip()
        return f"{line}{self.peer:9.1f} {self.unit:<5}{self.ours / self.peer:7.2f} x  {self.peer_name}"


def main() -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory(prefix="keyless-bench-") as name:
        folder = Path(name)
        for figure in _measure(folder):
            print(figure, flush=True)


def _measure(folder: Path) -> Iterator[Figure]:
    firsts, later = zip(*(_starts(folder / f"start-{number}") for number in range(ROUNDS)), strict=True)
    yield Figure("first start to ready", statistics.median(firsts), "ms")
    yield Figure("start to ready", statistics.median(later), "ms")
    with running_server(folder, KEYLESS_TOKEN_RATE="100000") as server:
        yield Figure("memory, idle", _resident_mib(server), "MiB")
        owner = Owner(server)
        vault = owner.vault("bench-vault")
        owner.secret("bench-vault", "small", "x" * 32)
        principal = owner.app(APP, system=True)["identity"]["principalId"]
        owner.assign(principal, "Key Vault Secrets User", vault)
        yield _identity(server, folder)
        yield _secret(server, folder)
        yield from _credentials(server)
        yield Figure("memory after that load", _resident_mib(server), "MiB")
        owner.close()


def _starts(folder: Path) -> tuple[float, float]:
    """How long the first and the second start of an instance take, in ms."""
    folder.mkdir()
    began = time.perf_counter()
    with running_server(folder) as server:
        first = time.perf_counter() - began
        server.stop()
        began = time.perf_counter()
        server.start()
        return first * 1e3, (time.perf_counter() - began) * 1e3


def _resident_mib(server: RunningServer) -> float:
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


# requests


def _identity(server: RunningServer, folder: Path) -> Figure:
    """A token that is issued already, over the lease's socket; uvicorn answers as many bytes on a socket."""
    assert server.process is not None
    with HeldLease.open(server, APP) as lease:
        answer = lease.request(query={"resource": VAULT})
        opening = {"open": "identity", "lease": lease.answer["lease"], "key": lease.answer["key"]}
        request = (
            f"GET /msi/token?api-version=2019-08-01&resource={VAULT} HTTP/1.1\r\nHost: 127.0.0.1:{lease.port}\r\n"
            f"X-IDENTITY-HEADER: {lease.answer['header']}\r\n\r\n"
        )
        to_ours = {"path": str(server.data / "keyless.sock"), "opening": json.dumps(opening) + "\n", "request": request}
        ours = _micros(server.process.pid, to_ours)
    with _constant(len(answer.content), "unix", str(folder / "peer.sock")) as (pid, _port):
        peer = _micros(pid, {"path": str(folder / "peer.sock"), "request": "GET / HTTP/1.1\r\nHost: peer\r\n\r\n"})
    return Figure("identity token, cached: CPU a request", ours, "µs", peer, "uvicorn, a constant on a Unix socket")


def _secret(server: RunningServer, folder: Path) -> Figure:
    """A secret over HTTPS: verified, authorised, audited; uvicorn answers as many bytes over HTTPS."""
    assert server.process is not None
    host = f"bench-vault.vault.{server.instance.domain}"
    token = identity_token(server, APP, VAULT)
    bearer = f"Authorization: Bearer {token}\r\n\r\n"
    request = f"GET /secrets/small/?api-version=7.4 HTTP/1.1\r\nHost: {host}:{server.port}\r\n{bearer}"
    ca = str(server.data / "tls" / "own-ca.pem")
    ours = _micros(server.process.pid, {"port": server.port, "host": host, "ca": ca, "request": request})
    ca, certificate = _peer_certificate(folder)
    with _constant(330, "https", certificate) as (pid, port):
        plain = f"GET / HTTP/1.1\r\nHost: localhost\r\n{bearer}"
        peer = _micros(pid, {"port": port, "host": "localhost", "ca": ca, "request": plain})
    return Figure("secret over HTTPS: CPU a request", ours, "µs", peer, "uvicorn, a constant over HTTPS")


def _micros(pid: int, job: Mapping[str, object]) -> float:
    """The CPU time that process `pid` takes for one request of this load, in µs."""
    told = {"opening": "", "connections": CONNECTIONS, "seconds": SECONDS, **job}
    told |= {name: b64encode(str(told[name]).encode()).decode() for name in ("opening", "request")}
    before = _cpu_seconds(pid)
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"], input=json.dumps(told), check=True, capture_output=True, text=True
    )
    result = json.loads(done.stdout)
    if result["problem"]:
        raise SystemExit(f"the load failed: {result['problem'][:500]}")
    return (_cpu_seconds(pid) - before) / int(result["requests"]) * 1e6


def _cpu_seconds(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICK


@contextmanager
def _constant(size: int, scheme: str, where: str) -> Iterator[tuple[int, int]]:
    """The peer's process ID, and its port."""
    command = [sys.executable, "-m", "bench.constant", str(size), scheme, where]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.terminate()


def _peer_certificate(folder: Path) -> tuple[str, str]:
    """A certificate like ours for the peer: the paths of its authority, and of itself with its key."""
    authority = new_authority("bench", ("localhost",), ("127.0.0.0/8",), time.time)
    leaf = new_leaf(authority, ["localhost"], [], time.time)
    ca, certificate = folder / "peer-ca.pem", folder / "peer-leaf.pem"
    ca.write_bytes(authority.cert_pem)
    certificate.write_bytes(leaf.cert_pem + leaf.key_pem(SecretStr(PASSWORD)))
    return str(ca), str(certificate)


# credentials


def _credentials(server: RunningServer) -> Iterator[Figure]:
    done = server.keyless("run", "--app", APP, "--", sys.executable, "-m", "bench.credentials", timeout=300)
    if done.returncode:
        raise SystemExit(done.stderr)
    found = json.loads(done.stdout)
    for key, what, unit in (("first", "first token of a process", "ms"), ("cached", "token that it holds", "µs")):
        ours, peer = found[key]["keyless"], found[key]["azure-identity"]
        yield Figure(f"credential: {what}", ours, unit, peer, "azure-identity's DefaultAzureCredential")


if __name__ == "__main__":
    main()

"""Leases over the Unix socket of a real server: who gets one, when it ends, and what survives a restart."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.harness import (
    VAULT,
    HeldLease,
    LeaseRefused,
    Owner,
    RunningServer,
    connect_socket,
    identity_token,
    running_server,
)
from tests.manager import Manager


@pytest.fixture
def app(owner: Owner) -> str:
    name = f"a{uuid4().hex[:8]}"
    owner.app(name, system=True)
    return name


def ended(lease: HeldLease) -> bool:
    """Whether the lease is over: its key opens no connection."""
    opening = {"open": "identity", "lease": lease.answer["lease"], "key": lease.answer["key"]}
    request = f"GET /msi/token HTTP/1.1\r\nHost: 127.0.0.1:{lease.port}\r\n\r\n"
    with connect_socket(lease.server) as connection:
        connection.sendall(json.dumps(opening).encode() + b"\n" + request.encode())
        answer = connection.recv(65_536)
    assert answer.startswith((b'{"error":{"code":"LeaseOver"', b"HTTP/1.1 401"))  # 401: the header is missing
    return answer.startswith(b"{")


def wait_until_ended(lease: HeldLease) -> None:
    for _ in range(200):
        if ended(lease):
            return
        time.sleep(0.01)
    raise AssertionError("the lease lives on")


def talk(server: RunningServer, first: bytes, *, wait: float = 5.0) -> Any:
    """Send a first line; the one line that comes back, or None for a closed connection."""
    with connect_socket(server) as connection:
        connection.settimeout(wait)
        connection.sendall(first)
        line = connection.makefile("rb").readline()
    return json.loads(line) if line else None


# taking one


def test_what_a_launcher_is_told(server: RunningServer, owner: Owner, app: str) -> None:
    instance = server.instance
    with HeldLease.open(server, app, names="clouds") as clouds, HeldLease.open(server, app, names="own") as own:
        for lease in (clouds, own):
            answer = lease.answer
            assert (answer["app"], answer["tenant"], answer["client_id"]) == (app, instance.tenant, "")
            assert answer["server"] == {"host": "127.0.0.1", "port": server.port}
            assert answer["authority"] == f"https://login.keyless.localhost:{server.port}"
            assert (answer["domain"], answer["settings"]) == ("keyless.localhost", {})
        assert "login.microsoftonline.com" in clouds.answer["clouds"]
        assert "*.vault.azure.net" in clouds.answer["clouds"]
        assert own.answer["clouds"] == []
        assert clouds.answer["ca"].count("BEGIN CERTIFICATE") == 2
        assert own.answer["ca"].count("BEGIN CERTIFICATE") == 1
        secrets = [lease.answer[name] for lease in (clouds, own) for name in ("key", "header", "lease")]
        assert len(set(secrets)) == 6
        assert all(len(secret) >= 36 for secret in secrets)


def test_only_hashes_are_kept(server: RunningServer, app: str) -> None:
    with HeldLease.open(server, app) as lease:
        files = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
        assert lease.answer["lease"].encode() in files
        assert lease.answer["key"].encode() not in files
        assert lease.answer["header"].encode() not in files


def test_an_app_is_found_whatever_the_case(server: RunningServer, app: str) -> None:
    with HeldLease.open(server, app.upper()) as lease:
        assert lease.answer["app"] == app


def test_an_app_that_is_not_there(server: RunningServer) -> None:
    with pytest.raises(LeaseRefused) as refused:
        HeldLease.open(server, "nobody")
    assert refused.value.code == "AppNotFound"
    assert "keyless app create nobody" in str(refused.value)


def test_settings_come_resolved_and_what_cannot_be_resolved_is_named(
    server: RunningServer, owner: Owner, app: str
) -> None:
    vault = f"v{uuid4().hex[:8]}"
    vault_id = owner.vault(vault)
    version = owner.secret(vault, "db", "first")["id"].rsplit("/", 1)[1]
    owner.secret(vault, "db", "second")
    arm = Manager(owner)
    settings = f"{arm.path('Microsoft.Web/sites', app)}/config/appsettings"
    given = {
        "PLAIN": "@Microsoft.KeyVault is only mentioned",
        "URI": f"@Microsoft.KeyVault(SecretUri=https://{vault}.vault.keyless.localhost:{server.port}/secrets/db/)",
        "CLOUD": f"@Microsoft.KeyVault(SecretUri=https://{vault}.vault.azure.net/secrets/db/{version})",
        "NAMED": f"@Microsoft.KeyVault(VaultName={vault};SecretName=db;SecretVersion={version})",
        "LATEST": f"@Microsoft.KeyVault(VaultName={vault};SecretName=db)",
    }
    assert arm("PUT", settings, {"properties": given}).status_code == 200
    with pytest.raises(LeaseRefused) as refused:
        HeldLease.open(server, app)
    assert refused.value.code == "ReferenceFailed"
    assert "The setting URI cannot be resolved" in str(refused.value)
    assert "403" in str(refused.value)
    principal_id = arm("GET", arm.path("Microsoft.Web/sites", app)).json()["identity"]["principalId"]
    owner.assign(principal_id, "Key Vault Secrets User", vault_id)
    with HeldLease.open(server, app) as lease:
        assert lease.answer["settings"] == {
            "PLAIN": given["PLAIN"],
            "URI": "second",
            "CLOUD": "first",
            "NAMED": "first",
            "LATEST": "second",
        }


# its end


def test_it_ends_with_its_connection(server: RunningServer, app: str) -> None:
    lease = HeldLease.open(server, app)
    assert not ended(lease)
    lease.close()
    wait_until_ended(lease)
    with pytest.raises(LeaseRefused):
        lease.resume()


def test_one_instance_ends_and_the_others_live_on(server: RunningServer, app: str) -> None:
    leases = [HeldLease.open(server, app) for _ in range(4)]
    assert len({lease.token(VAULT) for lease in leases}) == 1
    leases[0].close()
    wait_until_ended(leases[0])
    assert not any(ended(lease) for lease in leases[1:])
    for lease in leases[1:]:
        lease.close()


def test_an_open_identity_connection_gets_nothing_once_the_lease_is_over(server: RunningServer, app: str) -> None:
    lease = HeldLease.open(server, app)
    head = f"GET /msi/token?resource={VAULT} HTTP/1.1\r\nHost: 127.0.0.1:{lease.port}\r\n"
    request = f"{head}X-IDENTITY-HEADER: {lease.answer['header']}\r\n\r\n".encode()
    opening = {"open": "identity", "lease": lease.answer["lease"], "key": lease.answer["key"]}
    with connect_socket(server) as connection:
        # the first request comes in one piece with the opening line
        connection.sendall(json.dumps(opening).encode() + b"\n" + request)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(request)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        lease.close()
        wait_until_ended(lease)
        connection.sendall(request)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 401")


def test_deleting_the_app_ends_its_instances_and_says_so(server: RunningServer, owner: Owner, app: str) -> None:
    leases = [HeldLease.open(server, app) for _ in range(2)]
    arm = Manager(owner)
    assert arm("DELETE", arm.path("Microsoft.Web/sites", app)).status_code == 200
    for lease in leases:
        assert ended(lease)
        assert json.loads(lease.next_line()) == {"end": f"The app {app!r} has been deleted."}
        assert lease.next_line() == b""
        with pytest.raises(LeaseRefused):
            lease.resume()
        lease.close()
    owner.app(app, system=True)  # a new app of that name is another one
    assert all(ended(lease) for lease in leases)


@pytest.mark.parametrize("change", [{"key": "wrong"}, {"key": ""}, {"lease": str(uuid4())}, {"lease": ""}])
def test_a_wrong_key_opens_nothing(server: RunningServer, app: str, change: dict[str, str]) -> None:
    with HeldLease.open(server, app) as lease:
        good = {"lease": lease.answer["lease"], "key": lease.answer["key"]}
        for kind in ({"open": "identity"}, {"open": "resume", "identity_port": 5}):
            answer = talk(server, json.dumps({**kind, **good, **change}).encode() + b"\nGET / HTTP/1.1\r\n\r\n")
            assert set(answer) == {"error"}
            assert lease.answer["key"] not in json.dumps(answer)
        assert not ended(lease)


def test_a_lease_that_is_taken_up_twice_is_the_laters(server: RunningServer, app: str) -> None:
    first = HeldLease.open(server, app)
    second = first.resume()
    assert first.next_line() == b""
    first.close()
    assert not ended(second)
    second.close()
    wait_until_ended(second)


# hostile first lines


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"nonsense\n",
        b"{}\n",
        b"[]\n",
        b"\xff\xfe\n",
        b'{"open":"nothing"}\n',
        b'{"open":"lease"}\n',
        b'{"open":"lease","app":5,"identity_port":1}\n',
        b'{"open":"lease","app":"x","identity_port":"1"}\n',
        b'{"open":"lease","app":"x","identity_port":0}\n',
        b'{"open":"lease","app":"x","identity_port":70000}\n',
        b'{"open":"lease","app":"x","identity_port":1,"names":"all"}\n',
        b'{"open":"lease","app":"' + b"x" * 4096 + b'","identity_port":1}\n',
        b"[" * 4000 + b"\n",
        b"x" * 5000,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_first_line_that_makes_no_sense(server: RunningServer, line: bytes) -> None:
    answer = talk(server, line)
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"code", "message"}


def test_a_line_may_come_byte_by_byte(server: RunningServer, app: str) -> None:
    line = json.dumps({"open": "lease", "app": app, "names": "own", "identity_port": 1}).encode() + b"\n"
    with connect_socket(server) as connection:
        for byte in line:
            connection.sendall(bytes([byte]))
        assert b'"lease"' in connection.makefile("rb").readline()


def test_a_launcher_that_leaves_at_once_leaves_no_lease(server: RunningServer, app: str) -> None:
    line = json.dumps({"open": "lease", "app": app, "names": "own", "identity_port": 1}).encode() + b"\n"
    for _ in range(20):
        connect_socket(server).close()
        with connect_socket(server) as connection:
            connection.sendall(line)
    time.sleep(0.3)
    database = server.data / "keyless.db"
    count = "import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2], [sys.argv[3]]).fetchone()[0])"
    command = [
        sys.executable,
        "-c",
        count,
        str(database),
        "SELECT count(*) FROM lease WHERE lower(app) LIKE ?",
        f"%/{app}",
    ]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "0"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_gets_nothing(server: RunningServer, app: str) -> None:
    """Even with the socket in its hands: the file's mode is opened for the test, and the kernel's word decides."""
    path = server.data / "keyless.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    assert server.data.stat().st_mode & 0o777 == 0o700
    line = json.dumps({"open": "lease", "app": app, "names": "own", "identity_port": 1}).encode() + b"\n"
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            folder = os.open(server.data, os.O_RDONLY)
            os.seteuid(65_534)
            try:
                connection.connect(f"/proc/self/fd/{folder}/keyless.sock")
            except PermissionError:
                os.seteuid(0)
                path.chmod(0o666)
                os.chmod(server.data, 0o711)
                os.setuid(65_534)
                os.chdir(folder)
                connection.connect("keyless.sock")
            connection.settimeout(5)
            connection.sendall(line)
            status = 0 if connection.recv(10) == b"" else 2
        except ConnectionError:
            status = 0
        finally:
            os._exit(status)
    try:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    finally:
        path.chmod(0o600)
        server.data.chmod(0o700)


# restarts


@pytest.fixture(scope="module")
def restartable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("restart")) as running:
        yield running


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_lease_survives_the_servers_restart(restartable: RunningServer, end: str) -> None:
    server, owner = restartable, Owner(restartable)
    app = f"a{uuid4().hex[:8]}"
    owner.app(app, system=True)
    owner.close()
    kept, gone = HeldLease.open(server, app), HeldLease.open(server, app)
    before = kept.token(VAULT)
    if end == "stop":
        server.stop()
    else:
        server.kill()
    assert kept.next_line() == b""  # no word of an end: the launcher comes back
    gone.close()
    server.start()
    # nothing counts before the launcher is back
    assert ended(kept)
    with pytest.raises(LeaseRefused):
        kept.resume(key="wrong")
    again = kept.resume()
    assert again.token(VAULT) != ""
    assert again.request(query={"resource": VAULT}, headers={"X-IDENTITY-HEADER": "wrong"}).status == 401
    assert before.count(".") == 2
    assert identity_token(server, app, VAULT)
    again.close()
    wait_until_ended(again)


def test_the_socket_may_have_a_long_path(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100) / ("y" * 100)
    folder.mkdir(parents=True)
    with running_server(folder) as server:
        owner = Owner(server)
        owner.app("shop", system=True)
        assert identity_token(server, "shop", VAULT)
        owner.close()

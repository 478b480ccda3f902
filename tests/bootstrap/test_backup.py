"""`keyless backup` of a server at work, and `keyless restore` on another machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from keyless.bootstrap.schema import DATABASE, PARTS, SNAPSHOT
from keyless.providers.storage.tables.schema import LIVE
from keyless.store.folder import read_instance
from tests.harness import (
    ARM,
    STORAGE,
    VAULT,
    HeldLease,
    Owner,
    RunningServer,
    free_environment,
    identity_token,
    running_server,
    small_disk,
)

VERSION = {"x-ms-version": "2024-11-04"}
LARGE = 1_200_000


def content(name: str, number: int, size: int) -> bytes:
    return hashlib.shake_256(f"{name} {number}".encode()).digest(size)


class Writer(threading.Thread):
    """Writes a secret, a small blob or a large one again and again. `done` is the last number acknowledged."""

    def __init__(self, server: RunningServer, tokens: dict[str, str], name: str, size: int) -> None:
        super().__init__(name=name)
        self.server, self.tokens, self.size = server, tokens, size
        self.done = self.tried = 0
        self.stopping = threading.Event()
        self.failure = ""

    def run(self) -> None:
        owner = Owner(self.server, dict(self.tokens))
        while not self.stopping.is_set() and not self.failure:
            self.tried += 1
            answer = self.write(owner, content(self.name, self.tried, self.size))
            if not answer.is_success:
                self.failure = answer.text
            self.done = self.tried
        owner.close()

    def write(self, owner: Owner, data: bytes) -> httpx.Response:
        if self.size <= 100:
            body = {"value": data.hex()}
            return owner.send(
                "PUT", "kv-b.vault", f"/secrets/{self.name}?api-version=7.4", owner.token(VAULT), json=body
            )
        headers = VERSION | {"x-ms-blob-type": "BlockBlob"}
        token = owner.token(STORAGE)
        return owner.send("PUT", "accb.blob", f"/box/{self.name}", token, content=data, headers=headers)

    def number_in(self, owner: Owner) -> int:
        """Which of the writes is there, whole."""
        found = read_secret(owner, self.name) if self.size <= 100 else read_blob(owner, self.name)
        numbers = [n for n in range(self.tried + 1) if content(self.name, n, self.size) == found]
        assert len(numbers) == 1, f"{self.name}: {len(found)} bytes of no write"
        return numbers[0]


def read_secret(owner: Owner, name: str) -> bytes:
    answer = owner.send("GET", "kv-b.vault", f"/secrets/{name}?api-version=7.4", owner.token(VAULT))
    return bytes.fromhex(answer.json()["value"])


def read_blob(owner: Owner, name: str) -> bytes:
    answer = owner.send("GET", "accb.blob", f"/box/{name}", owner.token(STORAGE), headers=VERSION)
    assert answer.status_code == 200, answer.text
    return answer.content


def another_machine(server: RunningServer, folder: Path, *keys: str) -> RunningServer:
    """A machine with no server on it yet, to which these keys have been brought."""
    data, config = folder / "data", folder / "config"
    instance = server.instance.instance
    (config / instance).mkdir(parents=True, mode=0o700)
    for key in keys:
        shutil.copy2(server.config / instance / key, config / instance / key)
    return RunningServer(data, config, free_environment(data, config))


def refusal(machine: RunningServer, *arguments: str) -> str:
    """What `keyless restore` says that has to refuse; nothing is made, and nothing is left."""
    before = everything_below(machine.data.parent)
    done = machine.keyless("restore", *arguments)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert everything_below(machine.data.parent) == before
    return line


def everything_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def check_parts(data: Path) -> None:
    """The part files are those that the database knows as live."""
    deadline = time.monotonic() + 20
    while True:
        with closing(sqlite3.connect(f"file:{data / DATABASE}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT id FROM storage_part WHERE state = ? AND data IS NULL", (LIVE,)).fetchall()
        live = {bytes(part).hex() for (part,) in rows}
        files = {path.name for path in (data / PARTS).rglob("*") if path.is_file()}
        if live == files:
            return
        assert time.monotonic() < deadline, f"{sorted(live - files)[:3]} missing, {sorted(files - live)[:3]} stray"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """A furnished server; its owner."""
    with running_server(tmp_path_factory.mktemp("original")) as server:
        owner = Owner(server)
        vault = owner.vault("kv-b")
        owner.account("accb")
        owner.container("accb", "box")
        owner.secret("kv-b", "old", content("old", 0, 40).hex())
        owner.blob("accb", "box/old", content("old", 0, LARGE))
        app = owner.app("app-b", system=True)
        owner.assign(app["identity"]["principalId"], "Key Vault Secrets User", vault)
        yield owner
        owner.close()


@pytest.fixture(scope="module")
def archive(original: Owner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("archive") / "backup"
    done = original.server.keyless("backup", str(file))
    assert done.returncode == 0, done.stderr
    return file


def test_a_backup_under_load_is_restored_elsewhere(original: Owner, tmp_path: Path) -> None:
    server = original.server
    early = identity_token(server, "app-b", VAULT)
    tokens = {audience: original.token(audience) for audience in (VAULT, STORAGE)}
    writers = [
        Writer(server, tokens, name, size) for name, size in (("s1", 40), ("s2", 41), ("b1", 3000), ("b2", LARGE))
    ]
    for writer in writers:
        writer.start()
    while any(writer.done < 3 for writer in writers):
        time.sleep(0.01)
        assert not [writer.failure for writer in writers if writer.failure]
    before = {writer.name: writer.done for writer in writers}
    done = server.keyless("backup", str(tmp_path / "archive"))
    after = {writer.name: writer.tried for writer in writers}
    for writer in writers:
        writer.stopping.set()
        writer.join(30)
    assert done.returncode == 0, done.stderr
    assert not [writer.failure for writer in writers if writer.failure]
    assert "opens with the master key only" in done.stdout
    assert not (server.data / SNAPSHOT).exists()
    check_parts(server.data)

    machine = another_machine(server, tmp_path / "there", "master.key", "owner.key")
    restored = machine.keyless("restore", str(tmp_path / "archive"))
    assert restored.returncode == 0, restored.stderr
    assert server.instance.instance in restored.stdout
    assert {path.stat().st_mode & 0o077 for path in (machine.data, *machine.data.rglob("*"))} == {0}
    machine.start()
    owner = Owner(machine)
    try:
        for writer in writers:
            assert before[writer.name] <= writer.number_in(owner) <= after[writer.name], writer.name
        assert read_secret(owner, "old") == content("old", 0, 40)
        assert read_blob(owner, "old") == content("old", 0, LARGE)
        check_parts(machine.data)
        # the same authorities, the same identities, the same rights; and tokens from before are still good
        for name in ("own-ca.pem", "cloud-ca.pem"):
            assert (machine.data / "tls" / name).read_bytes() == (server.data / "tls" / name).read_bytes()
        with HeldLease.open(machine, "app-b") as lease:
            for token in (early, lease.token(VAULT)):
                answer = owner.send("GET", "kv-b.vault", "/secrets/old?api-version=7.4", token)
                assert answer.status_code == 200, answer.text
                assert owner.send("GET", "accb.blob", "/box/old", token, headers=VERSION).status_code in {401, 403}
        owner.secret("kv-b", "new", "written there")
    finally:
        owner.close()
        machine.stop()


def test_through_a_pipe_with_a_new_owner_key(original: Owner, tmp_path: Path) -> None:
    """As over ssh: nothing but the stream arrives, and the owner's key stayed behind."""
    server = original.server
    machine = another_machine(server, tmp_path, "master.key")
    command = (sys.executable, "-m", "keyless")
    with subprocess.Popen([*command, "backup", "-"], env=server.environ, stdout=subprocess.PIPE) as sending:
        done = machine.keyless("restore", "-", "--new-owner-key", stdin=sending.stdout)
    assert (sending.returncode, done.returncode) == (0, 0), done.stderr
    key = machine.config / server.instance.instance / "owner.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_bytes() != (server.config / server.instance.instance / "owner.key").read_bytes()
    machine.start()
    try:
        shown = machine.keyless("secret", "show", "kv-b", "old")
        assert content("old", 0, 40).hex() in shown.stdout, shown.stderr
        # the former key is nobody's there
        shutil.copy2(server.config / server.instance.instance / "owner.key", key)
        assert machine.keyless("secret", "show", "kv-b", "old").returncode == 1
    finally:
        machine.stop()


def test_what_has_to_be_brought_along(original: Owner, archive: Path, tmp_path: Path) -> None:
    server = original.server
    nothing = another_machine(server, tmp_path / "a")
    assert "owner.key is missing: bring it" in refusal(nothing, str(archive))
    assert "master.key is missing" in refusal(nothing, str(archive), "--new-owner-key")
    owner_only = another_machine(server, tmp_path / "b", "owner.key")
    assert "master.key is missing" in refusal(owner_only, str(archive))
    assert "leave out --new-owner-key" in refusal(owner_only, str(archive), "--new-owner-key")
    other = another_machine(server, tmp_path / "c", "master.key", "owner.key")
    key = other.config / server.instance.instance / "owner.key"
    key.write_bytes(key.read_bytes().replace(b'"x":"', b'"x":"A'))
    assert "another one's" in refusal(other, str(archive))


def test_a_foreign_archive_is_refused(original: Owner, archive: Path, tmp_path: Path) -> None:
    machine = another_machine(original.server, tmp_path, "master.key", "owner.key")
    key = machine.config / original.server.instance.instance / "master.key"
    key.write_text("keyless-master-key v1\n" + "A" * 43 + "=\n")
    assert "another master key" in refusal(machine, str(archive))


HARMS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "torn": (lambda data: data[:-1], "torn or damaged"),
    "torn early": (lambda data: data[:100_000], "torn or damaged"),
    "a byte of it": (lambda data: data[:90_000] + bytes([data[90_000] ^ 1]) + data[90_001:], "torn or damaged"),
    "the last byte": (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "torn or damaged"),
    "more": (lambda data: data + b"x", "torn or damaged"),
    "newer": (lambda data: data.replace(b" v1", b" v9", 1), "newer keyless"),
    "another file": (lambda _data: b"\x1f\x8b\x08\x00" * 1000, "no archive of keyless"),
    "empty": (lambda _data: b"", "no archive of keyless"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_harmed_archive_makes_nothing(original: Owner, archive: Path, tmp_path: Path, harm: str) -> None:
    change, told = HARMS[harm]
    machine = another_machine(original.server, tmp_path, "master.key", "owner.key")
    (tmp_path / "harmed").write_bytes(change(archive.read_bytes()))
    assert told in refusal(machine, str(tmp_path / "harmed"))


def test_only_into_an_empty_folder(original: Owner, archive: Path, tmp_path: Path) -> None:
    machine = another_machine(original.server, tmp_path, "master.key", "owner.key")
    machine.data.mkdir()
    (machine.data / "letter.txt").write_text("dear")
    assert "has files that are not keyless's" in refusal(machine, str(archive))
    (machine.data / "letter.txt").unlink()
    assert machine.keyless("restore", str(archive)).returncode == 0
    assert read_instance(machine.data) == original.server.instance
    assert "holds an instance already" in refusal(machine, str(archive))


def test_a_full_disk_leaves_nothing(original: Owner, archive: Path, tmp_path: Path) -> None:
    machine = another_machine(original.server, tmp_path, "master.key", "owner.key")
    with small_disk(tmp_path / "disk", 500) as disk:
        machine.environ["KEYLESS_DATA"] = str(disk / "data")
        done = machine.keyless("restore", str(archive))
        assert done.returncode == 1
        assert "free space" in done.stderr
        assert everything_below(disk) == []


def test_killed_while_it_restores_and_restored_again(original: Owner, archive: Path, tmp_path: Path) -> None:
    machine = another_machine(original.server, tmp_path, "master.key", "owner.key")
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "keyless", "restore", "-"]
    with subprocess.Popen(command, env=machine.environ, stdin=reader) as process:
        os.close(reader)
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(archive.read_bytes()[:-10])
            pipe.flush()
            deadline = time.monotonic() + 20
            while not list(tmp_path.glob(f".data.new-*/{PARTS}/*/*")):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert not machine.data.exists()
            process.kill()
    assert machine.keyless("restore", str(archive)).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config", "data"]


def test_who_may_not(original: Owner, tmp_path: Path) -> None:
    subscription = original.subscription
    path = f"{subscription}/providers/Keyless.Instance/backup?api-version=2025-01-01"
    assert original.send("POST", "management", path).status_code == 401
    app = original.app("app-c", system=True)
    for role in ("Reader", "Key Vault Administrator", "Storage Blob Data Owner"):
        original.assign(app["identity"]["principalId"], role, subscription)
    token = identity_token(original.server, "app-c", ARM)
    answer = original.send("POST", "management", path, token)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "AuthorizationFailed")
    narrower = f"{original.group}/providers/Keyless.Instance/backup?api-version=2025-01-01"
    assert original.send("POST", "management", narrower, original.token(ARM)).status_code == 404
    assert original.send("GET", "management", path, original.token(ARM)).status_code == 404


def test_it_is_in_the_audit_log(original: Owner, archive: Path) -> None:
    assert archive.exists()
    done = original.server.keyless("audit", "--top", "1000")
    assert "Keyless.Instance/backup/action" in done.stdout


def test_a_receiver_that_goes_away_leaves_nothing(original: Owner) -> None:
    original.blob("accb", "box/big", bytes(32 << 20))
    path = f"{original.subscription}/providers/Keyless.Instance/backup?api-version=2025-01-01"
    instance = original.server.instance
    name = f"management.{instance.domain}"
    request = f"POST {path} HTTP/1.1\r\nHost: {name}\r\nAuthorization: Bearer {original.token(ARM)}\r\n\r\n"
    context = ssl.create_default_context(cafile=str(original.server.data / "tls" / "own-ca.pem"))
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)  # or all of it would wait here
        plain.connect(("127.0.0.1", instance.port))
        with context.wrap_socket(plain, server_hostname=name) as wire:
            wire.sendall(request.encode())
            assert wire.recv(12) == b"HTTP/1.1 200"
            assert (original.server.data / SNAPSHOT).exists()
            again = original.send("POST", "management", path, original.token(ARM))
            assert (again.status_code, "Another backup" in again.text) == (409, True)
    deadline = time.monotonic() + 10
    while (original.server.data / SNAPSHOT).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    done = original.server.keyless("backup", os.devnull)
    assert done.returncode == 0, done.stderr

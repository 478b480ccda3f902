"""`keyless up`, `down` and `status` as a user meets them: what they say, and that nothing is half-made."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.harness import ARM, Owner, RunningServer, free_environment, running_server, small_disk


def instance_in(folder: Path, **settings: str) -> RunningServer:
    """A server that is not started yet."""
    data, config = folder / "data", folder / "config"
    return RunningServer(data, config, free_environment(data, config, **settings))


def up(server: RunningServer, *arguments: str) -> str:
    """`keyless up` that has to fail, at once, with one line and no traceback; the line."""
    done = server.keyless("up", "--port", "0", *arguments)
    assert done.returncode == 1, done.stdout
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("keyless: ")
    return lines[0]


def copy(folder: Path, target: Path) -> None:
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.sock"))


def everything_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance that was started once and has ended; to be copied."""
    folder = tmp_path_factory.mktemp("finished")
    with running_server(folder) as server:
        server.stop()
    return folder


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> RunningServer:
    for part in ("data", "config"):
        copy(finished / part, tmp_path / part)
    return instance_in(tmp_path)


# the first start


def test_what_the_first_start_makes(server: RunningServer) -> None:
    data, keys = server.data, server.config / server.instance.instance
    assert data.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in keys.iterdir()) == ["master.key", "owner.key"]
    for path in [*keys.iterdir(), *data.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    # the keys are outside of the data folder, and nothing in it holds them
    secrets = [
        (keys / "master.key").read_bytes().split()[-1],
        json.loads((keys / "owner.key").read_text())["d"].encode(),
    ]
    inside = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    assert not any(secret in inside for secret in secrets)
    assert not list(data.parent.glob(".data*"))


def test_a_folder_with_foreign_files_is_left_alone(tmp_path: Path) -> None:
    server = instance_in(tmp_path)
    server.data.mkdir()
    (server.data / "letter.txt").write_text("dear")
    assert "has files that are not keyless's" in up(server)
    assert everything_below(tmp_path) == ["data", "data/letter.txt"] or everything_below(tmp_path) == [
        "config", "data", "data/letter.txt"]  # fmt: skip


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    server = instance_in(tmp_path)
    server.data.mkdir(mode=0o755)
    server.start()
    assert server.data.stat().st_mode & 0o777 == 0o700
    server.stop()


@pytest.mark.parametrize("kib", [60, 300])
def test_a_full_disk_at_the_first_start_leaves_nothing(tmp_path: Path, kib: int) -> None:
    with small_disk(tmp_path / "disk", kib) as disk:
        server = instance_in(disk)
        server.config = tmp_path / "config"
        server.environ["KEYLESS_CONFIG"] = str(server.config)
        assert "free space" in up(server) or "cannot be written" in up(server)
        assert everything_below(disk) == []
        assert not list(server.config.glob("*"))


def test_a_full_disk_for_the_keys_leaves_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        server = instance_in(tmp_path)
        server.environ["KEYLESS_CONFIG"] = str(disk / "config")
        assert "free space" in up(server)
        assert not server.data.exists()
        assert not [path for path in disk.rglob("*") if path.is_file()]


def test_a_refused_first_start_removes_a_master_key_that_it_made(tmp_path: Path) -> None:
    server = instance_in(tmp_path, KEYLESS_MASTER_KEY=str(tmp_path / "elsewhere" / "key"))
    server.data.mkdir()
    (server.data / "letter.txt").write_text("dear")
    up(server)
    assert not (tmp_path / "elsewhere" / "key").exists()
    (server.data / "letter.txt").unlink()
    server.start()
    server.stop()
    assert (tmp_path / "elsewhere" / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in server.config.glob("*/*")] == ["owner.key"]


def test_killed_during_the_first_start_and_started_again(tmp_path: Path) -> None:
    """At many moments; what is left is removed, with its keys, and nothing else is."""
    server = instance_in(tmp_path)
    stray = server.config / str(uuid4())
    stray.mkdir(parents=True)
    (stray / "owner.key").write_text("of another instance")
    seen = 0
    for moment in (0.02, 0.0, 0.05, 0.1):
        command = [sys.executable, "-m", "keyless", "up", "--port", "0"]
        process = subprocess.Popen(command, env=server.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while not list(tmp_path.glob(".data.new-*")) and time.monotonic() < until and not server.data.exists():
            time.sleep(0.001)
        time.sleep(moment)
        process.kill()
        process.wait()
        if server.data.exists():
            break
        seen += len(list(tmp_path.glob(".data.new-*")))
    assert seen > 0
    server.start()
    server.stop()
    assert not list(tmp_path.glob(".data.new-*"))
    assert {path.name for path in server.config.iterdir()} == {stray.name, server.instance.instance}
    assert (stray / "owner.key").read_text() == "of another instance"


# a later start


def test_a_second_up_says_who_holds_the_folder(server: RunningServer) -> None:
    assert server.process is not None
    line = up(server)
    assert f"held by process {server.process.pid}" in line
    assert "keyless down" in line
    assert server.process.poll() is None


def test_a_port_in_use(tmp_path: Path) -> None:
    server = instance_in(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = server.keyless("up", "--port", port)
    assert done.returncode == 1
    assert f"Port {port} of 127.0.0.1 cannot be had" in done.stderr
    assert "--port" in done.stderr
    assert everything_below(tmp_path) == []


def damage_database(server: RunningServer) -> None:
    (server.data / "keyless.db").write_bytes(b"not a database\n" * 1000)


def damage_instance(server: RunningServer) -> None:
    (server.data / "instance.json").write_text('{"instance": ')


def newer_instance(server: RunningServer) -> None:
    found = json.loads((server.data / "instance.json").read_text())
    (server.data / "instance.json").write_text(json.dumps(found | {"format": 2, "tenant": {"id": "x"}}))


def newer_schema(server: RunningServer) -> None:
    statement = "UPDATE schema_version SET version=99 WHERE component='management'"
    code = (
        f"import sqlite3; c=sqlite3.connect({str(server.data / 'keyless.db')!r}); c.execute({statement!r}); c.commit()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def lose_master_key(server: RunningServer) -> None:
    (server.config / server.instance.instance / "master.key").unlink()


def another_master_key(server: RunningServer) -> None:
    path = server.config / server.instance.instance / "master.key"
    header = path.read_text().splitlines()[0]
    path.write_text(f"{header}\n{'A' * 43}=\n")


def open_master_key(server: RunningServer) -> None:
    (server.config / server.instance.instance / "master.key").chmod(0o644)


def damage_certificate(server: RunningServer) -> None:
    (server.data / "tls" / "own-ca.pem").write_text("nonsense")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (damage_database, ["keyless.db is damaged", "backup"]),
        (damage_instance, ["instance.json is damaged", "backup"]),
        (newer_instance, ["newer keyless", "upgrade"]),
        (newer_schema, ["newer keyless", "upgrade"]),
        (lose_master_key, ["master.key is missing"]),
        (another_master_key, ["master key"]),
        (open_master_key, ["open to other users", "chmod 600"]),
        (damage_certificate, ["own-ca.pem", "backup"]),
    ],
)
def test_harm_is_named_and_nothing_is_changed(
    copied: RunningServer, harm: Callable[[RunningServer], None], words: list[str]
) -> None:
    harm(copied)
    kept = {path: path.read_bytes() for path in copied.data.rglob("*") if path.suffix in {".pem", ".json", ".db"}}
    line = up(copied)
    assert all(word in line for word in words), line
    port_aside = {path: data for path, data in kept.items() if path.name != "instance.json"}
    assert {path: path.read_bytes() for path in port_aside} == port_aside


def test_a_full_disk_at_a_later_start_is_told(finished: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1500) as disk:
        for part in ("data", "config"):
            copy(finished / part, disk / part)
        try:
            with (disk / "filler").open("wb") as filler:
                while filler.write(b"x" * 4096):
                    filler.flush()
        except OSError:
            pass
        server = instance_in(disk)
        done = server.keyless("up", "--port", "0")
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        (disk / "filler").unlink()
        server.start()
        server.stop()


def test_a_restart_keeps_everything_and_may_take_another_port(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        owner = Owner(server)
        identity, before = owner.identity("one"), server.instance
        token = owner.token(ARM)
        owner.close()
        server.stop()
        server.port = 0
        server.start()
        after = server.instance
        assert after.port != before.port
        assert (after.tenant, after.issuer, after.domain) == (before.tenant, before.issuer, before.domain)
        again = Owner(server)
        answer = again.send("GET", "management", f"{identity['id']}?api-version=2024-11-30", token)
        assert answer.status_code == 200
        assert answer.json()["properties"]["principalId"] == identity["principalId"]
        again.close()


# settings


def test_every_problem_of_the_settings_at_once(tmp_path: Path) -> None:
    settings = {
        "KEYLESS_PORTT": "1",
        "KEYLESS_TOKEN_RATE": "many",
        "KEYLESS_DOMAIN": "nodot",
        "KEYLESS_ADDRESS": "0.0.0.0",
    }
    line = up(instance_in(tmp_path, **settings))
    assert "KEYLESS_PORTT is not a setting" in line
    assert "KEYLESS_TOKEN_RATE has to be a number" in line
    assert "KEYLESS_DOMAIN has to be a domain name" in line
    assert "KEYLESS_ADDRESS has to be a loopback address" in line
    assert everything_below(tmp_path) == []


def test_the_domain_is_fixed_at_the_first_start(copied: RunningServer) -> None:
    copied.environ["KEYLESS_DOMAIN"] = "other.localhost"
    assert "This instance's domain is keyless.localhost" in up(copied)


# detach, down, status


@pytest.fixture
def detached(copied: RunningServer) -> Iterator[RunningServer]:
    done = copied.keyless("up", "--detach", "--port", "0")
    assert done.returncode == 0, done.stderr
    assert "keyless is ready" in done.stdout
    yield copied
    copied.keyless("down")


def test_detached_it_runs_on_until_down(detached: RunningServer) -> None:
    shown = detached.keyless("status", "-o", "json")
    assert shown.returncode == 0
    found = json.loads(shown.stdout)
    assert (found["running"], found["data"]) == (True, str(detached.data))
    assert found["tenant"] == detached.instance.tenant
    os.kill(found["pid"], 0)
    down = detached.keyless("down")
    assert (down.returncode, f"process {found['pid']}" in down.stdout) == (0, True)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", detached.instance.port)) != 0
    after = detached.keyless("status", "-o", "json")
    assert (after.returncode, json.loads(after.stdout)["running"]) == (1, False)
    again = detached.keyless("down")
    assert (again.returncode, "Nothing is running" in again.stdout) == (0, True)


def test_detached_a_failure_is_seen(copied: RunningServer) -> None:
    damage_database(copied)
    done = copied.keyless("up", "--detach", "--port", "0")
    assert done.returncode == 1
    assert "damaged" in done.stderr


def test_status_of_nothing(tmp_path: Path) -> None:
    done = instance_in(tmp_path).keyless("status")
    assert done.returncode == 1
    assert everything_below(tmp_path) == []


def test_sigterm_finishes_what_is_under_way(tmp_path: Path) -> None:
    """An upload that has begun is taken to its end; new connections are refused."""
    with running_server(tmp_path) as server:
        owner = Owner(server)
        vault = owner.vault("slow")
        token = owner.token("https://vault.azure.net")
        assert vault

        def body() -> Iterator[bytes]:
            yield b'{"value": "'
            assert server.process is not None
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            yield b'finished"}'

        answer = owner.send(
            "PUT", "slow.vault", "/secrets/one?api-version=7.4", token, content=body(),
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        assert answer.headers["connection"] == "close"
        assert server.process is not None
        assert server.process.wait(10) == 0
        owner.close()
        server.start()
        again = Owner(server)
        read = again.send("GET", "slow.vault", "/secrets/one?api-version=7.4", again.token("https://vault.azure.net"))
        assert read.json()["value"] == "finished"
        again.close()


def test_an_idle_client_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        owner = Owner(server)
        owner.identity("one")  # and the connection stays open
        begin = time.monotonic()
        server.stop()
        assert time.monotonic() - begin < 5
        owner.close()


def test_a_second_instance_takes_another_port_for_sql(tmp_path: Path) -> None:
    servers = [instance_in(tmp_path / name) for name in ("one", "two")]
    for server in servers:
        server.data.parent.mkdir()
        del server.environ["KEYLESS_SQL_PORT"]
    try:
        for server in servers:
            server.start()
        ports = {server.instance.sql_port for server in servers}
        assert len(ports) == 2
        for port in ports:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
    finally:
        for server in servers:
            if server.process is not None:
                server.stop()


def test_a_port_for_sql_that_was_asked_for_and_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = instance_in(tmp_path, KEYLESS_SQL_PORT=str(taken.getsockname()[1]))
        assert "choose another with KEYLESS_SQL_PORT" in up(server)

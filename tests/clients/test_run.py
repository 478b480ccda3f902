"""`keyless run` as whole applications see it: settings, instances, restarts, and its end."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.place import Place, make_place, output_of, python
from tests.harness import HeldLease, LeaseRefused, Owner, RunningServer

SHOW = "import json, os, sys; print(json.dumps({name: os.environ.get(name) for name in sys.argv[1:]}), flush=True)"


def shown(place: Place, *names: str) -> dict[str, str | None]:
    """Variables of the environment, as a program sees them."""
    found: dict[str, str | None] = json.loads(output_of(place.run([sys.executable, "-c", SHOW, *names])))
    return found


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def files_with(folder: Path, text: str) -> list[Path]:
    """Every file below a folder that holds a text in any of the forms in which Python or JSON would write it."""
    forms = {text.encode(), text.encode("utf-16-le"), json.dumps(text)[1:-1].encode()}
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and any(form in path.read_bytes() for form in forms)
    ]


# settings


def test_settings_are_the_programs_environment_and_references_are_resolved(place: Place, tmp_path: Path) -> None:
    first = place.owner.secret(place.name, "connection", "Server=db;Password=first-pa55")
    place.owner.secret(place.name, "connection", "Server=db;Password=second-pa55")
    place.allow("Key Vault Secrets User", place.vault_id)
    version = first["id"].rpartition("/")[2]
    place.settings(
        COLOUR="blue = 'x' ü",
        LATEST=f"@Microsoft.KeyVault(SecretUri={place.vault_url}/secrets/connection)",
        LATEST_SLASH=f"@Microsoft.KeyVault(SecretUri={place.vault_url}/secrets/connection/)",
        VERSION=f"@Microsoft.KeyVault(SecretUri={place.vault_url}/secrets/connection/{version})",
        CLOUD=f"@Microsoft.KeyVault(SecretUri=https://{place.name}.vault.azure.net/secrets/connection)",
        NAMED=f"@Microsoft.KeyVault(VaultName={place.name};SecretName=connection)",
        NAMED_VERSION=f"@Microsoft.KeyVault(VaultName={place.name};SecretName=connection;SecretVersion={version})",
    )
    program = f"{SHOW}\nsys.stdin.read()"
    names = ["COLOUR", "LATEST", "LATEST_SLASH", "VERSION", "CLOUD", "NAMED", "NAMED_VERSION"]
    process = place.start([sys.executable, "-c", program, *names], TMPDIR=str(tmp_path))
    assert process.stdout
    latest, old = "Server=db;Password=second-pa55", "Server=db;Password=first-pa55"
    assert json.loads(process.stdout.readline()) == {
        "COLOUR": "blue = 'x' ü",
        "LATEST": latest,
        "LATEST_SLASH": latest,
        "VERSION": old,
        "CLOUD": latest,
        "NAMED": latest,
        "NAMED_VERSION": old,
    }
    # the program has it in its memory, and nobody on a disk
    assert list(tmp_path.iterdir())
    for value in ("second-pa55", "first-pa55", "blue = 'x' ü"):
        assert files_with(tmp_path, value) == []
        assert files_with(place.owner.server.data, value) == []
    assert process.communicate("", timeout=30) == ("", "")
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_new_value_counts_at_the_next_launch(place: Place) -> None:
    place.allow("Key Vault Secrets User", place.vault_id)
    place.settings(VALUE=f"@Microsoft.KeyVault(VaultName={place.name};SecretName=s)")
    for value in ("one", "two"):
        place.owner.secret(place.name, "s", value)
        assert shown(place, "VALUE") == {"VALUE": value}


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("VaultName={name};SecretName=absent", "404"),
        ("SecretUri=https://{name}.vault.azure.net/secrets/absent", "404"),
        ("VaultName={name}-gone;SecretName=s", "403"),
        ("SecretUri=https://example.com/secrets/s", "example.com is not a vault here"),
        ("SecretUri=nonsense", "SecretUri is like https://"),
        ("SecretName=s", "a reference has SecretUri, or VaultName and SecretName"),
    ],
)
def test_a_reference_that_cannot_be_resolved_stops_the_launch(place: Place, reference: str, reason: str) -> None:
    place.allow("Key Vault Secrets User", place.vault_id)
    place.settings(GOOD="x", BROKEN=f"@Microsoft.KeyVault({reference.format(name=place.name)})")
    ran = place.run(["echo", "started"])
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("keyless: The setting BROKEN cannot be resolved: ")
    assert reason in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_reference_needs_a_role_of_the_app_itself(place: Place) -> None:
    place.owner.secret(place.name, "s", "the-value")
    place.settings(VALUE=f"@Microsoft.KeyVault(VaultName={place.name};SecretName=s)")
    ran = place.run(["echo", "started"])
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "the vault answered 403" in ran.stderr
    assert "the-value" not in ran.stderr
    place.allow("Key Vault Secrets User", f"{place.vault_id}/secrets/s")
    assert shown(place, "VALUE") == {"VALUE": "the-value"}
    # with a system-assigned identity as well, that one counts, as in App Service
    app = place.owner.app(place.name, place.identity["id"], system=True)
    place.settings(VALUE=f"@Microsoft.KeyVault(VaultName={place.name};SecretName=s)")
    assert place.run(["true"]).returncode == 1
    place.owner.assign(app["identity"]["principalId"], "Key Vault Secrets User", place.vault_id)
    assert shown(place, "VALUE") == {"VALUE": "the-value"}


# instances


async def test_several_apps_and_many_instances_at_once(owner: Owner) -> None:
    places = [make_place(owner) for _ in range(3)]
    for number, place in enumerate(places):
        place.allow_all()
        owner.secret(place.name, "greeting", f"secret {number}")
        owner.container(place.name, "box")
        owner.blob(place.name, "box/hello.txt", f"blob {number}".encode())
    program = python("plain_requests.py")
    instances = [0, 1, 2, 0, 0, 1, 0, 2, 0, 0]
    runs = await asyncio.gather(*(asyncio.to_thread(places[number].run, program) for number in instances))
    assert [output_of(ran) for ran in runs] == [f"secret {number}\nblob {number}\n" for number in instances]


def test_nothing_of_an_instance_works_once_its_launcher_is_killed(place: Place) -> None:
    place.allow_all()
    place.owner.secret(place.name, "greeting", "hello")
    program = (
        "import json, os, subprocess, sys, time; grandchild = subprocess.Popen(['sleep', '600'])\n"
        "names = ('IDENTITY_ENDPOINT', 'IDENTITY_HEADER', 'HTTPS_PROXY', 'SSL_CERT_FILE')\n"
        "pids = [os.getpid(), grandchild.pid]\n"
        "print(json.dumps([pids, *(os.environ[name] for name in names)]), flush=True); time.sleep(600)"
    )
    process = place.start([sys.executable, "-c", program])
    assert process.stdout
    pids, endpoint, header, proxy, bundle = json.loads(process.stdout.readline())
    ports = [int(re.findall(r":(\d+)", url)[0]) for url in (endpoint, proxy)]
    assert all(is_open(port) for port in ports)
    process.kill()
    process.communicate(timeout=30)
    until(lambda: not any(is_alive(pid) for pid in pids))
    assert not any(is_open(port) for port in ports)
    until(lambda: not Path(bundle).parent.exists())
    with HeldLease.open(place.owner.server, place.name) as other:
        query = {"resource": "https://vault.azure.net", "client_id": place.identity["clientId"]}
        assert other.request(query=query).status == 200
        assert other.request(query=query, headers={"X-IDENTITY-HEADER": header}).status == 401


def test_a_lease_is_over_with_its_connection(place: Place) -> None:
    saved = HeldLease.open(place.owner.server, place.name)
    query = {"resource": "https://vault.azure.net", "client_id": place.identity["clientId"]}
    assert saved.request(query=query).status == 200
    saved.close()

    def is_over() -> bool:
        try:
            return saved.request(query=query).status != 200
        except http.client.BadStatusLine as line:  # refused before any HTTP
            return "LeaseOver" in str(line)
        except ConnectionError:  # refused, and closed, before the request was on its way
            return False

    until(is_over)
    with pytest.raises(LeaseRefused, match="LeaseOver"):
        saved.resume()


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


# the server goes and comes back


def test_a_restart_of_the_server_is_not_noticed(own_server: RunningServer) -> None:
    owner = Owner(own_server)
    place = make_place(owner)
    place.allow_all()
    owner.secret(place.name, "greeting", "hello")
    owner.container(place.name, "box")
    owner.blob(place.name, "box/hello.txt", b"world")
    owner.close()
    process = place.start(python("keeps_reading.py"))
    rounds = rounds_of(process)
    next(rounds)
    for end in (own_server.stop, own_server.kill):
        end()
        time.sleep(0.5)
        own_server.start()
        before = next(rounds)
        while next(rounds) < before + 5:
            pass
    assert process.stdin
    process.stdin.close()
    process.stdin = None
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out.splitlines()[-1], err) == (0, "ended", "")


def rounds_of(process: subprocess.Popen[str]) -> Iterator[int]:
    assert process.stdout
    for line in process.stdout:
        yield int(line)


# its end


def test_standard_streams_exit_codes_and_signals(place: Place) -> None:
    process = place.start(["sh", "-c", "cat; echo complaint >&2; exit 3"])
    data = "line äö\n" * 100_000
    assert process.communicate(data, timeout=30) == (data, "complaint\n")
    assert process.returncode == 3
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        process = place.start([sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(60)"])
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, number)
        process.communicate(timeout=30)
        assert process.returncode == -number
    ran = place.launcher.run(f"{place.name}-absent", ["true"])
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"keyless: There is no app '{place.name}-absent'")


def test_a_deleted_app_loses_its_identity_and_the_program_is_told(place: Place) -> None:
    process = place.start([sys.executable, "-c", "print('ready', flush=True); input()"])
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    place.owner.arm("DELETE", f"{place.owner.group}/providers/Microsoft.Web/sites/{place.name}")
    assert process.stderr
    expected = f"keyless: {place.name} has lost its identity: The app '{place.name}' has been deleted.\n"
    assert process.stderr.readline() == expected
    assert process.communicate("\n", timeout=30) == ("", "")
    assert process.returncode == 0

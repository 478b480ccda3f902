"""Programs on hosts that keyless does not start, with nothing but what `keyless instance create` printed."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.clients.other_hosts import READERS, Handed, Host, other_host
from tests.clients.place import PROGRAMS, Command, Place, make_place, output_of, python
from tests.clients.tools import BUILD_SECONDS, go_program, java_classpath, needed, npm_packages
from tests.harness import Owner, RunningServer, running_server

pytestmark = pytest.mark.timeout(BUILD_SECONDS)
CLIENTS = Path(__file__).parent

#: Asks once, from the address that is named, and prints the status; an error's name if there is none.
ASK = """
import http.client, os, socket, ssl, sys
from urllib.parse import urlsplit
url = urlsplit(os.environ["IDENTITY_ENDPOINT"])
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
there = http.client.HTTPSConnection(
    url.hostname, url.port, source_address=(sys.argv[1], 0), context=context, timeout=10)
headers = {"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]}
if len(sys.argv) > 2:
    headers["X-Forwarded-For"] = sys.argv[2]
try:
    query = "?resource=https://vault.azure.net&client_id=" + os.environ["AZURE_CLIENT_ID"]
    there.request("GET", url.path + query, headers=headers)
    print(there.getresponse().status)
except OSError as error:
    print(type(error).__name__)
"""
PLAIN = """
import os, socket
from urllib.parse import urlsplit
url = urlsplit(os.environ["IDENTITY_ENDPOINT"])
with socket.create_connection((url.hostname, url.port), 10) as there:
    head = f"GET {url.path}?resource=https://vault.azure.net HTTP/1.1\\r\\nHost: {url.netloc}\\r\\n"
    there.sendall(f"{head}X-IDENTITY-HEADER: {os.environ['IDENTITY_HEADER']}\\r\\n\\r\\n".encode())
    try:
        print(there.recv(100))
    except OSError:
        print(b"")
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with other_host(tmp_path_factory.mktemp("hosts")) as made:
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Iterator[RunningServer]:
    """It listens at loopback, and at its end of the link to the host."""
    with running_server(tmp_path_factory.mktemp("server"), KEYLESS_LISTEN=host.server) as running:
        yield running


@pytest.fixture(scope="module")
def owner(server: RunningServer) -> Iterator[Owner]:
    one = Owner(server)
    yield one
    one.close()


@pytest.fixture
def place(owner: Owner) -> Place:
    made = make_place(owner)
    made.allow_all()
    return made


def create(place: Place, folder: Path, kind: str, *options: str, written: bool = True) -> Handed:
    """Make an instance as a user would, and read what is printed as its host would."""
    out = folder / "instance.env"
    arguments = [*options, "--trust", str(folder / "trust"), *(["--out", str(out)] if written else [])]
    made = place.launcher.server.keyless("instance", "create", place.name, "-o", kind, *arguments)
    assert made.returncode == 0, made.stderr
    if not written:
        return READERS[kind](made.stdout, "")
    assert out.stat().st_mode & 0o777 == 0o600
    handed = READERS[kind](made.stdout, out.read_text())
    (secret,) = (handed.environ[name] for name in ("IDENTITY_HEADER", "MSI_SECRET") if name in handed.environ)
    assert secret not in made.stdout + made.stderr
    return handed


def run(host: Host, place: Place, handed: Handed, command: Command, **more: str) -> str:
    """What a program prints there; the server's own folders are not to be seen."""
    return output_of(host.run(command, handed, place.launcher.server.data.parent, **place.environ(**more)))


def ask(host: Host, place: Place, handed: Handed, *arguments: str) -> str:
    return run(host, place, handed, [sys.executable, "-c", ASK, *(arguments or [host.address])]).strip()


@pytest.mark.parametrize("written", [True, False], ids=["file", "printed"])
@pytest.mark.parametrize("kind", READERS)
def test_what_is_printed_is_all_that_a_program_needs(
    host: Host, place: Place, tmp_path: Path, kind: str, written: bool
) -> None:
    place.owner.container(place.name, "box")
    place.owner.blob(place.name, "box/hello.txt", b"a blob")
    place.owner.secret(place.name, "greeting", "a secret")
    handed = create(place, tmp_path, kind, "--source", f"{host.address}/32", written=written)
    assert run(host, place, handed, python("hello.py")) == "a secret\na blob\n"


def test_the_older_shape(host: Host, place: Place, tmp_path: Path) -> None:
    place.owner.secret(place.name, "greeting", "a secret")
    place.owner.container(place.name, "box")
    place.owner.blob(place.name, "box/hello.txt", b"a blob")
    handed = create(place, tmp_path, "docker", "--host", "app-service-2017", "--source", f"{host.address}/32")
    assert "MSI_ENDPOINT" in handed.environ
    assert run(host, place, handed, python("hello.py")) == "a secret\na blob\n"


def test_every_way_to_name_an_identity(host: Host, owner: Owner, place: Place, tmp_path: Path) -> None:
    second = owner.identity(f"{place.name}-second")
    system = owner.app(place.name, place.identity["id"], second["id"], system=True)["identity"]["principalId"]
    handed = create(place, tmp_path, "env")
    given = {"CLIENT_ID": second["clientId"], "OBJECT_ID": second["principalId"], "RESOURCE_ID": second["id"]}
    for program in ("azure_identity_tokens.py", "msal_tokens.py"):
        found = json.loads(run(host, place, handed, [sys.executable, PROGRAMS / program], **given))
        assert set(found.values()) == {system, second["principalId"]}, program


def test_go(host: Host, place: Place, tmp_path: Path) -> None:
    handed = create(place, tmp_path, "docker")
    assert run(host, place, handed, [go_program(CLIENTS / "go"), "secrets"]) == "ok\n"


def test_javascript(host: Host, place: Place, tmp_path: Path) -> None:
    node = needed("node", "Node.js 20 or newer")
    npm_packages(CLIENTS / "javascript")
    handed = create(place, tmp_path, "compose")
    assert run(host, place, handed, [node, CLIENTS / "javascript" / "programs" / "secrets.mjs"]) == "ok\n"


def test_java(host: Host, place: Place, tmp_path: Path) -> None:
    handed = create(place, tmp_path, "kubernetes")
    command = ["java", "-cp", java_classpath(CLIENTS / "java"), "Main", "secrets"]
    done = host.run(command, handed, place.launcher.server.data.parent, **place.environ())
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr


def test_only_from_its_sources(host: Host, place: Place, tmp_path: Path) -> None:
    bound = create(place, tmp_path, "env", "--source", f"{host.address}/32")
    assert ask(host, place, bound, host.address) == "200"
    assert ask(host, place, bound, host.other) == "403"
    assert ask(host, place, bound, host.other, host.address) == "400"  # however it is forged


def test_only_over_tls(host: Host, place: Place, tmp_path: Path) -> None:
    handed = create(place, tmp_path, "env")
    assert run(host, place, handed, [sys.executable, "-c", PLAIN]) == "b''\n"


def test_it_outlives_restarts_and_ends_when_it_is_revoked(
    server: RunningServer, host: Host, place: Place, tmp_path: Path
) -> None:
    handed = create(place, tmp_path, "env")
    assert ask(host, place, handed) == "200"
    server.stop()
    server.start()
    assert ask(host, place, handed) == "200"
    server.kill()
    server.start()
    assert ask(host, place, handed) == "200"
    (listed,) = json.loads(server.keyless("instance", "list", place.name, "-o", "json").stdout)
    assert "headerSecret" not in listed["properties"]
    revoked = server.keyless("instance", "revoke", place.name, listed["name"])
    assert revoked.returncode == 0, revoked.stderr
    assert ask(host, place, handed) == "401"
    again = server.keyless("instance", "revoke", place.name, listed["name"])
    assert again.returncode == 1


def test_it_ends_with_its_time(server: RunningServer, host: Host, place: Place, tmp_path: Path) -> None:
    handed = create(place, tmp_path, "env", "--lifetime", "1h")
    assert ask(host, place, handed) == "200"
    server.stop()
    with closing(sqlite3.connect(server.data / "keyless.db")) as database, database:
        moved = database.execute("UPDATE hosted_instance SET expires=expires-3600, created=created-3600")
        assert moved.rowcount >= 1
    server.start()
    assert ask(host, place, handed) == "401"


def test_the_server_is_reached_at_its_own_addresses_only(
    server: RunningServer, host: Host, place: Place, tmp_path: Path
) -> None:
    told = server.keyless("instance", "create", place.name, "--listen", "192.0.2.1")
    assert told.returncode == 1
    assert f"only at {host.server}, 127.0.0.1: start it with `keyless up --listen 192.0.2.1`" in told.stderr
    local = create(place, tmp_path, "env", "--listen", "127.0.0.1")
    assert {address for address, _ in local.hosts} == {"127.0.0.1"}
    assert ask(host, place, local) in {"ConnectionRefusedError", "OSError"}

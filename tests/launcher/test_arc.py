"""Azure Arc's challenge: key files, and what passes on to the server."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyless.launcher import arc, identity_port
from keyless.launcher.arc_files import FOLDER, MAX_FILES, KeyFiles, prepare_folder, remove_key_files
from keyless.launcher.identity_port import ArcPort
from keyless.launcher.keeper import Keeper
from keyless.launcher.lease import Wanted
from keyless.launcher.relay import Port
from keyless.launcher.unix_socket import take_lease
from keyless.model.errors import KeylessError
from keyless.model.paths import socket_path
from tests.launcher.conftest import Started
from tests.launcher.fake_server import HEADER, FakeServer

GET = "GET /metadata/identity/oauth2/token?resource=r HTTP/1.1\r\nHost: 127.0.0.1:1\r\n"
METADATA = "Metadata: true\r\n"


def key_in(path: str) -> str:
    return Path(path).read_text()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# files


def test_a_file_is_as_clients_want_it(tmp_path: Path) -> None:
    files = KeyFiles("mark", os.geteuid(), os.getegid(), str(tmp_path))
    one, two = files.make(), files.make()
    for file in (one, two):
        assert os.path.dirname(file.path) == str(tmp_path)
        assert file.path.endswith(".key")
        found = os.stat(file.path)
        assert 0 < found.st_size <= 4096
        assert stat.S_IMODE(found.st_mode) == 0o400
        assert key_in(file.path).isalnum()
    assert key_in(one.path) != key_in(two.path)


def test_a_file_is_of_one_use(tmp_path: Path) -> None:
    files = KeyFiles("mark", os.geteuid(), os.getegid(), str(tmp_path))
    one, two = files.make(), files.make()
    key = key_in(one.path)
    assert not any(files.use(wrong) for wrong in ("", "x", key[:-1], key + " ", key.upper(), "\udcff"))
    assert files.use(key)
    assert not files.use(key)
    assert names(tmp_path) == [os.path.basename(two.path)]
    os.unlink(two.path)
    files.remove(two)
    files.remove(two)
    assert names(tmp_path) == []


def test_of_many_at_once_one_may_use_a_file(tmp_path: Path) -> None:
    files = KeyFiles("mark", os.geteuid(), os.getegid(), str(tmp_path))
    with ThreadPoolExecutor(16) as threads:
        for _ in range(20):
            key = key_in(files.make().path)
            assert sum(threads.map(files.use, [key] * 16)) == 1
    assert names(tmp_path) == []


def test_there_are_never_more_than_so_many(tmp_path: Path) -> None:
    files = KeyFiles("mark", os.geteuid(), os.getegid(), str(tmp_path))
    first = key_in(files.make().path)
    for _ in range(MAX_FILES):
        files.make()
    assert len(names(tmp_path)) == MAX_FILES
    assert not files.use(first)


def test_an_instance_leaves_none_and_takes_no_other_instances(tmp_path: Path) -> None:
    for mark in ("mine", "mine2", "other"):
        KeyFiles(mark, os.geteuid(), os.getegid(), str(tmp_path)).make()
    (tmp_path / "mine-x.txt").touch()
    remove_key_files("mine", str(tmp_path))
    assert [name.split("-")[0] for name in names(tmp_path)] == ["mine", "mine2", "other"]
    assert (tmp_path / "mine-x.txt").exists()
    remove_key_files("mine", str(tmp_path / "absent"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_belongs_to_the_instances_user(tmp_path: Path) -> None:
    file = KeyFiles("mark", 65534, 65533, str(tmp_path)).make()
    found = os.stat(file.path)
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (65534, 65533, 0o400)


def test_a_folder_is_made_through_which_others_may_only_pass(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "tokens"
    prepare_folder(str(folder))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o711
    prepare_folder(str(folder))


def test_where_nothing_can_be_written_it_is_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for broken in (tmp_path / "file" / "x", tmp_path / "file"):
        with pytest.raises(KeylessError, match="--isolate"):
            prepare_folder(str(broken))
    with pytest.raises(KeylessError, match="sudo install"):
        KeyFiles("mark", 0, 0, str(tmp_path / "absent")).make()


# requests


@given(st.binary(max_size=300))
def test_a_head_is_read_or_refused(data: bytes) -> None:
    try:
        asked = arc.read_head(data + b"\r\n\r\n")
    except KeylessError:
        return
    assert not (asked.wants_challenge and asked.key is not None)


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ("", (None, False)),
        (METADATA, (None, True)),
        ("metadata:TRUE\r\n", (None, True)),
        ("Metadata: false\r\n", (None, False)),
        ("Authorization: Basic abc\r\n", ("abc", False)),
        (METADATA + "authorization: basic  abc \r\n", ("abc", False)),
        (METADATA + "Authorization: Bearer abc\r\n", ("", False)),
        (METADATA + "Authorization: \r\n", ("", False)),
    ],
)
def test_what_a_request_shows(headers: str, asked: tuple[str | None, bool]) -> None:
    assert arc.read_head(f"{GET}{headers}\r\n".encode()) == asked


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 1\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Metadata: true\r\nMetadata: true\r\n",
        "Authorization: Basic a\r\nAuthorization: Basic b\r\n",
        "no colon\r\n",
        " folded: x\r\n",
        "a b: x\r\n",
        "nul: \0\r\n",
    ],
)
def test_a_request_that_two_readers_could_see_differently(headers: str) -> None:
    with pytest.raises(KeylessError):
        arc.read_head(f"{GET}{headers}\r\n".encode())


def test_only_one_request_is_passed_on() -> None:
    head = f"{GET}Connection: keep-alive\r\nKeep-Alive: 5\r\n{METADATA}\r\n".encode()
    assert arc.single(head) == f"{GET}{METADATA}Connection: close\r\n\r\n".encode()


# the port


@dataclass
class Endpoint:
    """The identity port of an instance, with the server behind it."""

    port: int
    folder: Path
    server: FakeServer

    async def send(self, headers: str = "", *, rest: str = "") -> str:
        """The whole answer to a request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"{GET}X-IDENTITY-HEADER: {HEADER}\r\n{headers}\r\n{rest}".encode())
        answer = (await asyncio.wait_for(reader.read(), 10)).decode()
        writer.close()
        return answer

    async def challenge(self) -> str:
        """The path of a new key file."""
        head = (await self.send(METADATA)).partition("\r\n\r\n")[0]
        assert head.startswith("HTTP/1.1 401 ")
        return next(line for line in head.split("\r\n") if line.startswith("WWW-Authenticate")).split("realm=")[1]


@pytest.fixture
async def endpoint(server: FakeServer, tmp_path: Path) -> AsyncIterator[Endpoint]:
    lease, connection, rest = await asyncio.to_thread(take_lease, socket_path(server.data), Wanted("shop", "own"), 1)
    keeper = Keeper(lease, socket_path(server.data), 1, lambda message: None)
    keeping = asyncio.ensure_future(keeper.keep(connection, rest))

    listening = socket.create_server(("127.0.0.1", 0))
    folder = tmp_path / "tokens"
    folder.mkdir()
    handler = ArcPort(keeper, KeyFiles("mark", os.geteuid(), os.getegid(), str(folder)))
    await Port(listening, handler.handle, admit=lambda _: True, limit=10).open()
    yield Endpoint(listening.getsockname()[1], folder, server)
    keeping.cancel()


async def test_a_client_reads_the_file_and_gets_its_token(endpoint: Endpoint) -> None:
    path = await endpoint.challenge()
    assert os.path.dirname(path) == str(endpoint.folder)
    assert not endpoint.server.requests
    answer = await endpoint.send(f"{METADATA}Authorization: Basic {key_in(path)}\r\n")
    assert answer.startswith("HTTP/1.1 200 ")
    assert "token-of-lease-1" in answer
    assert names(endpoint.folder) == []
    assert "Connection: close" in endpoint.server.requests[0]


async def test_a_key_is_good_for_one_request(endpoint: Endpoint) -> None:
    key = key_in(await endpoint.challenge())
    good = f"{METADATA}Authorization: Basic {key}\r\n"
    answer = await endpoint.send(good, rest=f"{GET}X-IDENTITY-HEADER: {HEADER}\r\n{METADATA}\r\n")
    assert answer.count("HTTP/1.1") == 1
    assert len(endpoint.server.requests) == 1
    again = await endpoint.send(good)
    assert again.startswith("HTTP/1.1 401 ")
    assert "WWW-Authenticate" not in again
    assert key not in again
    assert len(endpoint.server.requests) == 1


async def test_a_wrong_key_gets_nothing_and_makes_no_file(endpoint: Endpoint) -> None:
    for wrong in ("x", "", HEADER):
        assert (await endpoint.send(f"{METADATA}Authorization: Basic {wrong}\r\n")).startswith("HTTP/1.1 401 ")
    assert names(endpoint.folder) == []
    assert not endpoint.server.requests


async def test_a_probe_goes_to_the_server_which_refuses_it(endpoint: Endpoint) -> None:
    await endpoint.send()
    assert names(endpoint.folder) == []
    assert len(endpoint.server.requests) == 1


async def test_a_request_that_makes_no_sense_is_refused_here(endpoint: Endpoint) -> None:
    answer = await endpoint.send(f"{METADATA}Content-Length: 3\r\n")
    assert answer.startswith("HTTP/1.1 400 ")
    assert '"error_description"' in answer
    assert not endpoint.server.requests


async def test_a_file_that_nobody_reads_is_removed(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_port, "LIFE_SECONDS", 0.2)
    path = await endpoint.challenge()
    key = key_in(path)
    for _ in range(100):
        if not os.path.exists(path):
            break
        await asyncio.sleep(0.02)
    assert names(endpoint.folder) == []
    assert (await endpoint.send(f"{METADATA}Authorization: Basic {key}\r\n")).startswith("HTTP/1.1 401 ")


# the whole

PROGRAM = """
import json, os, urllib.error, urllib.request
url = os.environ["IDENTITY_ENDPOINT"] + "?resource=r"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
try:
    opener.open(urllib.request.Request(url, headers={"Metadata": "true"}))
except urllib.error.HTTPError as error:
    path = error.headers["WWW-Authenticate"].split("realm=")[1]
print(path, os.path.exists(path), flush=True)
"""


def needs_the_folder() -> None:
    try:
        prepare_folder()
    except KeylessError as error:
        pytest.skip(error.message)


@pytest.mark.parametrize(
    "ending", ["", "os.kill(os.getpid(), 9)", "os.kill(GUARDS_PARENT, 9); import time; time.sleep(30)"]
)
async def test_nothing_is_left_whatever_the_end(keyless_run: Started, ending: str) -> None:
    needs_the_folder()
    launcher = "GUARDS_PARENT = int(open(f'/proc/{os.getppid()}/stat').read().rpartition(')')[2].split()[1])\n"
    program = PROGRAM + launcher + ending
    _, out, err = await keyless_run.run(sys.executable, "-c", program, options=("--app", "shop", "--host", "arc"))
    path, existed = out.split()
    assert (os.path.dirname(path), existed, err) == (FOLDER, "True", "")
    for _ in range(200):
        if not os.path.exists(path):
            break
        await asyncio.sleep(0.02)
    assert not os.path.exists(path)

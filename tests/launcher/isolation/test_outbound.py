"""The way out, with each of the two programs: in a small world of the test's own (`outside.py`)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.clients.tools import lacking
from tests.launcher.isolation.conftest import Isolated
from tests.launcher.isolation.outside import HOST, NAME

GET = """
import os, socket, urllib.request
def get(url, seconds=5):
    try: return urllib.request.urlopen(url, timeout=seconds).read().decode()
    except OSError as error: return 'nothing'
"""
PROGRAM = f"""{GET}
print(get('http://{NAME}/'))
print(get('http://{HOST}/'))
# the claimed name does not lead out, though the world knows it
print(socket.gethostbyname('login.microsoftonline.com'))
# neither the loopback outside, nor the gateway that could stand for it
for host in ('127.0.0.1', '192.0.2.254', '10.0.2.2'):
    print(host, get(f'http://{{host}}:8080/', 0.5))
print(sorted(name for name in os.environ if 'proxy' in name.lower()))
"""
NEEDED = [
    f"hello from {NAME}",
    f"hello from {HOST}",
    "127.0.0.1",
    "127.0.0.1 nothing",
    "192.0.2.254 nothing",
    "10.0.2.2 nothing",
]


@pytest.fixture
def world(isolated: Isolated) -> Isolated:
    """A launcher in the small world."""
    if not shutil.which("ip"):
        lacking("ip (package iproute2)")
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("/dev/net/tun is not for this user")
    outside = str(Path(__file__).with_name("outside.py"))
    namespaces = (shutil.which("unshare") or lacking("unshare"), "--user", "--map-root-user", "--net", "--mount")
    isolated.around = (*namespaces, isolated.python_program, outside)
    return isolated


def only(program: str, folder: Path) -> dict[str, str]:
    """An environment in which only one of the two programs is to be found."""
    found = shutil.which(program) or lacking(program)
    for name, path in ((program, found), ("ip", shutil.which("ip")), ("mount", shutil.which("mount"))):
        (folder / name).symlink_to(path or lacking(name))
    return {"PATH": str(folder)}


@pytest.mark.parametrize("program", ["pasta", "slirp4netns"])
async def test_hosts_outside_are_reached_and_the_machines_loopback_is_not(
    world: Isolated, tmp_path: Path, program: str
) -> None:
    code, out, err = await world.run(world.python_program, "-c", PROGRAM, environ=only(program, tmp_path))
    assert (code, err) == (0, "")
    assert out.splitlines() == [*NEEDED, "[]"]


async def test_a_user_behind_a_proxy_goes_on_through_it(world: Isolated, tmp_path: Path) -> None:
    environ = only("pasta", tmp_path) | {"HTTP_PROXY": "http://127.0.0.1:8080"}
    program = f"{GET}print(get('http://{NAME}/'), os.environ['NO_PROXY'], 'HTTPS_PROXY' in os.environ)"
    code, out, err = await world.run(world.python_program, "-c", program, environ=environ)
    assert (code, err) == (0, "")
    assert out == f"hello from {NAME} by proxy 127.0.0.1,169.254.169.254 True\n"


async def test_without_a_way_out_there_is_no_proxy_either(world: Isolated) -> None:
    environ = {"PATH": "/nowhere", "HTTP_PROXY": "http://127.0.0.1:8080"}
    world.around = ()
    code, out, _ = await world.run(world.python_program, "-c", PROGRAM, environ=environ)
    assert code == 0
    assert out.splitlines() == ["nothing", "nothing", *NEEDED[2:], "[]"]


async def test_a_program_that_fails_is_said_to(world: Isolated, tmp_path: Path) -> None:
    (tmp_path / "pasta").write_text("#!/bin/sh\necho one >&2\necho 'no tap' >&2\nexit 1\n")
    (tmp_path / "pasta").chmod(0o755)
    world.around = ()
    code, out, err = await world.run(world.python_program, "-c", PROGRAM, environ={"PATH": str(tmp_path)})
    assert (code, err) == (0, "keyless: shop reaches keyless and no other host: pasta failed: no tap\n")
    assert out.splitlines()[:3] == ["nothing", "nothing", "127.0.0.1"]

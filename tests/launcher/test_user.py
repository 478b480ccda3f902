"""`keyless run --user`: the program is the app's own user, and only that user gets anything at its ports."""

from __future__ import annotations

import grp
import json
import os
import pwd
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from keyless.launcher import user
from keyless.launcher.user import User, find_user
from keyless.model.errors import ErrorKind, KeylessError
from tests.harness import Owner, RunningServer, running_server
from tests.other_users import OTHER_UID, UID, anybodys_python, environment, needs_root

KEYLESS = [sys.executable, "-m", "keyless"]

#: Says who it is, and what it and the launcher's files are to it.
PROGRAM = """
import json, os, ssl, sys, urllib.request
def status():
    ask = urllib.request.Request(
        os.environ["IDENTITY_ENDPOINT"] + "?resource=https://vault.azure.net",
        headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]},
    )
    return urllib.request.urlopen(ask).status
folder = os.path.dirname(os.environ["SSL_CERT_FILE"])
def may(what):
    try:
        what()
        return True
    except OSError:
        return False
ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
capabilities = [line.split()[1] for line in open("/proc/self/status") if line.startswith(("CapEff", "CapPrm"))]
print(json.dumps({
    "ids": [os.getresuid(), os.getresgid(), sorted(os.getgroups())],
    "capabilities": [int(held, 16) for held in capabilities],
    "environment": [os.environ[name] for name in ("HOME", "USER", "LOGNAME")],
    "token": status(),
    "java": open(folder + "/roots.jks", "rb").read(4).hex(),
    "may list": may(lambda: os.listdir(folder)),
    "may add": may(lambda: open(folder + "/new", "w")),
    "may replace": may(lambda: os.rename(folder, folder + "x")),
    "may become root": may(lambda: os.setuid(0)),
    "folder": folder,
}))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def owner(server: RunningServer) -> Iterator[Owner]:
    one = Owner(server)
    yield one
    one.close()


@pytest.fixture
def app(owner: Owner) -> str:
    name = f"a{uuid4().hex[:8]}"
    owner.app(name, system=True)
    return name


def told(server: RunningServer, app: str, who: str) -> dict[str, object]:
    ran = server.keyless("run", "--app", app, "--user", who, "--", anybodys_python(), "-c", PROGRAM, cwd="/")
    assert (ran.returncode, ran.stderr) == (0, "")
    return dict(json.loads(ran.stdout))


@needs_root
def test_the_program_is_the_user_and_nothing_more(server: RunningServer, app: str) -> None:
    found = told(server, app, str(UID))
    folder = str(found.pop("folder"))
    assert found == {
        "ids": [[UID] * 3, [UID] * 3, []],
        "capabilities": [0, 0],
        "environment": ["/", str(UID), str(UID)],
        "token": 200,
        "java": "feedfeed",
        "may list": False,
        "may add": False,
        "may replace": False,
        "may become root": False,
    }
    assert not Path(folder).exists()


@needs_root
def test_a_named_user_has_its_home_and_its_groups(server: RunningServer, app: str) -> None:
    account = next(
        (one for one in pwd.getpwall() if one.pw_uid and any(one.pw_name in group.gr_mem for group in grp.getgrall())),
        pwd.getpwnam("nobody"),
    )
    found = told(server, app, account.pw_name)
    groups = sorted(os.getgrouplist(account.pw_name, account.pw_gid))
    assert found["ids"] == [[account.pw_uid] * 3, [account.pw_gid] * 3, groups]
    assert found["environment"] == [account.pw_dir, account.pw_name, account.pw_name]


@needs_root
def test_only_that_user_is_answered_at_the_ports(server: RunningServer, app: str) -> None:
    """The launcher's own user, root, is no exception."""
    curl = shutil.which("curl")
    if not curl:
        pytest.skip("needs curl")
    script = "echo $IDENTITY_ENDPOINT $IDENTITY_HEADER; read _"
    launcher = subprocess.Popen(
        [*KEYLESS, "run", "--app", app, "--user", str(UID), "--", "sh", "-c", script],
        env=server.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert launcher.stdin
    assert launcher.stdout
    endpoint, header = launcher.stdout.readline().split()
    ask = [curl, "--silent", "--output", "/dev/null", "--write-out", "%{http_code}"]
    ask += ["--header", f"X-IDENTITY-HEADER: {header}", f"{endpoint}?resource=https://vault.azure.net"]
    statuses = {
        uid: subprocess.run(ask, user=uid, capture_output=True, text=True, check=False).stdout
        for uid in (0, OTHER_UID, UID)
    }
    launcher.stdin.close()
    launcher.stdout.close()
    launcher.wait(20)
    assert statuses == {0: "000", OTHER_UID: "000", UID: "200"}


@needs_root
def test_a_killed_launcher_takes_another_users_program_along(server: RunningServer, app: str) -> None:
    launcher = subprocess.Popen(
        [*KEYLESS, "run", "--app", app, "--user", str(UID), "--", "sh", "-c", "echo $$; exec sleep 60"],
        env=server.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert launcher.stdout
    program = int(launcher.stdout.readline())
    gone = os.pidfd_open(program)
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()
    assert select.select([gone], [], [], 10)[0], "the program lives on"
    os.close(gone)


@needs_root
def test_the_files_of_a_shape_are_the_users(server: RunningServer, app: str) -> None:
    program = (
        "import os; path = os.environ['AZURE_FEDERATED_TOKEN_FILE']; print(open(path).read().count('.'), os.geteuid())"
    )
    ran = server.keyless(
        *("run", "--app", app, "--host", "workload-identity", "--user", str(UID)),
        *("--", anybodys_python(), "-c", program),
        cwd="/",
    )
    assert (ran.returncode, ran.stdout) == (0, f"2 {UID}\n"), ran.stderr


@needs_root
def test_exit_codes_are_the_programs(server: RunningServer, app: str) -> None:
    ran = server.keyless("run", "--app", app, "--user", str(UID), "--", "sh", "-c", "exit 7", cwd="/")
    assert ran.returncode == 7


@needs_root
def test_who_is_not_root_is_told_so(server: RunningServer) -> None:
    ran = subprocess.run(
        [anybodys_python(), "-m", "keyless", "run", "--app", "x", "--user", str(OTHER_UID), "--", "true"],
        user=UID,
        group=UID,
        extra_groups=[],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "Only root may run a program as another user: run it with sudo" in ran.stderr


def test_a_user_who_is_not_there_is_wrong_usage(server: RunningServer) -> None:
    for who in ("no-such-user", str(2**32)):
        ran = server.keyless("run", "--app", "x", "--user", who, "--", "true")
        assert ran.returncode == 2, ran.stderr


def test_an_isolated_program_has_one_user(server: RunningServer) -> None:
    ran = server.keyless("run", "--app", "x", "--isolate", "--user", str(UID), "--", "true")
    assert ran.returncode == 2
    assert "--isolate has one user only" in ran.stderr


def test_to_be_whom_one_is_already_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_user(str(os.geteuid())) is None
    monkeypatch.setattr(os, "geteuid", lambda: UID)
    assert find_user(str(UID)) is None
    with pytest.raises(KeylessError) as refused:
        find_user(str(OTHER_UID))
    assert refused.value.kind is ErrorKind.FORBIDDEN


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@needs_root
def test_what_is_given_is_the_users_alone(folder: Path) -> None:
    (folder / "token").write_text("x")
    user.give(str(folder), User(UID, UID, (), {}))
    held, file = folder.stat(), (folder / "token").stat()
    assert (held.st_uid, held.st_mode & 0o777) == (0, 0o711)
    assert (file.st_uid, file.st_gid, file.st_mode & 0o777) == (UID, UID, 0o600)

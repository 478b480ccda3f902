"""The socket for workloads of any user: each process runs as the one app whose rules it matches, or as none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.harness import HeldLease, LeaseRefused, Owner, RunningServer, running_server
from tests.other_users import OTHER_UID, UID, anybodys_python, environment, needs_root

pytestmark = [
    needs_root,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who is at the other end"),
]

PORT = 41_000
PEER = Path(__file__).with_name("peer.py")
CGROUPS = Path("/sys/fs/cgroup/unified" if Path("/sys/fs/cgroup/unified").exists() else "/sys/fs/cgroup")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that other users may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="keyless-test-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture(scope="module")
def socket_path(folder: Path) -> Path:
    return folder / "run" / "workload.sock"


@pytest.fixture(scope="module")
def server(folder: Path, socket_path: Path) -> Iterator[RunningServer]:
    with running_server(folder, KEYLESS_WORKLOAD_SOCKET=str(socket_path)) as running:
        yield running


@pytest.fixture(scope="module")
def owner(server: RunningServer) -> Iterator[Owner]:
    one = Owner(server)
    yield one
    one.close()


@pytest.fixture
def app(owner: Owner) -> Iterator[str]:
    """An app with an identity; its rules go with it, so that no other test meets them."""
    name = f"a{uuid4().hex[:8]}"
    path = owner.app(name, system=True)["id"]
    yield name
    owner.arm("DELETE", path)


def allow(owner: Owner, app: str, name: str = "default", **properties: Any) -> str:
    path = f"{owner.group}/providers/Microsoft.Web/sites/{app}/attestationRules/{name}"
    owner.arm("PUT", path, {"properties": properties})
    return path


def opening(app: str) -> dict[str, Any]:
    return {"open": "lease", "app": app, "names": "own", "identity_port": PORT}


class Peer:
    """A process that is told what to do."""

    def __init__(self, socket_path: Path, uid: int, groups: Sequence[int] = ()) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [anybodys_python(), str(PEER), str(socket_path)],
            stdin=pipe,
            stdout=pipe,
            env=environment(),
            user=uid,
            group=uid,
            extra_groups=list(groups),
            text=True,
        )

    def tell(self, *order: Any) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line)

    def open(self, app: str) -> Any:
        return self.insist("ask", opening(app))

    def token(self, lease: Any, **given: Any) -> Any:
        return self.insist("token", lease["lease"], given.get("key", lease["key"]), lease["header"], PORT)

    def insist(self, *order: Any) -> Any:
        """Ask again when nothing is said: the tests' users are refused more often than is told of one in a second."""
        for _ in range(20):
            answer = self.tell(*order)
            if answer is not None:
                return answer
            time.sleep(0.2)
        raise AssertionError(order)

    def code(self, answer: Any) -> str:
        return str(answer["error"]["code"])

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(20)


@pytest.fixture
def peer(server: RunningServer, socket_path: Path) -> Iterator[Callable[..., Peer]]:
    made: list[Peer] = []

    def start(uid: int = UID, groups: Sequence[int] = ()) -> Peer:
        made.append(Peer(socket_path, uid, groups))
        return made[-1]

    yield start
    for one in made:
        one.close()


# who gets in


def test_everybody_reaches_the_socket_and_nothing_else(server: RunningServer, socket_path: Path) -> None:
    assert socket_path.stat().st_mode & 0o777 == 0o666
    assert socket_path.parent.stat().st_mode & 0o777 == 0o755
    assert server.data.stat().st_mode & 0o777 == 0o700


def test_a_process_without_a_rule_gets_nothing(owner: Owner, app: str, peer: Callable[..., Peer]) -> None:
    allow(owner, app, uids=[OTHER_UID])
    stranger = peer()
    for name in (app, "nobody"):
        assert stranger.code(stranger.open(name)) == "NoRuleMatches"
    denied = next(event for event in audit(owner) if event.get("operation") == "attest")
    assert (denied["principal_name"], denied["decision"]) == (f"user {UID}", "denied")
    assert f"user {UID}, process {stranger.process.pid}" in denied["reason"]


def audit(owner: Owner) -> list[dict[str, Any]]:
    lines = (owner.server.data / "audit.jsonl").read_text().splitlines()
    return [json.loads(line) for line in reversed(lines)]


@pytest.mark.parametrize(
    ("groups", "properties", "allowed"),
    [
        ((), {"uids": [UID]}, True),
        ((), {"gids": [UID]}, True),
        ((77, 78), {"gids": [78]}, True),
        ((77,), {"gids": [78]}, False),
        ((77,), {"uids": [UID], "gids": [78]}, False),
        ((78,), {"uids": [OTHER_UID], "gids": [78]}, False),
    ],
)
def test_the_kernels_word_on_user_and_groups_decides(
    owner: Owner, app: str, peer: Callable[..., Peer], groups: Sequence[int], properties: Any, allowed: bool
) -> None:
    allow(owner, app, **properties)
    one = peer(UID, groups)
    answer = one.open(app)
    if not allowed:
        assert one.code(answer) == "NoRuleMatches"
        return
    assert answer["app"] == app
    assert one.token(answer) == 200
    launched = next(event for event in audit(owner) if event.get("operation") == "Microsoft.Web/sites/start/action")
    assert (launched["principal_name"], launched["decision"]) == (f"user {UID}", "allowed")


@contextmanager
def control_group() -> Iterator[Path]:
    made = CGROUPS / f"keyless-test-{uuid4().hex[:8]}"
    try:
        made.mkdir()
    except OSError:
        pytest.skip("no control group can be made here")
    if not (made / "cgroup.procs").exists():
        pytest.skip("no unified hierarchy of control groups is mounted here")
    try:
        yield made
    finally:
        for _ in range(100):
            with suppress(OSError):
                made.rmdir()
                break
            time.sleep(0.02)


def test_the_control_group_is_looked_at_anew_each_time(owner: Owner, app: str, peer: Callable[..., Peer]) -> None:
    with control_group() as group:
        allow(owner, app, uids=[UID], controlGroups=[f"/{group.name}"])
        one = peer()
        assert one.code(one.open(app)) == "NoRuleMatches"
        (group / "cgroup.procs").write_text(str(one.process.pid))
        lease = one.open(app)
        assert one.token(lease) == 200
        (CGROUPS / "cgroup.procs").write_text(str(one.process.pid))
        assert one.code(one.token(lease)) == "NoRuleMatches"
        one.close()


def test_an_app_whose_rules_do_not_match_is_not_to_be_had(owner: Owner, app: str, peer: Callable[..., Peer]) -> None:
    other = f"a{uuid4().hex[:8]}"
    owner.app(other, system=True)
    allow(owner, app, uids=[UID])
    one = peer()
    for name in (other, "nobody"):
        answer = one.open(name)
        assert one.code(answer) == "AnotherApp"
        assert f"not as {name!r}" in answer["error"]["message"]


def test_rules_of_two_apps_leave_none(owner: Owner, app: str, peer: Callable[..., Peer]) -> None:
    other = f"b{uuid4().hex[:8]}"
    path = owner.app(other, system=True)["id"]
    allow(owner, app, uids=[UID])
    allow(owner, other, gids=[UID])
    one = peer()
    answer = one.open(app)
    assert one.code(answer) == "SeveralAppsMatch"
    assert f"({app}, {other})" in answer["error"]["message"]
    owner.arm("DELETE", path)
    assert one.token(one.open(app)) == 200


def test_root_needs_a_rule_here_as_well(app: str, peer: Callable[..., Peer]) -> None:
    one = peer(0)
    assert one.code(one.open(app)) == "NoRuleMatches"


# whose a lease is


def test_a_lease_is_the_process_s_own(owner: Owner, app: str, peer: Callable[..., Peer]) -> None:
    allow(owner, app, uids=[UID])
    holder, thief = peer(), peer()
    lease = holder.open(app)
    assert holder.token(lease) == 200
    # it has the lease, its key and its header secret, and the very user
    assert thief.code(thief.token(lease)) == "LeaseOver"
    resume = {"open": "resume", "lease": lease["lease"], "key": lease["key"], "identity_port": PORT}
    assert thief.code(thief.tell("ask", resume)) == "LeaseOver"
    assert holder.token(lease) == 200
    assert holder.token(lease, key="x" * 43) != 200


def test_a_lease_of_another_app_is_of_no_use(
    server: RunningServer, owner: Owner, app: str, peer: Callable[..., Peer]
) -> None:
    other = f"a{uuid4().hex[:8]}"
    owner.app(other, system=True)
    allow(owner, app, uids=[UID])
    one = peer()
    for name in (other, app):  # the owner's own leases, also of the app that the process may run as
        with HeldLease.open(server, name, port=PORT) as owners:
            assert one.code(one.token(owners.answer)) == "LeaseOver"


def test_who_inherits_the_connection_inherits_no_identity(owner: Owner, app: str, peer: Callable[..., Peer]) -> None:
    allow(owner, app, uids=[UID])
    one = peer()
    lease = one.open(app)
    assert one.token(lease) == 200
    child = one.tell("leave to a child")
    assert child != one.process.pid
    assert one.tell("ended") is True
    assert one.code(one.token(lease)) == "LeaseOver"


def test_a_lease_ends_when_its_rule_goes(owner: Owner, app: str, peer: Callable[..., Peer]) -> None:
    path = allow(owner, app, uids=[UID])
    changed, removed = peer(), peer()
    leases = [one.open(app) for one in (changed, removed)]
    allow(owner, app, "second", uids=[OTHER_UID])
    assert changed.token(leases[0]) == 200
    owner.arm("DELETE", path)
    assert changed.tell("ended") is True
    assert removed.tell("ended") is True
    assert removed.code(removed.token(leases[1])) == "NoRuleMatches"
    allow(owner, app, uids=[UID])
    assert removed.code(removed.token(leases[1])) == "LeaseOver"


# floods


def test_refusals_without_end_are_neither_told_nor_recorded_without_end(
    owner: Owner, peer: Callable[..., Peer]
) -> None:
    one = peer(60_001)
    answers = [one.tell("ask", opening("x")) for _ in range(60)]
    told = [answer for answer in answers if answer is not None]
    assert 1 <= len(told) < 40
    recorded = [event for event in audit(owner) if event.get("principal_name") == "user 60001"]
    assert len(recorded) == len(told)


# who may write rules


def test_who_may_not_launch_may_not_let_others_launch(owner: Owner, app: str, somebody: Callable[..., Any]) -> None:
    site = f"{owner.group}/providers/Microsoft.Web/sites/{app}"
    who = somebody(("Reader", site))
    rule = f"{site}/attestationRules/default"
    assert who("PUT", rule, {"properties": {"uids": [UID]}}).status_code == 403
    assert who("GET", rule).status_code == 404
    assert who("GET", f"{site}/attestationRules").json() == {"value": []}


# restart


def test_a_launcher_of_another_user_outlives_a_restart(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="keyless-test-") as made:
        Path(made).chmod(0o755)
        place = Path(made) / "run" / "workload.sock"
        with running_server(Path(made), KEYLESS_WORKLOAD_SOCKET=str(place)) as server:
            owner = Owner(server)
            owner.app("shop", system=True)
            allow(owner, "shop", uids=[UID])
            owner.close()
            program = (
                "import os,sys,urllib.request as u\n"
                "for line in sys.stdin:\n"
                "  r=u.Request(os.environ['IDENTITY_ENDPOINT']+'?resource=https://vault.azure.net',"
                "headers={'X-IDENTITY-HEADER':os.environ['IDENTITY_HEADER']})\n"
                "  print(u.urlopen(r).status,os.geteuid(),flush=True)\n"
            )
            python, pipe = anybodys_python(), subprocess.PIPE
            launcher = subprocess.Popen(
                [python, "-m", "keyless", "run", "--app", "shop", "--", python, "-c", program],
                env=environment(KEYLESS_WORKLOAD_SOCKET=str(place), KEYLESS_DATA=str(server.data)),
                user=UID,
                group=UID,
                extra_groups=[],
                stdin=pipe,
                stdout=pipe,
                text=True,
            )
            assert launcher.stdin
            assert launcher.stdout

            def ask() -> str:
                launcher.stdin.write("go\n")  # type: ignore[union-attr]
                launcher.stdin.flush()  # type: ignore[union-attr]
                return launcher.stdout.readline()  # type: ignore[union-attr]

            assert ask() == f"200 {UID}\n"
            server.stop()
            server.start()
            assert ask() == f"200 {UID}\n"
            server.kill()
            server.start()
            assert ask() == f"200 {UID}\n"
            launcher.stdin.close()
            launcher.stdout.close()
            assert launcher.wait(20) == 0


def test_a_socket_that_others_could_replace_is_not_made(server: RunningServer, tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    mine = {"KEYLESS_DATA": str(tmp_path / "data"), "KEYLESS_CONFIG": str(tmp_path / "config")}
    environ = server.environ | mine | {"KEYLESS_WORKLOAD_SOCKET": str(open_to_all / "sock")}
    told = server.keyless("up", "--port", "0", env=environ)
    assert told.returncode == 1
    assert f"Others may write to {open_to_all}" in told.stderr
    assert list(open_to_all.iterdir()) == []


def test_two_servers_cannot_share_a_socket(server: RunningServer, socket_path: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    environ = server.environ | {"KEYLESS_DATA": str(data), "KEYLESS_CONFIG": str(tmp_path / "config")}
    told = server.keyless("up", "--port", "0", env=environ)
    assert told.returncode == 1
    assert f"Another server listens at {socket_path}" in told.stderr
    with pytest.raises(LeaseRefused):
        HeldLease.open(server, "nobody")
    assert os.path.exists(socket_path)

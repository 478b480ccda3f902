"""What an isolated program sees and reaches, and what it does not."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.launcher.fake_server import FakeServer
from tests.launcher.isolation.conftest import ALONE, NOBODY, SAID_ALONE, Isolated
from tests.launcher.test_run import ASK, is_alive, until

FETCH = """
import os, ssl, sys, urllib.request
def fetch(url):
    trust = ssl.create_default_context(cafile=os.environ['SSL_CERT_FILE'])
    return urllib.request.urlopen(url, context=trust, timeout=10).read().decode()
"""


@pytest.fixture
def who(request: pytest.FixtureRequest) -> Isolated:
    """Whoever runs the tests, or a user without privileges."""
    found: Isolated = request.getfixturevalue(request.param)
    return found


as_both = pytest.mark.parametrize("who", ["isolated", "nobody"], indirect=True)


@as_both
async def test_claimed_names_lead_to_the_server_without_a_proxy(who: Isolated, https: FakeServer) -> None:
    program = FETCH + (
        "print([name for name in os.environ if 'proxy' in name.lower()], 'proxy' in os.environ['JAVA_TOOL_OPTIONS'])\n"
        "print(fetch('https://login.microsoftonline.com/x'))\n"
        "print(fetch('https://shop.vault.azure.net/x'))\n"
        f"print(fetch('https://login.microsoftonline.com:{https.port}/x'))\n"
        f"print(fetch('https://login.keyless.localhost:{https.port}/x'))\n"
    )
    assert (await who.alone(program)).splitlines() == ["[] False", *["hello from keyless"] * 4]


@as_both
async def test_tokens_come_through_the_identity_port(who: Isolated) -> None:
    assert await who.alone(ASK, "--host", "app-service") == "token-of-lease-1\n"


@as_both
async def test_the_metadata_service_is_where_everybody_looks_for_it(who: Isolated, https: FakeServer) -> None:
    program = (
        "import json, os, urllib.request\n"
        "url = 'http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=x'\n"
        "asked = urllib.request.Request(url, headers={'Metadata': 'true'})\n"
        "print(json.load(urllib.request.urlopen(asked, timeout=5))['access_token'])\n"
        "print([name for name in os.environ if 'IDENTITY' in name or 'MSI' in name])\n"
    )
    assert (await who.alone(program)).splitlines() == ["token-of-lease-1", "[]"]
    assert (https.openings[0]["host"], https.openings[0]["identity_port"]) == ("imds", 80)
    assert "\r\nHost: 169.254.169.254\r\n" in https.requests[0]


@as_both
async def test_key_files_of_azure_arc_are_in_a_folder_of_its_own(who: Isolated) -> None:
    before = Path("/var/opt/azcmagent").exists()
    program = (
        "import json, os, urllib.request, urllib.error\n"
        "def ask(**headers):\n"
        "    url = os.environ['IDENTITY_ENDPOINT'] + '?api-version=2020-06-01&resource=x'\n"
        "    asked = urllib.request.Request(url, headers={'Metadata': 'true', **headers})\n"
        "    return urllib.request.urlopen(asked, timeout=5)\n"
        "try: ask()\n"
        "except urllib.error.HTTPError as error: path = error.headers['WWW-Authenticate'].partition('realm=')[2]\n"
        "print(os.path.dirname(path), os.listdir(os.path.dirname(path)) == [os.path.basename(path)])\n"
        "print(sorted(os.listdir('/var/opt')), os.stat(path).st_uid == os.getuid(), oct(os.stat(path).st_mode))\n"
        "print(json.load(ask(Authorization='Basic ' + open(path).read()))['access_token'])\n"
        "print(os.listdir(os.path.dirname(path)))\n"
    )
    entries = sorted({*os.listdir("/var/opt"), "azcmagent"})
    assert (await who.alone(program, "--host", "arc")).splitlines() == [
        "/var/opt/azcmagent/tokens True",
        f"{entries} True 0o100400",
        "token-of-lease-1",
        "[]",
    ]
    assert Path("/var/opt/azcmagent").exists() == before


async def test_names_of_clouds_that_are_not_claimed_are_nobodys(isolated: Isolated) -> None:
    program = (
        "import socket\n"
        "print(socket.gethostbyname('shop.vault.keyless.localhost'))\n"
        "try: print(socket.gethostbyname('login.microsoftonline.com'))\n"
        "except OSError as error: print(type(error).__name__)\n"
    )
    assert (await isolated.alone(program, "--names", "own")).splitlines() == ["127.0.0.1", "gaierror"]


@as_both
async def test_the_program_is_the_same_user_and_has_no_privileges(who: Isolated) -> None:
    program = (
        "import json, os\n"
        "lines = dict(line.split(':\\t', 1) for line in open('/proc/self/status') if ':\\t' in line)\n"
        "print(json.dumps([os.getresuid(), os.getresgid(), *(lines[n].strip() for n in\n"
        "    ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs'))]))\n"
    )
    uids, gids, *capabilities, no_new = json.loads(await who.alone(program))
    assert (uids, gids) == ([who.uid] * 3, [who.uid if who.uid == NOBODY else os.getegid()] * 3)
    assert [int(found, 16) for found in capabilities] == [0] * 5
    assert no_new == "1"


LOOK = """
import os
def attempt(work):
    try: print(work())
    except OSError as error: print(type(error).__name__)
"""


@as_both
async def test_keyless_own_folders_are_hidden(who: Isolated) -> None:
    program = LOOK + (
        f"for folder in ({str(who.data)!r}, {str(who.config)!r}):\n"
        "    attempt(lambda: os.listdir(folder))\n"
        "    attempt(lambda: open(folder + '/new', 'w'))\n"
        "    attempt(lambda: os.chmod(folder, 0o700))\n"
    )
    assert (await who.alone(program)).splitlines() == ["[]", "OSError", "OSError"] * 2
    assert (who.config / "owner.key").read_text() == "the owner's"


@as_both
async def test_the_hidden_folders_cannot_be_uncovered(who: Isolated) -> None:
    data = str(who.data)
    program = f"""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    print(name, libc[name](*arguments), os.strerror(ctypes.get_errno()))
def uncover():
    call('umount2', {data!r}.encode(), 0)
    call('umount2', {data!r}.encode(), 2)
    call('mount', b'none', {data!r}.encode(), None, 0x20 | 0x1000, None)
    print(os.listdir({data!r}))
uncover()
uid, gid = os.getuid(), os.getgid()
# with all capabilities, in namespaces of its own making
made = libc.unshare(0x10000000 | 0x20000)
try:
    open('/proc/self/setgroups', 'w').write('deny')
    open('/proc/self/uid_map', 'w').write(f'0 {{uid}} 1')
    open('/proc/self/gid_map', 'w').write(f'0 {{gid}} 1')
except OSError: pass
print('nested', made, os.getuid())
uncover()
for number in (os.getppid(), {os.getpid()}, 1):
    for name in ('root', 'cwd'):
        try: print('found', os.listdir(f'/proc/{{number}}/{{name}}' + {data!r}))
        except OSError as error: print(error.strerror)
"""
    lines = (await who.alone(program)).splitlines()
    refused = ["umount2 -1 Operation not permitted"] * 2 + ["mount -1 Operation not permitted", "[]"]
    assert lines[:4] == refused
    if who.uid == NOBODY:
        assert lines[4] == "nested 0 0"  # it has made them, and is root in there
        assert lines[5:7] == ["umount2 -1 Invalid argument"] * 2  # the mounts are locked
        assert lines[8] == "[]"
    assert set(lines[9:]) == {"Permission denied"}
    assert not any("found" in line for line in lines)


async def test_the_program_has_no_descriptor_of_ours(isolated: Isolated) -> None:
    listing = "import os; print(sorted(int(f) for f in os.listdir('/proc/self/fd')))"
    assert await isolated.alone(listing, "--host", "arc") == "[0, 1, 2, 3]\n"  # 3 is the listing's own


async def test_a_current_folder_that_is_hidden_is_refused(isolated: Isolated) -> None:
    isolated.folder = str(isolated.data)
    code, out, err = await isolated.run("/bin/true", environ=ALONE)
    assert (code, out) == (1, "")
    assert err.endswith(f"keyless: The current folder {isolated.data} is hidden by --isolate: change to another one.\n")


async def test_the_current_folder_stays(isolated: Isolated, tmp_path: Path) -> None:
    isolated.folder = str(tmp_path)
    assert await isolated.alone("import os; print(os.getcwd())") == f"{tmp_path}\n"


async def test_the_machines_loopback_is_not_the_programs(isolated: Isolated, https: FakeServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        program = (
            f"import socket\ntry: socket.create_connection(('127.0.0.1', {port}), 5)\nexcept OSError as e: print(e)"
        )
        assert "refused" in await isolated.alone(program)


async def test_nobody_outside_reaches_the_programs_ports(isolated: Isolated) -> None:
    process = await isolated.launch(
        *(
            isolated.python_program,
            "-c",
            "import os, time\nprint(os.environ['IDENTITY_ENDPOINT'], flush=True)\ntime.sleep(60)",
        ),
        environ=ALONE,
        options=("--app", "shop", "--host", "app-service"),
    )
    assert process.stdout
    endpoint = (await process.stdout.readline()).decode()
    port = int(endpoint.partition("127.0.0.1:")[2].partition("/")[0])
    with socket.socket() as asking:
        assert asking.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("code", [0, 3])
async def test_the_exit_code_is_the_childs(isolated: Isolated, code: int) -> None:
    assert (await isolated.run("/bin/sh", "-c", f"exit {code}", environ=ALONE))[0] == code


async def test_a_signal_that_ends_the_child_ends_the_launcher(isolated: Isolated) -> None:
    assert (await isolated.run("/bin/sh", "-c", "kill -9 $$", environ=ALONE))[0] == -signal.SIGKILL


async def test_a_signal_to_the_launcher_reaches_the_child(isolated: Isolated) -> None:
    process = await isolated.launch(
        "/bin/sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do :; done", environ=ALONE
    )
    assert process.stdout
    assert await process.stdout.readline() == b"ready\n"
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 10) == 5


async def test_a_shell_can_stop_and_continue_it(isolated: Isolated) -> None:
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    process = await isolated.launch(isolated.python_program, "-c", program, environ=ALONE)
    assert process.stdout
    both = (process.pid, int(await process.stdout.readline()))
    process.send_signal(signal.SIGTSTP)
    await until(lambda: [state(pid) for pid in both] == ["T", "T"])
    process.send_signal(signal.SIGCONT)
    await until(lambda: "T" not in [state(pid) for pid in both])


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def test_a_command_that_is_not_there(isolated: Isolated) -> None:
    code, _, err = await isolated.run("no-such-command", environ=ALONE)
    assert (code, err) == (127, f"{SAID_ALONE}keyless: no-such-command: command not found\n")


def namespace_of(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return ""


def processes_in(namespace: str) -> list[int]:
    numbers = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return [number for number in numbers if namespace_of(number) == namespace and is_alive(number)]


@pytest.mark.parametrize("killed", ["launcher", "guard"])
async def test_killing_the_launcher_or_the_guard_leaves_nobody_in_the_namespaces(
    isolated: Isolated, killed: str
) -> None:
    script = (
        "setsid sleep 60 & echo $$ $PPID; exec sleep 60" if killed == "launcher" else "echo $$ $PPID; exec sleep 60"
    )
    process = await isolated.launch("/bin/sh", "-c", script)
    assert process.stdout
    child, guard = map(int, (await process.stdout.readline()).split())
    namespace = namespace_of(child)
    assert namespace != namespace_of(os.getpid())
    assert child in processes_in(namespace)
    os.kill(process.pid if killed == "launcher" else guard, signal.SIGKILL)
    await until(lambda: not processes_in(namespace))
    assert await asyncio.wait_for(process.wait(), 10) == -signal.SIGKILL


async def test_what_the_child_leaves_behind_has_no_way_out_any_more(isolated: Isolated) -> None:
    if not (shutil.which("pasta") or shutil.which("slirp4netns")):
        pytest.skip("needs pasta or slirp4netns")
    code, out, _ = await isolated.run("/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!")
    assert code == 0
    left = int(out)
    assert processes_in(namespace_of(left)) == [left]
    os.kill(left, signal.SIGKILL)


async def test_the_temporary_folder_is_removed(isolated: Isolated, tmp_path: Path) -> None:
    await isolated.run("/bin/true", environ={"TMPDIR": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []


# where namespaces cannot be had

AS_ROOT_WITHOUT = "echo 0 > /proc/sys/user/max_user_namespaces && exec"


async def test_root_does_without_a_user_namespace_where_none_can_be_had(isolated: Isolated) -> None:
    # root of a user namespace in which no more can be made
    isolated.around = ("unshare", "--user", "--map-root-user", "sh", "-c", f'{AS_ROOT_WITHOUT} "$0" "$@"')
    code, out, err = await isolated.run(
        *(
            isolated.python_program,
            "-c",
            FETCH + LOOK + "print(fetch('https://login.microsoftonline.com/x'))\n"
            f"attempt(lambda: os.listdir({str(isolated.data)!r}))\n"
            "print([line.split()[1] for line in open('/proc/self/status') if line.startswith(('CapEff', 'CapBnd'))])",
        ),
    )
    assert code == 0, err
    assert out.splitlines() == ["hello from keyless", "[]", f"{['0' * 16] * 2}"]


async def test_where_namespaces_cannot_be_had_it_says_what_to_do(isolated: Isolated, https: FakeServer) -> None:
    without = f'{AS_ROOT_WITHOUT} setpriv --bounding-set=-all --inh-caps=-all "$0" "$@"'
    isolated.around = ("unshare", "--user", "--map-root-user", "sh", "-c", without)
    code, out, err = await isolated.run("/bin/true")
    assert (code, out) == (1, "")
    assert err == (
        "keyless: The program cannot be isolated here ([Errno 1] Operation not permitted: 'unshare'): "
        "have an administrator run `sysctl user.max_user_namespaces=15000`, or leave --isolate out.\n"
    )
    assert https.granted == 0  # nothing was launched


async def test_elsewhere_than_on_linux_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys\nsys.platform = 'darwin'\n"
        "from keyless.launcher.isolation.namespaces import make_namespaces\n"
        "try: make_namespaces()\nexcept Exception as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "--isolate needs Linux: start the program without it, or on a machine with Linux.\n"

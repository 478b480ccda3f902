from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.launcher.conftest import Started
from tests.launcher.fake_server import CLIENT_ID, HEADER, KEY, TENANT, FakeServer

ASK = """
import time
from keyless import ManagedIdentityCredential
print(ManagedIdentityCredential().get_token('https://vault.azure.net/.default').token, flush=True)
"""


async def until(condition: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def entries(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


#: Waits until it is let go.
WAIT = """
import os, time
while not os.path.exists(DATA + '/go'): time.sleep(0.01)
os.unlink(DATA + '/go')
"""


def let_go(data: Path) -> None:
    (data / "go").touch()


async def test_the_child_gets_tokens_and_its_environment(server: FakeServer, keyless_run: Started) -> None:
    server.settings = {"COLOUR": "blue", "IDENTITY_HEADER": "mine", "SECRET": "from the vault"}
    program = f"import json, os\n{ASK}print(json.dumps(dict(os.environ)))"
    code, out, err = await keyless_run.python(program, environ={"COLOUR": "red", "AZURE_CLIENT_SECRET": "old"})
    assert (code, err) == (0, "")
    token, environ_line = out.splitlines()
    environ = json.loads(environ_line)
    assert token == "token-of-lease-1"
    assert (environ["COLOUR"], environ["SECRET"], environ["IDENTITY_HEADER"]) == ("blue", "from the vault", HEADER)
    assert (environ["AZURE_TENANT_ID"], environ["AZURE_CLIENT_ID"]) == (TENANT, CLIENT_ID)
    assert "AZURE_CLIENT_SECRET" not in environ
    opening = server.openings[0]
    assert opening["names"] == "clouds"
    assert environ["IDENTITY_ENDPOINT"] == f"http://127.0.0.1:{opening['identity_port']}/msi/token"
    assert "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net " in server.requests[0]


async def test_the_lease_ends_with_the_child(server: FakeServer, keyless_run: Started) -> None:
    await keyless_run.run("true")
    await until(lambda: not server.leases)
    assert server.granted == 1


@pytest.mark.parametrize("code", [0, 1, 3, 255])
async def test_the_exit_code_is_the_childs(keyless_run: Started, code: int) -> None:
    assert (await keyless_run.run("sh", "-c", f"exit {code}"))[0] == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGINT])
async def test_a_signal_that_ends_the_child_ends_the_launcher(keyless_run: Started, number: signal.Signals) -> None:
    assert (await keyless_run.run("sh", "-c", f"kill -{int(number)} $$"))[0] == -number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT, signal.SIGQUIT])
async def test_a_signal_to_the_launcher_reaches_the_child_once(keyless_run: Started, number: signal.Signals) -> None:
    program = (
        "import signal, time\n"
        "got = []\n"
        f"signal.signal({int(number)}, lambda n, f: got.append(n))\n"
        "print('ready', flush=True)\n"
        "while not got: time.sleep(0.01)\n"
        "time.sleep(0.2)\n"  # a second one would come now
        "print(got)\n"
    )
    process = await keyless_run.launch(sys.executable, "-c", program)
    assert process.stdout
    assert await process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    assert await asyncio.wait_for(process.stdout.read(), 30) == f"[{int(number)}]\n".encode()
    assert await process.wait() == 0


async def test_ignored_signals_stay_ignored(keyless_run: Started) -> None:
    program = "import signal; print(signal.getsignal(signal.SIGHUP).name, signal.getsignal(signal.SIGTERM).name)"
    inner = [sys.executable, "-m", "keyless", "run", "--app", "shop", "--data", str(keyless_run.data), "--"]
    outer = f"trap '' HUP; exec {' '.join(inner)} {sys.executable} -c '{program}'"
    code, out, _ = await keyless_run.run("sh", "-c", outer)
    assert (code, out) == (0, "SIG_IGN SIG_DFL\n")


async def test_no_signal_is_blocked_in_the_child_and_sigpipe_works(keyless_run: Started) -> None:
    code, out, _ = await keyless_run.run("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status")
    # 32 and 33 are glibc's own; GNU make leaves them ignored in what it starts
    masks = [int(line.split()[1], 16) & 0x7FFF_FFFF for line in out.splitlines()]
    assert (code, masks) == (0, [0, 0])


async def test_killing_the_launcher_kills_the_child_and_its_descendants(keyless_run: Started) -> None:
    program = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(1, b'orphan %d\\n' % os.getpid())
        time.sleep(60)
    os._exit(0)
os.wait()
os.write(1, f"child {os.getpid()} {os.getppid()} {os.environ['SSL_CERT_FILE']}\\n".encode())
time.sleep(60)
"""
    process = await keyless_run.launch(sys.executable, "-c", program)
    assert process.stdout
    lines = sorted([(await process.stdout.readline()).split() for _ in range(2)])
    child, guard, orphan, folder = (
        int(lines[0][1]),
        int(lines[0][2]),
        int(lines[1][1]),
        Path(lines[0][3].decode()).parent,
    )
    assert all(map(is_alive, (child, guard, orphan)))
    process.kill()
    await until(lambda: not any(map(is_alive, (child, guard, orphan))))
    assert not folder.exists()


async def test_killing_the_guard_kills_the_child_and_is_told_as_that(keyless_run: Started) -> None:
    process = await keyless_run.launch("sh", "-c", "echo $$ $PPID; exec sleep 60")
    assert process.stdout
    child, guard = map(int, (await process.stdout.readline()).split())
    os.kill(guard, signal.SIGKILL)
    assert await asyncio.wait_for(process.wait(), 10) == -signal.SIGKILL
    await until(lambda: not is_alive(child))


async def test_what_the_child_leaves_behind_goes_on(keyless_run: Started) -> None:
    code, out, _ = await keyless_run.run("sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!")
    assert code == 0
    assert is_alive(int(out))
    os.kill(int(out), signal.SIGKILL)


async def test_the_temporary_folder_is_private_and_removed(keyless_run: Started, tmp_path: Path) -> None:
    program = "import os; f = os.path.dirname(os.environ['SSL_CERT_FILE']); print(f, os.stat(f).st_mode)"
    code, out, _ = await keyless_run.python(program, environ={"TMPDIR": str(tmp_path)})
    folder, mode = out.split()
    assert code == 0
    assert Path(folder).parent == tmp_path
    assert stat.S_IMODE(int(mode)) == 0o700
    assert entries(tmp_path) == []
    process = await keyless_run.launch("sleep", "60", environ={"TMPDIR": str(tmp_path)})
    await until(lambda: list(tmp_path.glob("*/roots.jks")))
    process.terminate()
    assert await process.wait() == -signal.SIGTERM
    assert entries(tmp_path) == []


async def test_no_secret_is_in_any_argument_or_the_launchers_environment(
    server: FakeServer, keyless_run: Started
) -> None:
    server.settings = {"SETTING": "the-setting-secret"}
    process = await keyless_run.launch("sh", "-c", "echo $$ $PPID; exec sleep 60")
    assert process.stdout
    child, guard = map(int, (await process.stdout.readline()).split())
    for secret in (HEADER, KEY, "the-setting-secret"):
        for pid in (process.pid, guard, child):
            assert secret not in proc(pid, "cmdline")
        for pid in (process.pid, guard):
            assert secret not in proc(pid, "environ")
    assert KEY not in proc(child, "environ")
    assert HEADER in proc(child, "environ")


async def test_the_child_has_no_descriptor_of_ours_but_those_it_was_meant_to_have(keyless_run: Started) -> None:
    listing = "import os; print(sorted(int(f) for f in os.listdir('/proc/self/fd')))"
    bash = f"exec 7</dev/null; exec {sys.executable} -m keyless run --app shop --data {keyless_run.data} -- "
    code, out, _ = await keyless_run.run("bash", "-c", f'{bash} {sys.executable} -c "{listing}"')
    assert (code, json.loads(out)) == (0, [0, 1, 2, 3, 7])  # 3 is the listing's own


async def test_a_command_that_cannot_be_started(keyless_run: Started, tmp_path: Path) -> None:
    code, _, err = await keyless_run.run("no-such-command")
    assert (code, err) == (127, "keyless: no-such-command: command not found\n")
    (tmp_path / "data").write_text("no program")
    code, _, err = await keyless_run.run(str(tmp_path / "data"))
    assert (code, err) == (126, f"keyless: {tmp_path}/data: Permission denied\n")


async def test_the_servers_refusal_is_shown(keyless_run: Started) -> None:
    code, out, err = await keyless_run.run("true", options=("--app", "absent"))
    assert (code, out, err) == (1, "", "keyless: There is no app 'absent': create it first.\n")


async def test_without_a_server_it_says_how_to_start_one(server: FakeServer, keyless_run: Started) -> None:
    await server.stop()
    code, _, err = await keyless_run.run("true")
    expected = f"keyless is not running here (no socket at {server.data}/keyless.sock): start it with `keyless up`"
    assert (code, err) == (1, f"keyless: {expected}\n")
    await server.start()


@pytest.mark.parametrize("setting", [{"": "x"}, {"A=B": "x"}, {"A": "x\0y"}, {"A": "\ud800"}])
async def test_a_setting_that_no_environment_can_hold(
    server: FakeServer, keyless_run: Started, setting: dict[str, str]
) -> None:
    server.settings = setting
    code, _, err = await keyless_run.run("true")
    assert code == 1
    assert "cannot be an environment variable" in err


async def test_a_socket_with_a_long_path(server: FakeServer, keyless_run: Started, tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    (deep / "keyless.sock").symlink_to(server.data / "keyless.sock")
    keyless_run.data = deep
    assert (await keyless_run.python(ASK))[:2] == (0, "token-of-lease-1\n")


async def test_the_server_may_restart(server: FakeServer, keyless_run: Started) -> None:
    program = f"DATA = {str(server.data)!r}\n{WAIT}{ASK}{WAIT}{ASK}"
    process = await keyless_run.launch(sys.executable, "-c", program)
    await until(lambda: server.leases)
    first_port = server.openings[0]["identity_port"]
    await server.stop()
    let_go(server.data)
    await asyncio.sleep(0.3)
    await server.start()
    assert process.stdout
    assert await asyncio.wait_for(process.stdout.readline(), 15) == b"token-of-lease-1\n"
    resumed = [opening for opening in server.openings if opening.get("open") == "resume"]
    assert resumed == [{"open": "resume", "lease": "lease-1", "key": KEY, "identity_port": first_port}]
    let_go(server.data)
    out, err = await asyncio.wait_for(process.communicate(), 15)
    assert (process.returncode, out, err) == (0, b"token-of-lease-1\n", b"")
    assert server.granted == 1


async def test_a_lease_that_the_server_ends_is_over(server: FakeServer, keyless_run: Started) -> None:
    program = f"DATA = {str(server.data)!r}\n{WAIT}\ntry:\n    {ASK.strip().replace(chr(10), chr(10) + '    ')}\n"
    program += "except Exception as error: print(type(error).__name__, error)"
    process = await keyless_run.launch(sys.executable, "-c", program)
    await until(lambda: server.leases)
    await server.end_lease("the app was deleted")
    assert process.stderr
    assert await process.stderr.readline() == b"keyless: shop has lost its identity: the app was deleted\n"
    let_go(server.data)
    out, err = await process.communicate()
    assert out == b"TokenRefused This instance has lost its identity: the app was deleted\n"
    assert (process.returncode, err) == (0, b"")
    assert not [opening for opening in server.openings if opening.get("open") == "resume"]


async def test_a_lease_that_a_restarted_server_does_not_know_is_over(server: FakeServer, keyless_run: Started) -> None:
    process = await keyless_run.launch("sleep", "60")
    await until(lambda: server.leases)
    server.forget = True
    await server.stop()
    await server.start()
    assert process.stderr
    expected = b"keyless: shop has lost its identity: This lease is not known: start it again.\n"
    assert await process.stderr.readline() == expected
    process.terminate()
    assert await process.wait() == -signal.SIGTERM


async def test_twenty_instances_at_once(server: FakeServer, keyless_run: Started) -> None:
    runs = await asyncio.gather(*(keyless_run.python(ASK) for _ in range(20)))
    assert {code for code, _, _ in runs} == {0}
    assert {out for _, out, _ in runs} == {f"token-of-lease-{number}\n" for number in range(1, 21)}
    assert len({opening["identity_port"] for opening in server.openings if opening["open"] == "lease"}) == 20


async def test_own_names_only(server: FakeServer, keyless_run: Started) -> None:
    assert (await keyless_run.run("true", options=("--app", "shop", "--names", "own")))[0] == 0
    assert server.openings[0]["names"] == "own"


@pytest.mark.parametrize(
    "options", [(), ("--app", ""), ("--app", "shop", "--names", "all"), ("--app", "shop", "--colour", "x")]
)
async def test_wrong_usage(keyless_run: Started, options: tuple[str, ...]) -> None:
    code, _, err = await keyless_run.run("true", options=options)
    assert code == 2
    assert err.startswith("keyless: ")
    assert "usage: keyless run --app NAME" in err
    assert err.count("\n") == 1


async def test_what_the_child_said_last_still_goes_out(server: FakeServer, keyless_run: Started) -> None:
    received = asyncio.get_running_loop().create_future()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        total = 0
        while data := await reader.read(65536):
            total += len(data)
            await asyncio.sleep(0.001)
        received.set_result(total)
        writer.close()

    listening = await asyncio.start_server(slow, "127.0.0.1", 0)
    program = f"""
import os, socket
proxy = socket.create_connection(('127.0.0.1', int(os.environ['HTTPS_PROXY'].rpartition(':')[2])))
proxy.sendall(b'CONNECT 127.0.0.1:{listening.sockets[0].getsockname()[1]} HTTP/1.1\\r\\n\\r\\n')
proxy.recv(1000)
proxy.sendall(bytes(8_000_000))
"""
    assert await keyless_run.python(program) == (0, "", "")
    assert await asyncio.wait_for(received, 15) == 8_000_000
    listening.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_another_user_gets_nothing_from_either_port(server: FakeServer, keyless_run: Started) -> None:
    process = await keyless_run.launch("sh", "-c", "echo $IDENTITY_ENDPOINT $HTTPS_PROXY; exec sleep 60")
    assert process.stdout
    ports = re.findall(rb"127.0.0.1:(\d+)", await process.stdout.readline())
    for port in ports:
        request = (
            f"GET /msi/token?resource=r HTTP/1.1\\r\\nX-IDENTITY-HEADER: {HEADER}\\r\\nConnection: close\\r\\n\\r\\n"
        )
        script = f"exec 3<>/dev/tcp/127.0.0.1/{int(port)}; printf '{request}' >&3; cat <&3"
        for user, answered in ((os.geteuid(), True), (65534, False)):
            asking = await asyncio.create_subprocess_exec(
                *("bash", "-c", script), user=user, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
            )
            out, _ = await asyncio.wait_for(asking.communicate(), 20)
            assert out.startswith(b"HTTP/1.1 ") is answered
            assert bool(out) is answered
    assert len(ports) == 2
    assert len(server.requests) == 1


@pytest.mark.parametrize("option", [("--host", "toaster"), ("--fault", "flood")])
async def test_a_host_or_fault_that_is_not_there_is_told_with_those_that_are(
    server: FakeServer, keyless_run: Started, option: tuple[str, str]
) -> None:
    code, out, err = await keyless_run.run("true", options=("--app", "shop", *option))
    assert (code, out) == (2, "")
    assert f"{option[0]} is one of " in err
    assert repr(option[1]) in err
    assert not server.openings

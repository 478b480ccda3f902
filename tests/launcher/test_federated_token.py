"""The file of workload identity: whole at any moment, fresh, and gone with the instance."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from pathlib import Path

import pytest

from keyless.launcher import federated_token
from keyless.launcher.federated_token import keep_fresh
from keyless.launcher.keeper import Keeper
from keyless.launcher.lease import Wanted
from keyless.launcher.token_file import write_token
from keyless.launcher.unix_socket import take_lease
from keyless.model.paths import socket_path
from tests.launcher.conftest import Started
from tests.launcher.fake_server import FakeServer
from tests.launcher.test_run import until

OURS = os.geteuid(), os.getegid()


def test_a_file_is_replaced_and_never_written_to(tmp_path: Path) -> None:
    write_token(str(tmp_path), "first", OURS)
    file = tmp_path / "federated-token"
    with file.open() as opened:
        write_token(str(tmp_path), "second", OURS)
        assert opened.read() == "first"
    assert file.read_text() == "second"
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert [path.name for path in tmp_path.iterdir()] == ["federated-token"]
    (tmp_path / "federated-token.new").write_text("left by a crash")
    write_token(str(tmp_path), "third", OURS)
    assert file.read_text() == "third"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_file_is_the_programs_own(tmp_path: Path) -> None:
    write_token(str(tmp_path), "x", (65534, 65533))
    found = (tmp_path / "federated-token").stat()
    assert (found.st_uid, found.st_gid) == (65534, 65533)


async def test_it_is_kept_fresh_over_a_restart_until_the_lease_is_over(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(federated_token, "RENEW_SECONDS", 0.05)
    monkeypatch.setattr(federated_token, "RETRY_SECONDS", 0.05)
    lease, connection, rest = await asyncio.to_thread(take_lease, socket_path(server.data), Wanted("shop", "own"), 7)
    keeper = Keeper(lease, socket_path(server.data), 7, lambda message: None)
    keeping = asyncio.ensure_future(keeper.keep(connection, rest))
    renewing = asyncio.ensure_future(keep_fresh(keeper, lease, 7, str(tmp_path), OURS))
    file = tmp_path / "federated-token"

    def number() -> int:
        return int(file.read_text().removeprefix("assertion-")) if file.exists() else 0

    await until(lambda: number() >= 2)
    assert server.requests[0].startswith("GET /workload-identity/assertion HTTP/1.1\r\nHost: 127.0.0.1:7\r\n")
    await server.stop()
    last = number()
    await asyncio.sleep(0.2)
    assert number() in {last, last + 1}
    await server.start()
    await until(lambda: number() > last + 1)
    await server.end_lease("The app has been deleted.")
    await asyncio.wait_for(renewing, 10)
    keeping.cancel()


async def test_a_program_finds_the_file(server: FakeServer, keyless_run: Started) -> None:
    server.material = "the-first-assertion"
    program = "import os; f = os.environ['AZURE_FEDERATED_TOKEN_FILE']; print(f, open(f).read(), sorted(os.environ))"
    options = ("--app", "shop", "--host", "workload-identity")
    code, out, err = await keyless_run.run(sys.executable, "-c", program, options=options)
    assert (code, err) == (0, "")
    path, assertion, variables = out.split(maxsplit=2)
    assert assertion == "the-first-assertion"
    assert not os.path.exists(path)
    assert "IDENTITY_" not in variables
    assert "MSI_" not in variables

"""`keyless sql create --upstream` and `keyless sql login`, and what the resource manager takes for an upstream."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.providers.sql.harness import running_sql
from tests.providers.sql.relay.conftest import Relay
from tests.providers.sql.relay.upstream import PASSWORDS, UpstreamServer


def test_a_relay_from_the_command_line(relay: Relay, tmp_path: Path) -> None:
    server, upstream = relay.server, relay.upstream
    name, app, authority = f"sql-{uuid4().hex[:8]}", f"t{uuid4().hex[:8]}", tmp_path / "ca.pem"
    authority.write_text(upstream.authority)
    address = f"localhost:{upstream.port}"
    where = ("--database", "shop", "--upstream", address, "--upstream-ca", str(authority))
    made = server.keyless("sql", "create", name, *where)
    assert (made.returncode, f"upstream       {address}" in made.stdout) == (0, True), made.stderr
    relay.owner.app(app, relay.owner.identity(app)["id"])

    given = server.keyless(
        "sql", "login", "add", name, f"identity:{app}", "--user", "readers", input=PASSWORDS["readers"] + "\n"
    )
    assert given.stdout == f"principal  {app}\nuser       readers\nupstream   {address}\n", given.stderr
    program = ("-m", "keyless", "sql", "query", f"{name}/shop", "SELECT USER AS me")
    ran = server.keyless("run", "--app", app, "--", sys.executable, *program)
    assert ran.stdout == "me\nreaders\n", ran.stderr
    listed = server.keyless("sql", "login", "list", name).stdout
    assert listed.splitlines()[1].split() == [app, "readers", address]

    assert server.keyless("sql", "login", "remove", name, f"identity:{app}").returncode == 0
    again = server.keyless("sql", "login", "remove", name, f"identity:{app}")
    assert f"identity:{app} has no login there: `keyless sql login list {name}` shows all." in again.stderr
    refused = server.keyless("sql", "query", f"{name}/shop", "SELECT 1")
    assert "Msg 18456" in refused.stderr
    assert f"give it one with `keyless sql login add {name}`" in refused.stderr


def test_a_password_is_no_argument(relay: Relay) -> None:
    ran = relay.server.keyless("sql", "login", "add", relay.name, "owner", "s3cret", "--user", "sa", input="x")
    assert (ran.returncode, "s3cret" in ran.stderr) == (2, False)


def test_a_password_from_a_file_counts_as_it_is(relay: Relay, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORDS["readers"])
    ran = relay.server.keyless(
        "sql", "login", "add", relay.name, "owner", "--user", "readers", "--file", str(file), "-o", "json"
    )
    assert json.loads(ran.stdout)["properties"]["user"] == "readers"
    asked = relay.server.keyless("sql", "query", f"{relay.name}/{relay.database}", "SELECT USER AS me")
    assert asked.stdout == "me\nreaders\n", asked.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "a b"},
        {"host": "x/y"},
        {"port": 0},
        {"port": "1433"},
        {"encrypt": "no"},
        {"certificateAuthority": "no certificate"},
    ],
)
def test_what_is_no_upstream(relay: Relay, upstream: UpstreamServer, wrong: dict[str, object]) -> None:
    body = {"properties": {"upstream": {"host": "localhost"} | wrong}}
    answer = send(relay, "PUT", relay.id, body)
    assert (answer[0], answer[1]) == (400, "InvalidUpstream")
    assert relay.owner.arm("GET", relay.id)["properties"]["upstream"]["port"] == upstream.port


def test_a_server_is_a_relay_from_its_beginning_or_never(relay: Relay) -> None:
    path = f"{relay.id}x"
    relay.owner.arm("PUT", path, {"properties": {}})
    assert send(relay, "PUT", path, {"properties": {"upstream": {"host": "a"}}})[1] == "UpstreamCannotBeAdded"
    login = {"properties": {"user": "a", "password": "b"}}
    assert send(relay, "PUT", f"{path}/upstreamLogins/{relay.me}", login)[1] == "NoUpstream"
    # what is left out stays, and the administrator is changed for itself
    relay.owner.arm("PUT", relay.id, {"properties": {}})
    relay.owner.arm("DELETE", f"{relay.id}/administrators/ActiveDirectory")
    assert relay.owner.arm("GET", relay.id)["properties"]["upstream"]["host"] == "localhost"


@pytest.mark.parametrize("wrong", [{"user": ""}, {"password": ""}, {"user": "a\0b"}, {"password": "x" * 129}])
def test_what_is_no_login(relay: Relay, wrong: dict[str, str]) -> None:
    body = {"properties": {"user": "a", "password": "b"} | wrong}
    assert send(relay, "PUT", f"{relay.id}/upstreamLogins/{relay.me}", body)[:2] == (400, "InvalidLogin")
    assert send(relay, "PUT", f"{relay.id}/upstreamLogins/somebody", body)[:2] == (400, "InvalidResourceName")
    assert send(relay, "PATCH", f"{relay.id}/upstreamLogins/{relay.me}", {"properties": {"user": "b"}})[0] == 400


def send(relay: Relay, method: str, path: str, body: object) -> tuple[int, str]:
    """A request's status, and the code of its error."""
    token = relay.owner.token("https://management.azure.com")
    answer = relay.owner.send(method, "management", f"{path}?api-version=2023-08-01", token, json=body)
    return answer.status_code, answer.json().get("error", {}).get("code", "")


def test_a_relay_survives_a_power_cut_and_a_restore(upstream: UpstreamServer, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text(upstream.authority)
    where = ("--upstream", f"localhost:{upstream.port}", "--upstream-ca", str(authority))
    login = ("login", "add", "legacy", "owner", "--user", "readers")
    ask = ("sql", "query", "legacy/shop", "SELECT USER AS me")
    archive = tmp_path / "archive"
    with running_sql(tmp_path) as server:
        assert server.keyless("sql", "create", "legacy", "--database", "shop", *where).returncode == 0
        assert server.keyless("sql", *login, input=PASSWORDS["readers"]).returncode == 0
        server.kill()
        server.start()
        assert server.keyless(*ask).stdout == "me\nreaders\n"
        made = server.keyless("backup", str(archive))
        assert made.returncode == 0, made.stderr
        assert PASSWORDS["readers"].encode() not in archive.read_bytes()
        server.stop()
        shutil.rmtree(server.data)
        restored = server.keyless("restore", str(archive))
        assert restored.returncode == 0, restored.stderr
        server.start()
        assert server.keyless(*ask).stdout == "me\nreaders\n"

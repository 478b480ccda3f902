"""The relay over sockets: who becomes whom upstream, what passes through, and what ends a connection."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from uuid import uuid4

import pytest

from keyless.bootstrap.schema import AUDIT
from keyless.providers.sql.tds import packets
from keyless.providers.sql.tds.prelogin import Encryption
from tests.providers.sql.relay.conftest import Relay
from tests.providers.sql.relay.upstream import PASSWORDS, running_upstream
from tests.providers.sql.wire import HEADERS, Client, error_in, login7

DONE = b"\xfd"
ATTENTION_SEEN = DONE + bytes((0x20, 0)) + bytes(10)


def enter(relay: Relay, token: str = "", size: int = 0, database: str | None = None) -> tuple[Client, bytes]:
    client = Client(relay.port, relay.ca)
    wanted = relay.database if database is None else database
    body = login7(token=token or relay.token(), server=relay.host, database=wanted, size=size)
    return client, client.ask(packets.LOGIN7, body)


def entered(relay: Relay, token: str = "", size: int = 0) -> Client:
    client, answer = enter(relay, token, size)
    assert error_in(answer) == (0, "")
    return client


def refused(relay: Relay, token: str = "", database: str | None = None) -> tuple[int, str]:
    client, answer = enter(relay, token, database=database)
    with client:
        return error_in(answer)


def said(text: str) -> bytes:
    return text.encode("utf-16-le")


@pytest.mark.parametrize("encrypt", ["mandatory", "strict"])
def test_a_token_becomes_the_login_that_is_set_for_it(relay: Relay, encrypt: str) -> None:
    relay.lead(encrypt)
    with entered(relay) as client:
        assert said("app_rw") in client.batch("SELECT USER AS me")
    (asked,) = relay.upstream.asked
    assert (asked.server, asked.database, asked.application) == ("localhost", relay.database, "tests")
    assert 0x02 not in asked.features


def test_whoever_has_no_login_is_refused_and_nobody_goes_upstream(relay: Relay) -> None:
    _, principal, token = relay.resident()
    number, why = refused(relay, token)
    assert number == 18456
    assert f"It has no login at the upstream localhost:{relay.upstream.port}: give it one with `keyless sql" in why
    assert relay.upstream.asked == []
    kept = [line for line in (relay.server.data / AUDIT).read_text().splitlines() if principal in line]
    assert any("databases/connect" in line and '"denied"' in line for line in kept)


def test_a_groups_login_counts_after_ones_own_and_only_if_there_is_one(relay: Relay) -> None:
    _, principal, token = relay.resident()
    for already in range(2):
        name = f"g{uuid4().hex[:8]}"
        made = relay.server.keyless("principal", "create-group", name, "-o", "json")
        assert made.returncode == 0, made.stderr
        group = json.loads(made.stdout)["id"]
        added = relay.server.keyless("principal", "add-member", name, principal)
        assert added.returncode == 0, added.stderr
        relay.give(group, "readers")
        if not already:
            with entered(relay, token) as client:
                assert said("readers") in client.batch("SELECT USER AS me")
    assert "Several of its groups have a login" in refused(relay, token)[1]
    relay.give(principal, "app_rw")
    with entered(relay, token) as client:
        assert said("app_rw") in client.batch("SELECT USER AS me")


def test_a_database_has_to_be_there_on_both_sides(relay: Relay) -> None:
    assert refused(relay, database="nowhere")[0] == 4060
    relay.owner.arm("PUT", f"{relay.id}/databases/absent", {"properties": {}})
    assert refused(relay, database="absent") == (4060, 'Cannot open database "absent" requested by the login.')


def test_a_session_ends_with_its_identity(relay: Relay) -> None:
    identity, principal, token = relay.resident()
    relay.give(principal, "readers")
    with entered(relay, token) as client:
        assert error_in(client.batch("SELECT 1"))[0] == 0
        relay.owner.arm("DELETE", identity)
        number, why = error_in(client.batch("SELECT 1"))
        assert (number, "deleted" in why) == (18456, True)
        assert client.answer() == b""
    (session,) = relay.upstream.engine.sessions
    assert _soon(lambda: session.closed)


@pytest.mark.parametrize("change", ["removed", "changed", "led elsewhere", "database"])
def test_a_session_ends_with_its_login(relay: Relay, change: str) -> None:
    with entered(relay) as client:
        assert error_in(client.batch("SELECT 1"))[0] == 0
        match change:
            case "removed":
                relay.owner.arm("DELETE", f"{relay.id}/upstreamLogins/{relay.me}")
            case "changed":
                relay.give(relay.me, "readers")
            case "led elsewhere":
                relay.lead(port=1)
            case _:
                relay.owner.arm("DELETE", f"{relay.id}/databases/{relay.database}")
        number, why = error_in(client.batch("SELECT 1"))
        assert (number, why.startswith("The session is over.")) == (18456, True)
        assert client.answer() == b""


def test_a_login_counts_only_for_the_upstream_that_it_was_made_for(relay: Relay, tmp_path: Path) -> None:
    with running_upstream(tmp_path) as other:
        relay.lead(port=other.port, certificateAuthority=other.authority)
        assert "It has no login at the upstream" in refused(relay)[1]
        assert other.asked == []
        relay.give(relay.me, "app_rw")
        entered(relay).socket.close()
        assert len(other.asked) == 1


@pytest.mark.parametrize("size", [512, 4096, 32_767])
def test_packets_have_the_size_that_client_and_upstream_agree_upon(relay: Relay, size: int) -> None:
    with entered(relay, size=size) as client:
        text = "SELECT N'" + "x" * 3000 + "' AS x"
        client.socket.sendall(packets.message(packets.SQL_BATCH, HEADERS + said(text), size))
        head = client._exactly(8)
        assert int.from_bytes(head[2:4], "big") <= size
        client._exactly(int.from_bytes(head[2:4], "big") - 8)


def test_transactions_reset_and_errors_pass_through(relay: Relay) -> None:
    with entered(relay) as client:
        assert b"\xe3" in client.batch("BEGIN TRAN")
        assert error_in(client.batch("FAIL 2627 14")) == (2627, "Error 2627.")
        body = HEADERS + said("SELECT @@TRANCOUNT AS n")
        packet = bytearray(packets.message(packets.SQL_BATCH, body))
        packet[1] |= 0x08
        client.socket.sendall(packet)
        assert b"\xe3\x03\x00\x12\x00\x00" in client.answer()
        (session,) = relay.upstream.engine.sessions
        assert (session.resets, session.transaction) == (1, 0)


def test_an_attention_passes_through(relay: Relay) -> None:
    with entered(relay) as client:
        client.send(packets.SQL_BATCH, HEADERS + said("WAIT"))
        time.sleep(0.1)
        client.send(packets.ATTENTION, b"")
        assert client.answer() == DONE + bytes((0x02, 0)) + bytes(10)
        assert client.answer() == ATTENTION_SEEN
        assert error_in(client.batch("SELECT 1"))[0] == 0


@pytest.mark.parametrize("kind", [packets.LOGIN7, packets.PRELOGIN, packets.SSPI, packets.REPLY])
def test_nothing_but_requests_goes_upstream(relay: Relay, kind: int) -> None:
    with entered(relay) as client:
        body = login7(user="sa", server="localhost") if kind == packets.LOGIN7 else b"\xff"
        assert client.ask(kind, body) == b""
    assert len(relay.upstream.asked) == 1


def test_each_side_ends_with_the_other(relay: Relay) -> None:
    client = entered(relay)
    (session,) = relay.upstream.engine.sessions
    client.socket.close()
    assert _soon(lambda: session.closed)
    with entered(relay) as client:
        assert error_in(client.batch("FAIL 596 21"))[0] == 596  # the upstream ends its session with that
        assert client.answer() == b""


def test_a_session_whose_client_goes_during_its_welcome_is_closed(relay: Relay) -> None:
    relay.upstream.gone = True
    assert refused(relay)[0] == 40613
    (session,) = relay.upstream.engine.sessions
    assert _soon(lambda: session.closed)


def test_a_client_that_stops_reading_holds_up_nobody(relay: Relay) -> None:
    def resident_kib() -> int:
        assert relay.server.process
        status = Path(f"/proc/{relay.server.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    with entered(relay) as slow, entered(relay) as other:
        before = resident_kib()
        slow.send(packets.SQL_BATCH, HEADERS + said("ROWS 5000000"))
        time.sleep(1)
        assert resident_kib() - before < 16 * 1024
        assert error_in(other.batch("SELECT 1"))[0] == 0


def test_a_wrong_password_upstream_is_told_to_who_can_mend_it(relay: Relay) -> None:
    relay.give(relay.me, "app_rw", "wrong")
    number, why = refused(relay)
    assert number == 18456
    assert "refused its login 'app_rw': set the password again with `keyless sql login add" in why


def test_an_upstream_that_is_not_there(relay: Relay) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        relay.lead(port=nobody.getsockname()[1])
        relay.give(relay.me, "app_rw")
        number, why = refused(relay)
    assert (number, "cannot be reached" in why) == (40613, True), why


def test_an_upstream_whose_certificate_is_not_to_be_trusted(relay: Relay, tmp_path: Path) -> None:
    for changed in ({"certificateAuthority": ""}, {"host": "127.0.0.1"}):
        relay.lead(**changed)
        relay.give(relay.me, "app_rw")
        number, why = refused(relay)
        assert (number, "is not to be trusted" in why) == (18456, True), why
    assert relay.upstream.asked == []


@pytest.mark.parametrize("says", [Encryption.OFF, Encryption.NOT_SUPPORTED])
def test_an_upstream_that_does_not_encrypt_gets_no_password(relay: Relay, says: Encryption) -> None:
    relay.upstream.says = says
    number, why = refused(relay)
    assert (number, "does not speak SQL Server's protocol over TLS" in why) == (40613, True), why
    assert relay.upstream.asked == []


def test_an_upstream_that_sends_its_clients_on_is_followed(relay: Relay, tmp_path: Path) -> None:
    with running_upstream(tmp_path) as node:
        relay.lead(certificateAuthority=node.authority + relay.upstream.authority)
        relay.upstream.route = ("localhost", node.port)
        entered(relay).socket.close()
        assert (len(relay.upstream.asked), len(node.asked)) == (1, 1)
        node.route = ("localhost", relay.upstream.port)
        assert "sends its clients on without end" in refused(relay)[1]


def test_the_password_is_nowhere(relay: Relay) -> None:
    entered(relay).socket.close()
    path = f"{relay.id}/upstreamLogins"
    for answer in (relay.owner.arm("GET", path), relay.owner.arm("GET", f"{path}/{relay.me}")):
        assert "app_rw" in str(answer)
        assert "sealed" not in str(answer)
    secrets = [PASSWORDS["app_rw"].encode(coding) for coding in ("utf-8", "utf-16-le")]
    files = [*relay.server.data.rglob("*"), relay.server.log]
    for file in (one for one in files if one.is_file()):
        assert not any(secret in file.read_bytes() for secret in secrets), file


def _soon(held: object) -> bool:
    assert callable(held)
    for _ in range(100):
        if held():
            return True
        time.sleep(0.05)
    return False

"""The gateway over sockets, with bytes of our own: who gets in, what is answered, and what ends a connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import sys
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from keyless.bootstrap.schema import AUDIT
from keyless.providers.sql.tds import packets
from keyless.providers.sql.types import Kind, SqlType
from tests.providers.sql.harness import SQL, SqlPlace, SqlServerProcess, make_place
from tests.providers.sql.wire import HEADERS, PRELOGIN, Client, error_in, login7, rpc

DONE = b"\xfd"
ATTENTION_SEEN = DONE + bytes((0x20, 0)) + bytes(10)


def enter(place: SqlPlace, **said: str) -> tuple[Client, bytes]:
    client = Client(place.port, place.ca)
    given = {"token": place.token(), "server": place.host, "database": place.database} | said
    return client, client.ask(packets.LOGIN7, login7(**given))  # type: ignore[arg-type]


def entered(place: SqlPlace) -> Client:
    client, answer = enter(place)
    assert error_in(answer) == (0, "")
    return client


def refused(place: SqlPlace, **said: str) -> tuple[int, str]:
    client, answer = enter(place, **said)
    with client:
        return error_in(answer)


def resident(place: SqlPlace, name: str) -> tuple[str, str]:
    """An identity's resource ID, and a token of it for SQL, from an app that has it."""
    identity = place.owner.identity(name)
    place.owner.app(name, identity["id"])
    program = (
        "import sys, keyless; print(keyless.ManagedIdentityCredential(client_id=sys.argv[1])"
        f".get_token('{SQL}/.default').token)"
    )
    ran = place.server.keyless("run", "--app", name, "--", sys.executable, "-c", program, str(identity["clientId"]))
    assert ran.returncode == 0, ran.stderr
    return str(identity["id"]), ran.stdout.strip()


def test_a_token_opens_a_session(place: SqlPlace) -> None:
    with entered(place) as client:
        assert client.protocol == "tds/8.0"
        assert "Käse".encode("utf-16-le") in client.batch("SELECT id, name, price FROM products")


def test_a_client_that_asks_is_told_where_to_go(place: SqlPlace) -> None:
    for server, login in (
        (place.host, f"https://login.{place.server.instance.domain}:{place.server.port}/"),
        (f"{place.name}.database.windows.net", "https://login.microsoftonline.com/"),
        (f"{place.name}.database.chinacloudapi.cn", "https://login.chinacloudapi.cn/"),
    ):
        with Client(place.port, place.ca) as client:
            told = client.ask(packets.LOGIN7, login7(workflow=3, server=server, database=place.database))
            assert told[0] == 0xEE
            assert f"{login}{place.server.instance.tenant}".encode("utf-16-le") in told
            token = place.token().encode("utf-16-le") + bytes(2)
            body = len(token).to_bytes(4, "little") + token
            assert error_in(client.ask(packets.FEDAUTH_TOKEN, len(body).to_bytes(4, "little") + body)) == (0, "")


def test_a_password_is_refused_with_what_to_do_instead(place: SqlPlace) -> None:
    number, said = refused(place, token="", user="sa")
    assert number == 18456
    assert said.startswith("Login failed for user 'sa'. There are no passwords here: connect with an access token")


@pytest.mark.parametrize(
    ("said", "number", "words"),
    [
        ({"token": "x.y.z"}, 18456, "Login failed for user '<token-identified principal>'."),
        ({"database": "absent"}, 4060, 'Cannot open database "absent" requested by the login.'),
        ({"server": "absent.database.windows.net"}, 40532, 'Cannot open server "absent.database.windows.net"'),
        ({"server": "example.com"}, 40532, 'Cannot open server "example.com"'),
    ],
    ids=["token", "database", "server", "foreign"],
)
def test_who_and_what_is_not_there_is_refused(place: SqlPlace, said: dict[str, str], number: int, words: str) -> None:
    found = refused(place, **said)
    assert (found[0], words in found[1]) == (number, True), found


def test_a_stranger_learns_nothing_of_what_is_there(place: SqlPlace) -> None:
    there, absent = refused(place, token="x.y.z"), refused(place, token="x.y.z", database="absent")
    assert there == absent


def test_a_token_for_something_else_is_refused(place: SqlPlace) -> None:
    number, said = refused(place, token=place.owner.token("https://vault.azure.net"))
    assert number == 18456
    assert "another resource" in said


def test_somebody_without_a_user_is_refused_and_the_denial_is_kept(place: SqlPlace) -> None:
    _, token = resident(place, f"stranger-{uuid4().hex[:6]}")
    assert refused(place, token=token)[0] == 18456
    kept = [line for line in (place.server.data / AUDIT).read_text().splitlines() if place.database in line]
    assert any("databases/connect" in line and '"denied"' in line for line in kept)


def test_a_session_ends_with_its_identity(place: SqlPlace) -> None:
    identity, token = resident(place, f"t{uuid4().hex[:8]}")
    client, answer = enter(place, token=token)
    with client:
        assert error_in(answer) == (0, "")
        assert error_in(client.batch("SELECT 1"))[0] == 0
        place.owner.arm("DELETE", identity)
        number, said = error_in(client.batch("SELECT 1"))
        assert (number, "deleted" in said) == (18456, True)
        assert client.answer() == b""


def test_a_session_ends_with_its_database_and_a_new_one_is_another(place: SqlPlace) -> None:
    with entered(place) as client:
        path = f"{place.id}/databases/{place.database}"
        place.owner.arm("DELETE", path)
        place.owner.arm("PUT", path, {"properties": {}})
        assert error_in(client.batch("SELECT 1"))[0] == 18456
    entered(place).socket.close()


def test_a_session_ends_when_its_administrator_is_one_no_more(place: SqlPlace) -> None:
    with entered(place) as client:
        place.owner.arm("DELETE", f"{place.id}/administrators/ActiveDirectory")
        assert error_in(client.batch("SELECT 1"))[0] == 18456


def test_what_drivers_call_by_name(place: SqlPlace) -> None:
    text = SqlType(Kind.NVARCHAR, 200)
    with entered(place) as client:
        made = client.ask(
            packets.RPC, rpc("sp_executesql", ("", text, "SELECT @a AS a"), ("", text, "@a int"), ("@a", text, "41"))
        )
        assert b"\xd1\x04" + (41).to_bytes(4, "little") in made
        table = (("@n", SqlType(Kind.INT), 0),)
        assert error_in(client.ask(packets.RPC, rpc("sp_absent", *table)))[0] == 2812
        assert error_in(client.ask(packets.RPC, rpc("sp_execute", ("", SqlType(Kind.INT), 99))))[0] == 8179
        assert error_in(client.ask(packets.RPC, rpc("sp_cursoropen", *table)))[0] == 16902
        described = client.ask(
            packets.RPC, rpc("sys.sp_describe_first_result_set", ("@tsql", text, "SELECT id FROM products"))
        )
        assert "decimal(10,2)".encode("utf-16-le") in described
        assert error_in(client.batch("SELECT 1"))[0] == 0


@pytest.mark.parametrize(("work", "told"), [(7, 9), (8, 10)], ids=["commit", "rollback"])
def test_how_a_transaction_ended_is_told(place: SqlPlace, work: int, told: int) -> None:
    with entered(place) as client:
        began = client.ask(packets.TRANSACTION, HEADERS + struct.pack("<HBB", 5, 0, 0))
        assert bytes((0xE3, 11, 0, 8, 8)) in began
        ended = client.ask(packets.TRANSACTION, HEADERS + struct.pack("<HBB", work, 0, 0))
        assert bytes((0xE3, 11, 0, told, 0, 8)) in ended


def test_an_attention_is_answered_in_a_message_of_its_own(place: SqlPlace) -> None:
    with entered(place) as client:
        client.send(packets.SQL_BATCH, HEADERS + "WAIT".encode("utf-16-le"))
        time.sleep(0.1)
        client.send(packets.ATTENTION, b"")
        assert client.answer() == DONE + bytes((0x02, 0)) + bytes(10)
        assert client.answer() == ATTENTION_SEEN
        assert error_in(client.batch("SELECT 1"))[0] == 0
        assert client.ask(packets.ATTENTION, b"") == ATTENTION_SEEN


def test_a_client_that_stops_reading_holds_up_nobody(place: SqlPlace, sql_server: SqlServerProcess) -> None:
    def resident_kib() -> int:
        assert sql_server.process
        status = Path(f"/proc/{sql_server.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    with entered(place) as slow, entered(place) as other:
        before = resident_kib()
        slow.send(packets.SQL_BATCH, HEADERS + "ROWS 5000000".encode("utf-16-le"))
        time.sleep(1)
        assert resident_kib() - before < 32 * 1024
        assert error_in(other.batch("SELECT 1"))[0] == 0


@pytest.mark.parametrize(
    "body", [b"\xff" * 40, HEADERS + b"\x01", b"\x00\x00\x00\x00", b"\x04\x00"], ids=["noise", "odd", "empty", "short"]
)
def test_what_is_no_request_ends_the_session_with_a_word(place: SqlPlace, body: bytes) -> None:
    with entered(place) as client:
        assert error_in(client.ask(packets.SQL_BATCH, body))[0] == 4002
        assert client.answer() == b""


def test_strangers_cannot_send_much(place: SqlPlace) -> None:
    with Client(place.port, place.ca) as client, contextlib.suppress(OSError):
        packet = bytes((packets.LOGIN7, 0)) + (4096).to_bytes(2, "big") + bytes(4) + bytes(4088)
        for _ in range(60):
            client.socket.sendall(packet)
        assert client.answer() == b""


def test_many_connections_that_say_nothing_do_no_harm(place: SqlPlace) -> None:
    held = []
    for start in (
        b"",
        b"\x16\x03\x01",
        PRELOGIN[:5],
        packets.message(packets.PRELOGIN, PRELOGIN),
        b"GET / HTTP/1.1\r\n",
    ):
        for _ in range(40):
            one = socket.create_connection(("127.0.0.1", place.port))
            one.sendall(start)
            held.append(one)
    with entered(place) as client:
        assert error_in(client.batch("SELECT 1"))[0] == 0
    for one in held:
        one.close()


def test_tls_within_packets_ends_at_1_2_and_never_goes_on_in_the_clear(place: SqlPlace) -> None:
    with socket.create_connection(("127.0.0.1", place.port), timeout=10) as plain:
        clear = bytes((1, 0, 6, 0, 1, 0xFF, 2))
        plain.sendall(packets.message(packets.PRELOGIN, clear))
        answer = b""
        while part := plain.recv(4096):
            answer += part
        assert answer[0] == packets.REPLY
    context = ssl.create_default_context(cafile=place.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", place.port), timeout=10) as plain:
        plain.sendall(packets.message(packets.PRELOGIN, PRELOGIN))
        plain.recv(4096)
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        plain.sendall(packets.message(packets.PRELOGIN, outgoing.read()))
        assert packets.REPLY not in plain.recv(4096)[:1]


def test_a_server_is_one_of_entra_alone(place: SqlPlace) -> None:
    def put(properties: dict[str, object], name: str = place.name) -> httpx.Response:
        path = f"{place.owner.group}/providers/Microsoft.Sql/servers/{name}?api-version=2023-08-01"
        token = place.owner.token("https://management.azure.com")
        return place.owner.send("PUT", "management", path, token, json={"properties": properties})

    refusal = put({"administratorLogin": "sa", "administratorLoginPassword": "x"})
    assert (refusal.status_code, "There are no SQL logins here" in refusal.text) == (400, True)
    assert put({"administrators": {"login": "x", "sid": "none"}}).status_code == 400
    assert put({}, "Not-A-Name").status_code == 400
    shown = put({}).json()["properties"]
    assert shown["administrators"]["sid"] == place.server.instance.owner.principal_id
    assert shown["fullyQualifiedDomainName"] == place.host


def test_databases_are_listed_by_their_server(place: SqlPlace) -> None:
    other = make_place(place.owner, place.server)
    listed = place.owner.arm("GET", f"{place.id}/databases")["value"]
    assert [one["name"] for one in listed] == [place.database]
    assert other.database != place.database


def test_this_machines_name_stands_for_the_only_server_with_that_database(place: SqlPlace) -> None:
    client, answer = enter(place, server="localhost,1433")
    client.socket.close()
    assert error_in(answer) == (0, "")
    other = make_place(place.owner, place.server)
    place.owner.arm("PUT", f"{other.id}/databases/{place.database}", {"properties": {}})
    assert refused(place, server="localhost")[0] == 40532

"""Service Fabric's endpoint: TLS that ends at the launcher, with the lease's own certificate."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from keyless.launcher import relay
from keyless.launcher.pem import certificates
from keyless.launcher.pinned_tls import server_context, thumbprint
from keyless.launcher.relay import Endpoint, Port
from keyless.model.secretstr import SecretStr
from tests.launcher.conftest import Started
from tests.launcher.fake_server import HEADER, FakeServer, TestAuthority


def test_a_thumbprint_is_of_the_certificate(authority: TestAuthority) -> None:
    material = authority.leaf("127.0.0.1")
    expected = hashlib.sha1(certificates(material)[0]).hexdigest().upper()
    assert thumbprint(SecretStr(material)) == expected
    assert len(expected) == 40


def test_the_key_is_in_no_file_afterwards(authority: TestAuthority, tmp_path: Path) -> None:
    server_context(SecretStr(authority.leaf("127.0.0.1")), str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ssl.SSLError):
        server_context(SecretStr("no certificate"), str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@dataclass
class Echo:
    """A port that speaks TLS and says back what it is told."""

    port: int
    trust: ssl.SSLContext
    gate: Port
    admitted: list[bool]


@pytest.fixture
async def echo(authority: TestAuthority, tmp_path: Path) -> Echo:
    context = server_context(SecretStr(authority.leaf("127.0.0.1")), str(tmp_path))
    listening = socket.create_server(("127.0.0.1", 0))

    async def handle(client: Endpoint) -> None:
        head = await client.read_head()
        client.answer(b"you said " + head)

    admitted = [True]
    gate = Port(listening, handle, admit=lambda _: admitted[0], limit=5, tls=context)
    await gate.open()
    return Echo(listening.getsockname()[1], ssl.create_default_context(cadata=authority.pem), gate, admitted)


async def ask(echo: Echo) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", echo.port, ssl=echo.trust)
    writer.write(b"hello\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


async def empty(gate: Port) -> None:
    for _ in range(200):
        if not gate._handling:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{len(gate._handling)} connections are still handled")


async def test_a_client_that_checks_the_name_is_answered(echo: Echo) -> None:
    for _ in range(3):
        assert await ask(echo) == b"you said hello\r\n\r\n"
    await empty(echo.gate)


async def test_a_client_that_sends_at_once_loses_nothing(echo: Echo) -> None:
    assert await asyncio.gather(*(ask(echo) for _ in range(5))) == [b"you said hello\r\n\r\n"] * 5


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"", b"\0" * 100_000])
async def test_who_speaks_no_tls_is_let_go(echo: Echo, said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "HANDSHAKE_SECONDS", 0.5)
    _, writer = await asyncio.open_connection("127.0.0.1", echo.port)
    writer.write(said)
    if said:
        await empty(echo.gate)
    writer.close()
    await empty(echo.gate)
    assert (await ask(echo)).startswith(b"you said")


async def test_who_is_not_admitted_meets_no_handshake(echo: Echo) -> None:
    echo.admitted[0] = False
    with pytest.raises((ConnectionError, ssl.SSLError)):
        await ask(echo)
    echo.admitted[0] = True
    assert (await ask(echo)).startswith(b"you said")


PROGRAM = f"""
import hashlib, http.client, os, ssl, urllib.parse
url = os.environ["IDENTITY_ENDPOINT"]
context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
parts = urllib.parse.urlsplit(url)
connection = http.client.HTTPSConnection(parts.hostname, parts.port, context=context)
connection.request("GET", parts.path + "?resource=r", headers={{"X-IDENTITY-HEADER": {HEADER!r}}})
shown = hashlib.sha1(connection.sock.getpeercert(binary_form=True)).hexdigest().upper()
print(connection.getresponse().read().decode(), shown == os.environ["IDENTITY_SERVER_THUMBPRINT"])
"""


async def test_a_program_finds_an_endpoint_that_it_can_check(server: FakeServer, keyless_run: Started) -> None:
    server.material = server.ca.leaf("localhost", "127.0.0.1")
    options = ("--app", "shop", "--host", "service-fabric")
    code, out, err = await keyless_run.run(sys.executable, "-c", PROGRAM, options=options)
    assert (code, err) == (0, "")
    assert "token-of-lease-1" in out
    assert out.split()[-1] == "True"
    assert server.requests[0].startswith("GET /metadata/identity/oauth2/token?resource=r ")

"""The real server on the wire: hostile heads, slow clients, names that nobody has."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from pathlib import Path

import pytest

from keyless.http import http1
from keyless.http.head import MAX_PATH
from keyless.http.hosts import Hosts
from keyless.http.message import Request, Response
from keyless.http.server import HttpServer
from tests.harness import ARM, Owner, RunningServer

HOST = b"Host: management.keyless.localhost\r\n"


def wire(server: RunningServer, data: bytes, *, name: str = "management.keyless.localhost") -> bytes:
    """Send bytes over TLS; all that comes back until the server closes or is silent."""
    context = ssl.create_default_context(cafile=str(server.data / "tls" / "own-ca.pem"))
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=name) as connection,
    ):
        received = b""
        try:
            connection.sendall(data)
            connection.settimeout(2)
            while chunk := connection.recv(65_536):
                received += chunk
                if b"\r\n\r\n" in received and b"connection: close" not in received:
                    break
        except (TimeoutError, ConnectionError, ssl.SSLError):
            pass
        return received


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: 1\r\n" * 200 + b"\r\n",
        b"GET /" + b"x" * (MAX_PATH + 1) + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET \xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n",
    ],
)
def test_a_head_that_makes_no_sense_is_400_and_the_server_goes_on(
    server: RunningServer, owner: Owner, data: bytes
) -> None:
    answer = wire(server, data)
    assert answer.startswith(b"HTTP/1.1 400"), answer[:200]
    assert b"Traceback" not in answer
    assert owner.send("GET", "management", "/subscriptions", owner.token(ARM)).status_code == 200


def test_a_head_without_end_is_cut_off(server: RunningServer) -> None:
    begin = b"GET / HTTP/1.1\r\n" + HOST
    for endless in (begin + b"X: " + b"x" * 400_000, begin + b"X: 1\r\n" * 80_000, b"GET /" + b"x" * 400_000):
        answer = wire(server, endless)
        assert answer == b"" or answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")), answer[:100]


def test_a_large_body_behind_a_small_head_is_no_large_head(server: RunningServer, owner: Owner) -> None:
    body = b'{"tags": {"a": "' + b"x" * 300_000 + b'"}}'
    path = f"{owner.group}/providers/Microsoft.Web/sites/large"
    head = (
        f"PUT {path}?api-version=1 HTTP/1.1\r\nHost: management.keyless.localhost\r\n"
        f"Authorization: Bearer {owner.token(ARM)}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode()
    assert wire(server, head + body).startswith(b"HTTP/1.1 201")


def test_requests_in_one_piece_are_answered_one_after_the_other(server: RunningServer) -> None:
    one = b"GET /metadata/endpoints HTTP/1.1\r\n" + HOST + b"\r\n"
    last = b"GET /metadata/endpoints HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    context = ssl.create_default_context(cafile=str(server.data / "tls" / "own-ca.pem"))
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="management.keyless.localhost") as connection,
    ):
        connection.sendall(one * 4 + last)
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
    assert received.count(b"HTTP/1.1 200 OK") == 5


def test_a_name_that_nobody_has_is_404(server: RunningServer, owner: Owner) -> None:
    for host in ("portal.keyless.localhost", "example.com", "localhost", "vault.azure.net"):
        answer = owner.send("GET", "management", "/", owner.token(ARM), headers={"Host": host})
        assert answer.status_code == 404
        assert host in answer.text


def test_every_answer_has_its_request_id(owner: Owner) -> None:
    found = {owner.send("GET", "management", "/x").headers["x-ms-request-id"] for _ in range(3)}
    assert len(found) == 3
    answer = owner.send("GET", "management", "/x", headers={"x-ms-correlation-request-id": "mine-1"})
    assert answer.headers["x-ms-correlation-request-id"] == "mine-1"
    assert "server" not in answer.headers


def test_plain_http_is_not_served(server: RunningServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        connection.settimeout(3)
        try:
            answer = connection.recv(1000)
        except ConnectionError:
            answer = b""
    assert b"HTTP/1.1" not in answer


# a server of the test's own, with short limits


async def _nobody(_request: Request) -> Response:
    raise AssertionError("no request ever gets this far")


@pytest.mark.parametrize("begin", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_client_that_dawdles_is_cut_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, begin: bytes) -> None:
    monkeypatch.setattr(http1, "HEAD_SECONDS", 0.2)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    one = HttpServer(_nobody, Hosts("keyless.localhost"), lambda: "id", context)
    from keyless.model.app import Lease
    from keyless.model.resource_id import ROOT

    path = tmp_path / "sock"
    listening = await asyncio.get_running_loop().create_unix_server(
        lambda: one.protocol(Lease("l", ROOT, "", "", 1)), str(path)
    )
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(begin)
    started = time.monotonic()
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    assert time.monotonic() - started < 3
    writer.close()
    listening.close()

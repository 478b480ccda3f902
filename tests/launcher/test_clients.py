"""Real clients, started by `keyless run`: they find the server, trust it, and still see the world."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.launcher.conftest import Started
from tests.launcher.fake_server import FakeServer, TestAuthority, answer_http

PYTHON = """
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())
"""
REQUESTS = "import sys, requests; print(requests.get(sys.argv[1], timeout=10).text)"
NODE = """
const url = new URL(process.argv[1]), proxy = new URL(process.env.HTTPS_PROXY);
const request = require('http').request({host: proxy.hostname, port: proxy.port, method: 'CONNECT',
    path: `${url.hostname}:${url.port || 443}`});
request.on('connect', (response, socket) => {
    const tunnel = require('tls').connect({socket, servername: url.hostname}, () =>
        tunnel.write(`GET / HTTP/1.1\\r\\nHost: ${url.host}\\r\\nConnection: close\\r\\n\\r\\n`));
    let all = '';
    tunnel.on('data', piece => { all += piece; });
    tunnel.on('end', () => console.log(all.split('\\r\\n\\r\\n')[1]));
});
request.end();
"""
JAVA = """
public class Ask {
    public static void main(String[] arguments) throws Exception {
        try (var stream = new java.net.URL(arguments[0]).openStream()) {
            System.out.println(new String(stream.readAllBytes()));
        }
        var identity = java.net.URI.create(System.getenv("IDENTITY_ENDPOINT") + "?resource=r");
        var request = java.net.http.HttpRequest.newBuilder(identity)
            .header("X-IDENTITY-HEADER", System.getenv("IDENTITY_HEADER")).build();
        var handler = java.net.http.HttpResponse.BodyHandlers.ofString();
        System.out.println(java.net.http.HttpClient.newHttpClient().send(request, handler).body());
    }
}
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[int, Path]]:
    """A host that is none of ours, on HTTPS, and the file that its users trust."""
    authority = TestAuthority("public CA")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer_http(reader, writer, b"hello from the world")

    host = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=authority.context(tmp_path, "localhost"))
    (tmp_path / "public.pem").write_text(authority.pem)
    yield host.sockets[0].getsockname()[1], tmp_path / "public.pem"
    host.close()


@pytest.mark.parametrize("program", [PYTHON, REQUESTS], ids=["urllib", "requests"])
async def test_python(server: FakeServer, keyless_run: Started, world: tuple[int, Path], program: str) -> None:
    await server.start_https("shop.vault.azure.net", "login.keyless.localhost")
    port, roots = world
    environ = {"SSL_CERT_FILE": str(roots)}
    for url, body in (
        ("https://shop.vault.azure.net/", "hello from keyless"),
        ("https://login.keyless.localhost:8443/", "hello from keyless"),
        (f"https://localhost:{port}/", "hello from the world"),
    ):
        assert await keyless_run.run(sys.executable, "-c", program, url, environ=environ) == (0, body + "\n", "")


async def test_a_plain_address_through_the_users_http_proxy(server: FakeServer, keyless_run: Started) -> None:
    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = (await reader.readline()).decode().strip()
        await answer_http(reader, writer, f"asked: {first}".encode())

    listening = await asyncio.start_server(upstream, "127.0.0.1", 0)
    environ = {"http_proxy": f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"}
    command = (sys.executable, "-c", PYTHON, "http://example.com/x")
    assert await keyless_run.run(*command, environ=environ) == (0, "asked: GET http://example.com/x HTTP/1.1\n", "")
    listening.close()


@pytest.mark.clients
@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
async def test_curl(server: FakeServer, keyless_run: Started) -> None:
    await server.start_https("shop.vault.azure.net")
    command = ("curl", "-sS", "https://shop.vault.azure.net/")
    assert await keyless_run.run(*command) == (0, "hello from keyless", "")


@pytest.mark.clients
@pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js")
async def test_node(server: FakeServer, keyless_run: Started) -> None:
    await server.start_https("shop.vault.azure.net")
    command = ("node", "-e", NODE, "https://shop.vault.azure.net")
    assert await keyless_run.run(*command) == (0, "hello from keyless\n", "")


@pytest.mark.clients
@pytest.mark.skipif(not shutil.which("java"), reason="needs Java")
async def test_java(server: FakeServer, keyless_run: Started, tmp_path: Path) -> None:
    await server.start_https("shop.vault.azure.net")
    (tmp_path / "Ask.java").write_text(JAVA)
    folder = tmp_path / "with a space"
    folder.mkdir()
    command = ("java", "-XX:TieredStopAtLevel=1", str(tmp_path / "Ask.java"), "https://shop.vault.azure.net/")
    code, out, err = await keyless_run.run(*command, environ={"TMPDIR": str(folder)})
    assert (code, out.splitlines()[0]) == (0, "hello from keyless"), err
    # over a socket of IPv6, as Java has it
    assert '"access_token": "token-of-lease-1"' in out

"""azure-keyvault-secrets, and the names by which a vault and an account are reached."""

from __future__ import annotations

import asyncio
import sys

from tests.clients.place import Place, output_of, python


def test_the_whole_life_of_secrets(place: Place) -> None:
    place.allow("Key Vault Secrets Officer", place.vault_id)
    ran = place.run(python("vault_life.py"))
    assert output_of(ran) == "ok\n"


def test_own_names_and_the_clouds_names(place: Place) -> None:
    owner = place.owner
    owner.secret(place.name, "greeting", "hello")
    owner.container(place.name, "box")
    owner.blob(place.name, "box/hello.txt", b"world")
    owner.blob(place.name, "box/more.txt", b"")
    place.allow_all()
    vaults = [place.vault_url, *(f"https://{place.name}.{s}" for s in ("vault.azure.net", "vault.azure.cn"))]
    accounts = [
        place.account_url,
        f"https://{place.name}.blob.core.windows.net",
        f"https://{place.name}.blob.core.chinacloudapi.cn",
        f"https://127.0.0.1:{owner.server.port}/{place.name}",
    ]
    program = python("cloud_names.py")
    ran = place.run(program, VAULT_URLS=" ".join(vaults), ACCOUNT_URLS=" ".join(accounts))
    lines = [*(f"hello {url}" for url in vaults), *(f"world {url} hello.txt more.txt" for url in accounts)]
    assert output_of(ran).splitlines() == lines


async def test_without_the_clouds_names_they_are_the_worlds(place: Place) -> None:
    asked = []

    async def users_proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    proxy = await asyncio.start_server(users_proxy, "127.0.0.1", 0)
    environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"}
    ask = [sys.executable, "-c", "import requests, sys; requests.get(sys.argv[1], timeout=20)"]
    for url, options, code in (
        (place.vault_url, ["--names", "own"], 0),
        (f"https://{place.name}.vault.azure.net", [], 0),
        (f"https://{place.name}.vault.azure.net", ["--names", "own"], 1),
    ):
        ran = await asyncio.to_thread(place.run, [*ask, url], *options, **environ)
        assert ran.returncode == code, ran.stderr
    assert [line.split(b"\r\n")[0].decode() for line in asked] == [f"CONNECT {place.name}.vault.azure.net:443 HTTP/1.1"]
    proxy.close()

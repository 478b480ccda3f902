"""azure-keyvault-secrets as it comes, against the kernel: challenge, its verification, and every operation it has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.transport import RequestsTransport
from azure.keyvault.secrets import SecretClient

from keyless.http.message import Body, Headers, Request, Target, parse_query

if TYPE_CHECKING:
    from tests.providers.key_vault.conftest import VaultClient

TENANT = "5a1f0d3c-0000-4000-8000-00000000beef"


class KernelAdapter(requests.adapters.BaseAdapter):  # type: ignore[misc]
    """Hands the client's requests to the kernel, which runs on another thread's loop."""

    def __init__(self, vault: VaultClient, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._vault = vault
        self._loop = loop
        self.seen: list[tuple[str, str, bool]] = []

    def send(self, sent: Any, **_: object) -> Any:
        url = urlsplit(sent.url)
        self.seen.append((sent.method, url.path, "Authorization" in sent.headers))
        body = sent.body.encode() if isinstance(sent.body, str) else sent.body or b""
        if "Authorization" not in sent.headers:
            assert body == b""
        name, _dot, suffix = (url.hostname or "").partition(".")
        request = Request(
            method=sent.method,
            host=url.hostname or "",
            port=url.port,
            target=Target("vault", name, suffix),
            path=url.path,
            query=parse_query(url.query),
            headers=Headers(sent.headers.items()),
            body=Body.of(body),
            request_id="r-1",
            raw_query=url.query,
        )
        answer = asyncio.run_coroutine_threadsafe(self._vault.kernel.dispatch(request), self._loop).result(10)
        response = requests.Response()
        response.request, response.url = sent, sent.url
        response.status_code, response._content = answer.status, answer.body
        response.headers.update(answer.headers)
        response.raw = _Raw()
        return response

    def close(self) -> None:
        pass


class _Raw:
    """What azure-core wants to know of the connection."""

    enforce_content_length = True
    reason = ""

    def close(self) -> None:
        pass

    def release_conn(self) -> None:
        pass


class WordCredential:
    """Gives the officer's token and keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    def get_token(self, *scopes: str, tenant_id: str | None = None, **_: object) -> AccessToken:
        self.asked.append((scopes[0], tenant_id))
        return AccessToken("officer", int(time.time()) + 3600)


Use = Callable[[Any], Any]


@pytest.fixture
def world(vault: VaultClient) -> tuple[VaultClient, WordCredential]:
    return vault, WordCredential()


async def run(vault: VaultClient, credential: WordCredential, port: str, use: Use) -> KernelAdapter:
    adapter = KernelAdapter(vault, asyncio.get_running_loop())
    session = requests.Session()
    session.mount("https://", adapter)
    with SecretClient(
        f"https://shop.vault.keyless.localhost{port}",
        credential,
        transport=RequestsTransport(session=session, session_owner=False),
        retry_total=0,
    ) as client:
        await asyncio.to_thread(use, client)
    return adapter


@pytest.mark.parametrize("port", ["", ":8443"])
async def test_the_whole_life_of_a_secret(world: tuple[VaultClient, WordCredential], port: str) -> None:
    vault, credential = world

    def use(client: Any) -> None:
        made = client.set_secret("db", "s3cret", content_type="text/plain", tags={"team": "a"})
        assert (made.value, made.properties.content_type, made.properties.tags) == (
            "s3cret",
            "text/plain",
            {"team": "a"},
        )
        assert client.get_secret("db").value == "s3cret"
        assert client.get_secret("db", made.properties.version).id == made.id
        client.set_secret("db", "newer")
        assert client.get_secret("db").value == "newer"
        assert made.properties.recovery_level == "Recoverable+Purgeable"
        assert len(list(client.list_properties_of_secret_versions("db"))) == 2

        with pytest.raises(ResourceNotFoundError) as missing:
            client.get_secret("absent")
        assert missing.value.error.code == "SecretNotFound"

        poller = client.begin_delete_secret("db")
        poller.wait(10)
        deleted = poller.result()
        assert deleted.recovery_id == f"https://shop.vault.keyless.localhost{port}/deletedsecrets/db"
        assert (deleted.scheduled_purge_date - deleted.deleted_date).days == 90
        assert [d.name for d in client.list_deleted_secrets()] == ["db"]
        with pytest.raises(ResourceExistsError) as held:
            client.set_secret("db", "again")
        assert held.value.error.innererror == {"code": "ObjectIsDeletedButRecoverable"}

        recovery = client.begin_recover_deleted_secret("db")
        recovery.wait(10)
        assert recovery.result().name == "db"
        assert client.get_secret("db", made.properties.version).value == "s3cret"

        client.begin_delete_secret("db").wait(10)
        client.purge_deleted_secret("db")
        with pytest.raises(ResourceNotFoundError):
            client.get_deleted_secret("db")

        client.set_secret("off", "v", enabled=False)
        with pytest.raises(HttpResponseError) as disabled:
            client.get_secret("off")
        assert (disabled.value.status_code, disabled.value.error.innererror) == (403, {"code": "SecretDisabled"})

    adapter = await run(vault, credential, port, use)
    assert adapter.seen[:2] == [("PUT", "/secrets/db", False), ("PUT", "/secrets/db", True)]
    assert all(authorised for _, _, authorised in adapter.seen[1:])
    assert credential.asked == [(f"https://vault.keyless.localhost{port}/.default", TENANT)]


async def test_the_client_follows_pages(world: tuple[VaultClient, WordCredential]) -> None:
    vault, credential = world
    for i in range(57):
        await vault.set(f"s{i:02}")

    def use(client: Any) -> None:
        names = [f"s{i:02}" for i in range(57)]
        assert [p.name for p in client.list_properties_of_secrets()] == names
        assert [p.name for p in client.list_properties_of_secrets(max_page_size=10)] == names

    await run(vault, credential, ":8443", use)

"""`keyless run --isolate` with real clients: no variables, no proxy, the clouds' own names on their own ports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients.place import Command, Place, output_of, python
from tests.clients.themes import app_with_three
from tests.clients.tools import BUILD_SECONDS, go_program, need_namespaces
from tests.harness import Owner

pytestmark = pytest.mark.timeout(BUILD_SECONDS)


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    need_namespaces()


@pytest.fixture(scope="module")
def go() -> Path:
    """The program of the runs with Go."""
    return go_program(Path(__file__).parent / "go")


def output(place: Place, command: Command, **environ: str) -> str:
    """What an isolated program prints that has no way out: nothing can come from elsewhere."""
    return output_of(place.run_isolated(command, **environ))


def test_go_gets_tokens_where_every_virtual_machine_has_them(owner: Owner, go: Path) -> None:
    place, selectors, ways = app_with_three(owner)
    assert json.loads(output(place, [go, "identities"], **selectors)) == ways


def test_go_uses_a_vault_and_an_account_by_their_names_in_the_cloud(place: Place, go: Path) -> None:
    place.allow_all()
    assert output(place, [go, "secrets"], VAULT_URL=f"https://{place.name}.vault.azure.net") == "ok\n"
    assert output(place, [go, "blobs"], ACCOUNT_URL=f"https://{place.name}.blob.core.windows.net") == "ok\n"


def test_python_gets_tokens_there_too(owner: Owner) -> None:
    place, selectors, ways = app_with_three(owner)
    found = json.loads(output(place, python("azure_identity_tokens.py"), **selectors))
    assert found == {f"{manner} {way}": whose for way, whose in ways.items() for manner in ("sync", "aio")}


def test_python_uses_a_vault_and_an_account_by_every_name(place: Place) -> None:
    place.owner.secret(place.name, "greeting", "hello")
    place.owner.container(place.name, "box")
    place.owner.blob(place.name, "box/hello.txt", b"world")
    place.allow_all()
    vaults = [place.vault_url, *(f"https://{place.name}.{suffix}" for suffix in ("vault.azure.net", "vault.azure.cn"))]
    accounts = [
        place.account_url,
        f"https://{place.name}.blob.core.windows.net",
        f"https://127.0.0.1:{place.owner.server.port}/{place.name}",
    ]
    said = output(place, python("cloud_names.py"), VAULT_URLS=" ".join(vaults), ACCOUNT_URLS=" ".join(accounts))
    assert said.splitlines() == [*(f"hello {url}" for url in vaults), *(f"world {url} hello.txt" for url in accounts)]


def test_msal_discovers_the_authority_at_its_name_in_the_cloud(place: Place) -> None:
    # whatever authority it is told of, it asks that name which one it is, and is answered under that name
    found = f"https://login.microsoftonline.com/{place.owner.server.instance.tenant}/oauth2/v2.0/token"
    assert output(place, python("discovery.py")).splitlines() == [f"{found} invalid_client"] * 2


def test_the_servers_own_folders_are_not_the_programs(place: Place) -> None:
    server = place.owner.server
    look = f"import os; print(os.listdir({str(server.data)!r}), os.listdir({str(server.config)!r}))"
    assert output(place, [*python("hello.py")[:1], "-c", look]) == "[] []\n"

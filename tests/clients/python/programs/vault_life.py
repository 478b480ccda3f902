"""The whole life of secrets with azure-keyvault-secrets, sync and aio."""

import asyncio
import os

import azure.identity.aio
import azure.keyvault.secrets.aio
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

VAULT_URL = os.environ["VAULT_URL"]
client = SecretClient(VAULT_URL, DefaultAzureCredential())

# values and versions
first = client.set_secret("db", "Grüße 🔑\n\t\"'", content_type="text/plain", tags={"team": "a"})
second = client.set_secret("db", "newer")
assert client.get_secret("db").value == "newer"
old = client.get_secret("db", first.properties.version)
assert (old.value, old.properties.content_type, old.properties.tags) == ("Grüße 🔑\n\t\"'", "text/plain", {"team": "a"})
assert old.id == first.id == f"{VAULT_URL}/secrets/db/{first.properties.version}"
versions = {p.version for p in client.list_properties_of_secret_versions("db")}
assert versions == {first.properties.version, second.properties.version}
longest = "x" * 25_000
assert client.set_secret("longest", longest).value == longest
assert client.set_secret("empty", "").value == ""
assert client.get_secret("empty").value == ""
off = client.set_secret("off", "v", enabled=False)
with pytest.raises(HttpResponseError, match="not allowed on a disabled secret"):
    client.get_secret("off")

# lists of several pages
for number in range(30):
    client.set_secret(f"s{number:02}", "v")
names = sorted(["db", "empty", "longest", "off", *(f"s{number:02}" for number in range(30))])
assert sorted(p.name for p in client.list_properties_of_secrets()) == names
pages = [[p.name for p in page] for page in client.list_properties_of_secrets(max_page_size=10).by_page()]
assert sorted(name for page in pages for name in page) == names
assert len(pages) > 3

# delete, recover, purge
poller = client.begin_delete_secret("db")
deleted = poller.result()
poller.wait(10)
assert deleted.recovery_id == f"{VAULT_URL}/deletedsecrets/db"
assert client.get_deleted_secret("db").name == "db"
assert [d.name for d in client.list_deleted_secrets()] == ["db"]
with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
    client.get_secret("db")
with pytest.raises(ResourceExistsError, match="Conflict"):
    client.set_secret("db", "again")
recovery = client.begin_recover_deleted_secret("db")
recovery.wait(10)
assert recovery.result().name == "db"
assert client.get_secret("db").value == "newer"
client.begin_delete_secret("off").wait(10)
client.purge_deleted_secret("off")
with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
    client.get_deleted_secret("off")


async def asynchronously() -> None:
    async with (
        azure.identity.aio.DefaultAzureCredential() as credential,
        azure.keyvault.secrets.aio.SecretClient(VAULT_URL, credential) as aio,
    ):
        made = await aio.set_secret("aio", "one")
        assert (await aio.get_secret("aio")).value == "one"
        assert (await aio.get_secret("aio", made.properties.version)).value == "one"
        assert [p.version async for p in aio.list_properties_of_secret_versions("aio")] == [made.properties.version]
        assert len([p.name async for p in aio.list_properties_of_secrets(max_page_size=7)]) == len(names)
        values = await asyncio.gather(*(aio.get_secret(f"s{number:02}") for number in range(30)))
        assert {secret.value for secret in values} == {"v"}
        assert (await aio.delete_secret("aio")).name == "aio"
        assert (await aio.recover_deleted_secret("aio")).name == "aio"
        await aio.delete_secret("aio")
        await aio.purge_deleted_secret("aio")
        with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
            await aio.get_secret("aio")


asyncio.run(asynchronously())
print("ok")

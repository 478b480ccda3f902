"""The whole life of secrets with azure-keyvault-secrets, sync and aio."""

import asyncio
import datetime
import os

import azure.identity.aio
import azure.keyvault.secrets.aio
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.rest import HttpRequest
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

# attributes
changed = client.update_secret_properties("off", enabled=True, tags={"a": "b"}, content_type="text/plain")
assert (changed.enabled, changed.tags, changed.content_type) == (True, {"a": "b"}, "text/plain")
assert changed.version == off.properties.version
assert client.get_secret("off").value == "v"
soon = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
for times in ({"not_before": soon}, {"expires_on": past}):  # they inform, and keep nobody from reading
    changed = client.update_secret_properties("off", off.properties.version, **times)
    assert {name: getattr(changed, name) for name in times} == times
    assert client.get_secret("off").value == "v"
assert (changed.not_before, changed.expires_on, changed.tags) == (soon, past, {"a": "b"})
assert changed.recovery_level == "Recoverable+Purgeable"
assert changed.recoverable_days == 90

# backup and restore
backup = client.backup_secret("db")
with pytest.raises(ResourceExistsError):
    client.restore_secret_backup(backup)
client.begin_delete_secret("db").wait(10)
client.purge_deleted_secret("db")
restored = client.restore_secret_backup(backup)
assert (restored.name, restored.version) == ("db", second.properties.version)
assert client.get_secret("db").value == "newer"
assert client.get_secret("db", first.properties.version).value == "Grüße 🔑\n\t\"'"
with pytest.raises(HttpResponseError, match="or it was altered"):
    client.restore_secret_backup(backup[:-1] + bytes([backup[-1] ^ 1]))

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
# whatever else the service answers
answer = client.send_request(HttpRequest("GET", f"{VAULT_URL}/secrets/longest", params={"api-version": "7.4"}))
assert answer.json()["value"] == longest
client.close()


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
        properties = await aio.update_secret_properties("aio", tags={"a": "b"})
        assert properties.tags == {"a": "b"}
        backup = await aio.backup_secret("aio")
        assert (await aio.delete_secret("aio")).name == "aio"
        await aio.purge_deleted_secret("aio")
        assert (await aio.restore_secret_backup(backup)).version == made.properties.version
        assert (await aio.delete_secret("aio")).name == "aio"
        assert (await aio.recover_deleted_secret("aio")).name == "aio"
        await aio.delete_secret("aio")
        await aio.purge_deleted_secret("aio")
        with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
            await aio.get_secret("aio")


asyncio.run(asynchronously())
print("ok")

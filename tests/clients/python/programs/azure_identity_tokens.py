"""Every way in which azure-identity names a managed identity, sync and aio. Prints whose token each one got."""

import asyncio
import base64
import json
import os
from typing import Any

import azure.identity.aio
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

SCOPE = "https://vault.azure.net/.default"
CLIENT_ID, OBJECT_ID, RESOURCE_ID = (os.environ[name] for name in ("CLIENT_ID", "OBJECT_ID", "RESOURCE_ID"))
WAYS: dict[str, dict[str, Any]] = {
    "system-assigned": {},
    "client ID": {"client_id": CLIENT_ID},
    "object ID": {"identity_config": {"object_id": OBJECT_ID}},
    "resource ID": {"identity_config": {"resource_id": RESOURCE_ID}},
}


def whose(token: str) -> str:
    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["oid"])


found = {}
for way, options in WAYS.items():
    with ManagedIdentityCredential(**options) as credential:
        token = credential.get_token(SCOPE)
        assert credential.get_token(SCOPE).token == token.token
        assert credential.get_token_info(SCOPE).token == token.token
        found[f"sync {way}"] = whose(token.token)
with DefaultAzureCredential() as credential:
    found["sync default"] = whose(credential.get_token(SCOPE).token)
with DefaultAzureCredential(managed_identity_client_id=CLIENT_ID) as credential:
    found["sync default, client ID"] = whose(credential.get_token(SCOPE).token)


async def asynchronously() -> None:
    for way, options in WAYS.items():
        async with azure.identity.aio.ManagedIdentityCredential(**options) as credential:
            token = await credential.get_token(SCOPE)
            assert (await credential.get_token(SCOPE)).token == token.token
            found[f"aio {way}"] = whose(token.token)
    async with azure.identity.aio.DefaultAzureCredential() as credential:
        found["aio default"] = whose((await credential.get_token(SCOPE)).token)
    async with azure.identity.aio.DefaultAzureCredential(managed_identity_client_id=CLIENT_ID) as credential:
        found["aio default, client ID"] = whose((await credential.get_token(SCOPE)).token)


asyncio.run(asynchronously())
print(json.dumps(found))

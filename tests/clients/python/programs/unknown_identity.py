"""Asks for an identity that the app does not have. Prints what each library says, and how long it took."""

import asyncio
import json
import os
import time
from typing import Any

import azure.identity.aio
import msal
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

SCOPE = "https://vault.azure.net/.default"
stranger = os.environ["STRANGER"]
said: dict[str, tuple[str, float]] = {}


def ask(name: str, credential: Any) -> None:
    before = time.monotonic()
    try:
        credential.get_token(SCOPE)
    except ClientAuthenticationError as error:
        said[name] = (str(error), time.monotonic() - before)


async def ask_asynchronously(name: str, credential: Any) -> None:
    before = time.monotonic()
    async with credential:
        try:
            await credential.get_token(SCOPE)
        except ClientAuthenticationError as error:
            said[name] = (str(error), time.monotonic() - before)


ask("sync", ManagedIdentityCredential(client_id=stranger))
ask("sync object ID", ManagedIdentityCredential(identity_config={"object_id": stranger}))
ask("sync default", DefaultAzureCredential(managed_identity_client_id=stranger))
asyncio.run(ask_asynchronously("aio", azure.identity.aio.ManagedIdentityCredential(client_id=stranger)))
identity = msal.UserAssignedManagedIdentity(client_id=stranger)
before = time.monotonic()
result = msal.ManagedIdentityClient(identity, http_client=requests.Session()).acquire_token_for_client(
    resource="https://vault.azure.net"
)
assert "access_token" not in result
said["msal"] = (json.dumps(result), time.monotonic() - before)
print(json.dumps(said))

"""Whose token each credential gets without being told more than the environment says, and how long that takes."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import time
from collections.abc import Callable
from typing import Any

import msal
import requests
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential, WorkloadIdentityCredential, aio

RESOURCE = "https://vault.azure.net"
SCOPE = f"{RESOURCE}/.default"
CLIENT_ID = os.environ["CLIENT_ID"]


def oid(token: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["oid"])


def named(kind: str, variable: str) -> ManagedIdentityCredential:
    return ManagedIdentityCredential(identity_config={kind: os.environ[variable]})


async def asked(make: Callable[[], Any]) -> str:
    async with make() as credential:
        return str((await credential.get_token(SCOPE)).token)


def of_msal(identity: Any) -> str:
    client = msal.ManagedIdentityClient(identity, http_client=requests.Session())
    result = client.acquire_token_for_client(resource=RESOURCE)
    if "access_token" not in result:
        raise ValueError(result)
    return str(result["access_token"])


ways: dict[str, Callable[[], str]] = {
    "sync": lambda: ManagedIdentityCredential().get_token(SCOPE).token,
    "sync, client ID": lambda: ManagedIdentityCredential(client_id=CLIENT_ID).get_token(SCOPE).token,
    "sync, object ID": lambda: named("object_id", "OBJECT_ID").get_token(SCOPE).token,
    "sync, resource ID": lambda: named("resource_id", "RESOURCE_ID").get_token(SCOPE).token,
    "sync, default": lambda: DefaultAzureCredential().get_token(SCOPE).token,
    "sync, workload": lambda: WorkloadIdentityCredential().get_token(SCOPE).token,
    "aio": lambda: asyncio.run(asked(aio.ManagedIdentityCredential)),
    "aio, client ID": lambda: asyncio.run(asked(lambda: aio.ManagedIdentityCredential(client_id=CLIENT_ID))),
    "aio, resource ID": lambda: asyncio.run(
        asked(lambda: aio.ManagedIdentityCredential(identity_config={"resource_id": os.environ["RESOURCE_ID"]}))
    ),
    "aio, default": lambda: asyncio.run(asked(aio.DefaultAzureCredential)),
    "aio, workload": lambda: asyncio.run(asked(aio.WorkloadIdentityCredential)),
    "msal": lambda: of_msal(msal.SystemAssignedManagedIdentity()),
    "msal, object ID": lambda: of_msal(msal.UserAssignedManagedIdentity(object_id=os.environ["OBJECT_ID"])),
    "msal, resource ID": lambda: of_msal(msal.UserAssignedManagedIdentity(resource_id=os.environ["RESOURCE_ID"])),
    "msal, client ID": lambda: of_msal(msal.UserAssignedManagedIdentity(client_id=CLIENT_ID)),
}
logging.disable()  # what is refused is in the answer
found = {}
for way in json.loads(os.environ["WAYS"]):
    before = time.monotonic()
    try:
        got = oid(ways[way]())
    except Exception as error:
        got = f"{type(error).__name__}: {error}"
    found[way] = [got, time.monotonic() - before]
print(json.dumps(found))

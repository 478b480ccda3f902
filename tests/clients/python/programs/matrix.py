"""Whose token each credential gets without being told more than the environment says, and how long that takes.

The ways to ask are told as "CLIENT KIND". A person is asked on standard output: where to go, and the code to enter.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.identity
import azure.identity.aio
import msal
import requests

RESOURCE = "https://vault.azure.net"
SCOPE = f"{RESOURCE}/.default"
#: The public client that every SDK signs people in as, unless it is told of another.
DEVELOPERS = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


def oid(token: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["oid"])


def ask(uri: str, code: str, *_: object) -> None:
    print(uri, code, flush=True)


def credential(module: Any, kind: str) -> Any:
    managed = module.ManagedIdentityCredential
    match kind:
        case "managed identity":
            return managed()
        case "client ID":
            return managed(client_id=os.environ["CLIENT_ID"])
        case "object ID":
            return managed(identity_config={"object_id": os.environ["OBJECT_ID"]})
        case "resource ID":
            return managed(identity_config={"resource_id": os.environ["RESOURCE_ID"]})
        case "workload identity":
            return module.WorkloadIdentityCredential()
        case "environment":
            return module.EnvironmentCredential()
        case "default":
            return module.DefaultAzureCredential()
        case "device code":
            return module.DeviceCodeCredential(prompt_callback=ask)
    raise LookupError(kind)


def of_sync(kind: str) -> str:
    with credential(azure.identity, kind) as made:
        return str(made.get_token(SCOPE).token)


def of_aio(kind: str) -> str:
    async def asked() -> str:
        async with credential(azure.identity.aio, kind) as made:
            return str((await made.get_token(SCOPE)).token)

    return asyncio.run(asked())


def of_msal(kind: str) -> str:
    if kind in ("workload identity", "environment"):
        answer = confidential(kind).acquire_token_for_client([SCOPE])
    elif kind == "device code":
        public = msal.PublicClientApplication(DEVELOPERS, authority=authority())
        flow = public.initiate_device_flow([SCOPE])
        ask(flow["verification_uri"], flow["user_code"])
        answer = public.acquire_token_by_device_flow(flow)
    elif kind == "cloud shell":
        public = msal.PublicClientApplication(DEVELOPERS, authority=authority())
        answer = public.acquire_token_interactive([SCOPE], prompt="none")
    else:
        client = msal.ManagedIdentityClient(identity(kind), http_client=requests.Session())
        answer = client.acquire_token_for_client(resource=RESOURCE)
    if "access_token" not in answer:
        raise ValueError(answer)
    return str(answer["access_token"])


def identity(kind: str) -> Any:
    match kind:
        case "managed identity":
            return msal.SystemAssignedManagedIdentity()
        case "client ID":
            return msal.UserAssignedManagedIdentity(client_id=os.environ["CLIENT_ID"])
        case "object ID":
            return msal.UserAssignedManagedIdentity(object_id=os.environ["OBJECT_ID"])
        case "resource ID":
            return msal.UserAssignedManagedIdentity(resource_id=os.environ["RESOURCE_ID"])
    raise LookupError(kind)


def confidential(kind: str) -> Any:
    """It takes nothing from the environment by itself: the program does."""
    variables = os.environ
    proof: Any = variables.get("AZURE_CLIENT_SECRET")
    if kind == "workload identity":
        proof = {"client_assertion": Path(variables["AZURE_FEDERATED_TOKEN_FILE"]).read_text()}
    elif proof is None:
        pem = Path(variables["AZURE_CLIENT_CERTIFICATE_PATH"]).read_text()
        proof = {"private_key": pem, "public_certificate": pem}
    return msal.ConfidentialClientApplication(
        variables["AZURE_CLIENT_ID"], client_credential=proof, authority=authority()
    )


def authority() -> str:
    return f"{os.environ['AZURE_AUTHORITY_HOST']}/{os.environ['AZURE_TENANT_ID']}"


clients: dict[str, Callable[[str], str]] = {"sync": of_sync, "aio": of_aio, "msal": of_msal}
logging.disable()  # what is refused is in the answer
found = {}
for way in json.loads(os.environ["WAYS"]):
    client, _, kind = way.partition(" ")
    before = time.monotonic()
    try:
        got = oid(clients[client](kind))
    except Exception as error:
        got = f"{type(error).__name__}: {error}"
    found[way] = [got, time.monotonic() - before]
print(json.dumps(found))

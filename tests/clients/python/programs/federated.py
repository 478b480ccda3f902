"""Credentials of azure-identity, sync and aio, that exchange the token in a file. Prints what each of them reads."""

import asyncio
import json
import logging
import os
import re
from pathlib import Path
from typing import Any

import azure.identity
import azure.identity.aio
import azure.keyvault.secrets.aio
from azure.core.exceptions import ClientAuthenticationError
from azure.keyvault.secrets import SecretClient

logging.getLogger("azure").setLevel(logging.CRITICAL)  # what is refused is asked for on purpose
VAULT, FILE, AUTHORITY = (os.environ[name] for name in ("VAULT_URL", "TOKEN_FILE", "AUTHORITY"))
TENANT, CLIENT = os.environ["TENANT_ID"], os.environ["CLIENT_ID"]
os.environ |= {
    "AZURE_AUTHORITY_HOST": AUTHORITY,
    "AZURE_TENANT_ID": TENANT,
    "AZURE_CLIENT_ID": CLIENT,
    "AZURE_FEDERATED_TOKEN_FILE": FILE,
    "AZURE_TOKEN_CREDENTIALS": "WorkloadIdentityCredential",
}


def credentials(kinds: Any) -> dict[str, Any]:
    return {
        "workload identity": kinds.WorkloadIdentityCredential(
            tenant_id=TENANT, client_id=CLIENT, token_file_path=FILE, authority=AUTHORITY
        ),
        "client assertion": kinds.ClientAssertionCredential(
            TENANT, CLIENT, lambda: Path(FILE).read_text(), authority=AUTHORITY
        ),
        "default": kinds.DefaultAzureCredential(),
    }


def number(error: ClientAuthenticationError) -> str:
    return str(re.findall(r"AADSTS\d+", str(error))[0])


found: dict[str, str] = {}
for way, credential in credentials(azure.identity).items():
    with credential, SecretClient(VAULT, credential) as client:
        try:
            found[f"sync {way}"] = str(client.get_secret("greeting").value)
        except ClientAuthenticationError as error:
            found[f"sync {way}"] = number(error)


async def asynchronously() -> None:
    for way, credential in credentials(azure.identity.aio).items():
        async with credential, azure.keyvault.secrets.aio.SecretClient(VAULT, credential) as client:
            try:
                found[f"aio {way}"] = str((await client.get_secret("greeting")).value)
            except ClientAuthenticationError as error:
                found[f"aio {way}"] = number(error)


asyncio.run(asynchronously())
print(json.dumps(found))

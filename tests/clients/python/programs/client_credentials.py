"""A registered application reads a secret with a client secret and with a certificate, in every way. Prints what."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import azure.identity.aio
import azure.keyvault.secrets.aio
import msal
import requests
from azure.identity import CertificateCredential, ClientSecretCredential, DefaultAzureCredential, EnvironmentCredential
from azure.keyvault.secrets import SecretClient

TENANT, VAULT = os.environ["AZURE_TENANT_ID"], os.environ["VAULT_URL"]
CLIENT, SECRET, PEM = (os.environ[name] for name in ("SHOP_CLIENT", "SHOP_SECRET", "SHOP_PEM"))
BY_SECRET = {"AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": SECRET}
BY_CERTIFICATE = {"AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_CERTIFICATE_PATH": PEM}
found: dict[str, str | None] = {}


def credentials(module: Any) -> Iterator[tuple[str, Any]]:
    yield "secret", module.ClientSecretCredential(TENANT, CLIENT, SECRET)
    yield "certificate", module.CertificateCredential(TENANT, CLIENT, PEM)
    for name, variables in (("secret", BY_SECRET), ("certificate", BY_CERTIFICATE)):
        os.environ.pop("AZURE_CLIENT_SECRET", None)
        os.environ.pop("AZURE_CLIENT_CERTIFICATE_PATH", None)
        os.environ.update(variables)
        yield f"environment, {name}", module.EnvironmentCredential()
        yield f"default, {name}", module.DefaultAzureCredential()


class Sync:
    ClientSecretCredential = ClientSecretCredential
    CertificateCredential = CertificateCredential
    EnvironmentCredential = EnvironmentCredential
    DefaultAzureCredential = DefaultAzureCredential


for way, credential in credentials(Sync):
    with credential, SecretClient(VAULT, credential) as client:
        found[f"sync {way}"] = client.get_secret("greeting").value
        # another resource, in the minutes in which msal sends the same assertion again
        credential.get_token("https://storage.azure.com/.default")


async def asynchronously() -> None:
    for way, credential in credentials(azure.identity.aio):
        async with credential, azure.keyvault.secrets.aio.SecretClient(VAULT, credential) as client:
            found[f"aio {way}"] = (await client.get_secret("greeting")).value


asyncio.run(asynchronously())

pem = Path(PEM).read_text()
for way, proof in {
    "secret": SECRET,
    "certificate, SHA-256": {"private_key": pem, "public_certificate": pem},
    "certificate, SHA-1": {"private_key": pem, "thumbprint": os.environ["SHOP_THUMBPRINT"]},
}.items():
    application = msal.ConfidentialClientApplication(
        CLIENT, client_credential=proof, authority=f"{os.environ['AZURE_AUTHORITY_HOST']}/{TENANT}"
    )
    for scope in ("https://storage.azure.com/.default", "https://vault.azure.net/.default"):
        answer = application.acquire_token_for_client([scope])
        assert "access_token" in answer, answer
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    got = requests.get(f"{VAULT}/secrets/greeting?api-version=7.4", headers=headers, timeout=30)
    found[f"msal {way}"] = got.json()["value"]
print(json.dumps(found))

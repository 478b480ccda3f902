"""An application without any Azure library but msal: it sends its token itself."""

import os

import msal
import requests

identity = msal.UserAssignedManagedIdentity(client_id=os.environ["AZURE_CLIENT_ID"])
app = msal.ManagedIdentityClient(identity, http_client=requests.Session())


def get(url: str, resource: str) -> requests.Response:
    token = app.acquire_token_for_client(resource=resource)["access_token"]
    headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2024-11-04"}
    answer = requests.get(url, headers=headers, timeout=60)
    answer.raise_for_status()
    return answer


print(get(f"{os.environ['VAULT_URL']}/secrets/greeting?api-version=7.4", "https://vault.azure.net").json()["value"])
print(get(f"{os.environ['ACCOUNT_URL']}/box/hello.txt", "https://storage.azure.com").text)

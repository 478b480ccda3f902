"""Reads the same secret and blob with msal and plain HTTP, for those who use no client library of a service."""

import hashlib
import os
import sys

import msal
import requests

http = requests.Session()
identity = msal.ManagedIdentityClient(
    msal.UserAssignedManagedIdentity(client_id=os.environ["AZURE_CLIENT_ID"]), http_client=http
)


def read(url: str, resource: str) -> requests.Response:
    token = identity.acquire_token_for_client(resource=resource)
    if "access_token" not in token:
        sys.exit(f"no token: {token}")
    headers = {"Authorization": f"Bearer {token['access_token']}", "x-ms-version": "2023-11-03"}
    response = http.get(url, headers=headers, timeout=30)
    if response.status_code != 200:
        sys.exit(f"refused with {response.status_code}: {response.text}")
    return response


blob = read(os.environ["ACCOUNT_URL"] + "reports/may.csv", "https://storage.azure.com").content
print("blob   sha256", hashlib.sha256(blob).hexdigest())
secret = read(os.environ["VAULT_URL"] + "secrets/db-password?api-version=7.4", "https://vault.azure.net").json()
print("secret sha256", hashlib.sha256(secret["value"].encode()).hexdigest())

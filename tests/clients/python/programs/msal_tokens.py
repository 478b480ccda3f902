"""Every way in which msal names a managed identity. Prints whose token each one got."""

import base64
import json
import os
from typing import Any

import msal
import requests

RESOURCE = "https://vault.azure.cn"


def whose(token: str) -> str:
    payload = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["oid"])


ways: dict[str, Any] = {
    "system-assigned": msal.SystemAssignedManagedIdentity(),
    "client ID": msal.UserAssignedManagedIdentity(client_id=os.environ["CLIENT_ID"]),
    "object ID": msal.UserAssignedManagedIdentity(object_id=os.environ["OBJECT_ID"]),
    "resource ID": msal.UserAssignedManagedIdentity(resource_id=os.environ["RESOURCE_ID"]),
}
found = {}
for way, managed_identity in ways.items():
    app = msal.ManagedIdentityClient(managed_identity, http_client=requests.Session())
    first = app.acquire_token_for_client(resource=RESOURCE)
    assert "access_token" in first, first
    assert first["token_source"] == "identity_provider"
    assert 86_000 < first["expires_in"] <= 86_400
    again = app.acquire_token_for_client(resource=RESOURCE)
    assert again["token_source"] == "cache"
    # another application of the same process has a cache of its own; the server answers with the same token
    other = msal.ManagedIdentityClient(managed_identity, http_client=requests.Session())
    assert other.acquire_token_for_client(resource=RESOURCE)["access_token"] == first["access_token"]
    assert again["access_token"] == first["access_token"]
    found[way] = whose(first["access_token"])
print(json.dumps(found))

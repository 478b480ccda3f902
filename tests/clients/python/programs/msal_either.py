"""A token with msal alone: for the identity that is named, or else for the app's own."""

import os

import msal
import requests

named = os.environ.get("VAULT_READER_ID")
identity = msal.UserAssignedManagedIdentity(client_id=named) if named else msal.SystemAssignedManagedIdentity()
client = msal.ManagedIdentityClient(identity, http_client=requests.Session())
answer = client.acquire_token_for_client(resource="https://vault.azure.cn")
print(sorted(answer) if "error" in answer else answer["token_type"])

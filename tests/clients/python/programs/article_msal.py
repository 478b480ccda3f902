"""The article's sample, line by line; only the client ID comes from the environment."""

import os

import msal
import requests

# Use this for system-assigned managed identities
managed_identity = msal.SystemAssignedManagedIdentity()
# Use this for user-assigned managed identities
userAssignedClientId = os.environ.get("USER_ASSIGNED_CLIENT_ID")
if userAssignedClientId:
    managed_identity = msal.UserAssignedManagedIdentity(client_id=userAssignedClientId)
global_app = msal.ManagedIdentityClient(managed_identity, http_client=requests.Session())
result = global_app.acquire_token_for_client(resource="https://vault.azure.cn")
if "access_token" in result:
    print("Token obtained!")

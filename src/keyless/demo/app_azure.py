"""Reads a secret and a blob with the official client libraries: the same lines as in the cloud, no credential."""

import hashlib
import os
import sys

from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from azure.storage.blob import BlobServiceClient

credential = DefaultAzureCredential(managed_identity_client_id=os.environ["AZURE_CLIENT_ID"])
vault = SecretClient(os.environ["VAULT_URL"], credential)
account = BlobServiceClient(os.environ["ACCOUNT_URL"], credential)

try:
    blob = account.get_blob_client("reports", "may.csv").download_blob().readall()
    print("blob   sha256", hashlib.sha256(blob).hexdigest())
    secret = vault.get_secret("db-password").value or ""
    print("secret sha256", hashlib.sha256(secret.encode()).hexdigest())
except HttpResponseError as error:
    sys.exit(f"refused with {error.status_code}: {error.message.splitlines()[0]}")

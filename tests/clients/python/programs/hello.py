"""The smallest whole application: one secret and one blob."""

import os

from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from azure.storage.blob import BlobServiceClient

credential = DefaultAzureCredential()
secrets = SecretClient(os.environ["VAULT_URL"], credential)
blobs = BlobServiceClient(os.environ["ACCOUNT_URL"], credential)
print(secrets.get_secret("greeting").value)
print(blobs.get_blob_client("box", "hello.txt").download_blob().readall().decode())

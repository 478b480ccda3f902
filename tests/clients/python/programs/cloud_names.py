"""The same vault and account by every name that they have here. The client library checks names and certificates."""

import os

from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from azure.storage.blob import BlobClient, BlobServiceClient

credential = DefaultAzureCredential()
for url in os.environ["VAULT_URLS"].split():
    secret = SecretClient(url, credential).get_secret("greeting")
    print(secret.value, secret.id.partition("/secrets/")[0])
for url in os.environ["ACCOUNT_URLS"].split():
    service = BlobServiceClient(url, credential)
    box, blob = service.get_container_client("box"), service.get_blob_client("box", "hello.txt")
    # the marker of a list, and a blob's URL, lead back to the same place
    names = [found.name for page in box.list_blobs(results_per_page=1).by_page() for found in page]
    again = blob
    if "blob.keyless.localhost" not in url:  # from_blob_url takes every name with "localhost" in it for path style
        again = BlobClient.from_blob_url(blob.url, credential)
    print(again.download_blob().readall().decode(), blob.url.partition("/box/")[0], *names)

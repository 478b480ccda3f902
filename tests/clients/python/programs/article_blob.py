"""The article's sample, line by line; only the placeholders come from the environment."""

import os

from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient

# Specify the Client ID if using user-assigned managed identities
client_id = os.getenv("Managed_Identity_Client_ID")  # noqa: SIM112
credential = DefaultAzureCredential(managed_identity_client_id=client_id)
blob_service_client = BlobServiceClient(account_url=os.environ["ACCOUNT_URL"], credential=credential)
container_client = blob_service_client.get_container_client("box")
blob_client = container_client.get_blob_client("hello.txt")


def download_blob() -> None:
    if blob_client.exists():
        download_stream = blob_client.download_blob()
        blob_contents = download_stream.readall().decode("utf-8")
        print("Downloaded blob content:", blob_contents)


download_blob()

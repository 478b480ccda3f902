"""A blob's text, if the blob is there: the client ID is a setting of the app, as in the cloud."""

import os

from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient

with DefaultAzureCredential(managed_identity_client_id=os.environ["BLOB_READER_ID"]) as credential:
    service = BlobServiceClient(os.environ["ACCOUNT_URL"], credential)
    blob = service.get_blob_client("box", "hello.txt")
    print(blob.download_blob(encoding="utf-8").readall() if blob.exists() else "not there")

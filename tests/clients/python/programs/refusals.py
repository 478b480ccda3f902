"""Does what it is told to, one line of standard input each, with the same credential; prints how each went."""

import os
import sys
from collections.abc import Callable
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from azure.storage.blob import BlobServiceClient

credential = DefaultAzureCredential()
secrets = SecretClient(os.environ["VAULT_URL"], credential)
box = BlobServiceClient(os.environ["ACCOUNT_URL"], credential).get_container_client("box")
actions: dict[str, Callable[[], Any]] = {
    "get secret": lambda: secrets.get_secret("greeting"),
    "get absent secret": lambda: secrets.get_secret("absent"),
    "set secret": lambda: secrets.set_secret("greeting", "mine"),
    "list secrets": lambda: list(secrets.list_properties_of_secrets()),
    "delete secret": lambda: secrets.begin_delete_secret("greeting"),
    "read blob": lambda: box.download_blob("hello.txt").readall(),
    "read absent blob": lambda: box.download_blob("absent").readall(),
    "blob exists": lambda: box.get_blob_client("absent").exists(),
    "write blob": lambda: box.upload_blob("hello.txt", b"mine", overwrite=True),
    "write blob in blocks": lambda: box.get_blob_client("hello.txt").stage_block("a", b"mine"),
    "list blobs": lambda: list(box.list_blobs()),
    "delete blob": lambda: box.delete_blob("hello.txt"),
    "delete container": box.delete_container,
}
for line in sys.stdin:
    try:
        actions[line.strip()]()
        print("done", flush=True)
    except HttpResponseError as error:
        code = getattr(error, "error_code", None) or (error.error.code if error.error else "")
        print(type(error).__name__, error.status_code, getattr(code, "value", code), flush=True)

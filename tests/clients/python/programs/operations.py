"""Prints what the clients can be asked for: the sync ones, or with the argument "aio" those."""

import json
import sys

import azure.keyvault.secrets
import azure.keyvault.secrets.aio
import azure.storage.blob
import azure.storage.blob.aio

aio = sys.argv[1:] == ["aio"]
secrets = azure.keyvault.secrets.aio if aio else azure.keyvault.secrets
blobs = azure.storage.blob.aio if aio else azure.storage.blob
clients = (
    secrets.SecretClient,
    blobs.BlobServiceClient,
    blobs.ContainerClient,
    blobs.BlobClient,
    blobs.BlobLeaseClient,
)
found = {
    client.__name__: [name for name in dir(client) if name[0] != "_" and callable(getattr(client, name))]
    for client in clients
}
print(json.dumps(found))

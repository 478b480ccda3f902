// Prints what the clients can be asked for.
import * as secrets from "@azure/keyvault-secrets";
import * as blobs from "@azure/storage-blob";

const clients = [
  secrets.SecretClient,
  blobs.BlobServiceClient,
  blobs.ContainerClient,
  blobs.BlobClient,
  blobs.BlockBlobClient,
  blobs.AppendBlobClient,
  blobs.PageBlobClient,
  blobs.BlobLeaseClient,
  blobs.BlobBatchClient,
];
const methods = ({ prototype }) =>
  Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => name !== "constructor" && typeof value === "function")
    .map(([name]) => name);
console.log(JSON.stringify(Object.fromEntries(clients.map((client) => [client.name, methods(client)]))));

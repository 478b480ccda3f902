// Does what it is told to, one line of standard input each, with the same credential; prints how each went.
import { createInterface } from "node:readline";
import { DefaultAzureCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";
import { BlobServiceClient } from "@azure/storage-blob";

const credential = new DefaultAzureCredential();
const secrets = new SecretClient(process.env.VAULT_URL, credential);
const box = new BlobServiceClient(process.env.ACCOUNT_URL, credential).getContainerClient("box");
const actions = {
  "get secret": () => secrets.getSecret("greeting"),
  "set secret": () => secrets.setSecret("greeting", "mine"),
  "read blob": () => box.getBlobClient("hello.txt").downloadToBuffer(),
  "write blob": () => box.getBlockBlobClient("hello.txt").upload("mine", 4),
  "list blobs": () => box.listBlobsFlat().next(),
  "blob properties": () => box.getBlobClient("hello.txt").getProperties(),
};
for await (const line of createInterface({ input: process.stdin })) {
  try {
    await actions[line]();
    console.log("done");
  } catch (error) {
    console.log(error.name, error.statusCode, error.code);
  }
}

// A blob's text, if the blob is there: the client ID is a setting of the app, as in the cloud.
import { DefaultAzureCredential } from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";

const credential = new DefaultAzureCredential({ managedIdentityClientId: process.env.BLOB_READER_ID });
const box = new BlobServiceClient(process.env.ACCOUNT_URL, credential).getContainerClient("box");
const blob = box.getBlobClient("hello.txt");
console.log((await blob.exists()) ? (await blob.downloadToBuffer()).toString("utf8") : "not there");

// What the programs share.
import { DefaultAzureCredential } from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";

export const credential = new DefaultAzureCredential();
export const service = new BlobServiceClient(process.env.ACCOUNT_URL, credential);

export async function collect(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

export const text = async (blob) => String(await blob.downloadToBuffer());
export const names = (items) => items.map((item) => item.name);
export const blockId = (id) => Buffer.from(id).toString("base64");

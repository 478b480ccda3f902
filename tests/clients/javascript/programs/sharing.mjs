// Shared access signatures, copies and batches with @azure/storage-blob.
import assert from "node:assert/strict";
import { buffer } from "node:stream/consumers";
import { DefaultAzureCredential } from "@azure/identity";
import {
  BlobClient,
  BlobSASPermissions,
  BlobServiceClient,
  ContainerClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
} from "@azure/storage-blob";

const credential = new DefaultAzureCredential();
const service = new BlobServiceClient(process.env.ACCOUNT_URL, credential);
const account = new URL(process.env.ACCOUNT_URL).hostname.split(".")[0];
const read = async (blob) => String(await buffer((await blob.download()).readableStreamBody));
const box = service.getContainerClient("box");
await box.create();
const source = box.getBlockBlobClient("folder/ä b?.txt");
await source.upload("data", 4, { metadata: { team: "a" } });

// every version's signature, in the form that the library gives it
const [start, end] = [-5, 60].map((minutes) => new Date(Date.now() + minutes * 60_000));
const key = await service.getUserDelegationKey(start, end);
const sign = (values) =>
  generateBlobSASQueryParameters({ containerName: "box", startsOn: start, expiresOn: end, ...values }, key, account);
for (const version of [undefined, "2025-07-05", "2024-11-04", "2020-12-06", "2020-02-10", "2018-11-09"]) {
  const sas = sign({ version, blobName: source.name, permissions: BlobSASPermissions.parse("r"), contentType: "a/b" });
  const shared = new BlobClient(`${source.url}?${sas}`);
  assert.equal(await read(shared), "data", version);
  assert.equal((await shared.getProperties()).contentType, "a/b");
  await assert.rejects(shared.delete(), { statusCode: 403, code: "AuthorizationPermissionMismatch" });
  await assert.rejects(new BlobClient(`${box.getBlobClient("b").url}?${sas}`).download(), {
    statusCode: 403,
    code: "AuthenticationFailed",
  });
}
const sas = sign({ permissions: ContainerSASPermissions.parse("rwdl") });
const sharedBox = new ContainerClient(`${box.url}?${sas}`);
await sharedBox.getBlockBlobClient("by signature").upload("x", 1);

// copies
const copy = box.getBlockBlobClient("copy");
const poller = await copy.beginCopyFromURL(source.url);
assert.equal((await poller.pollUntilDone()).copyStatus, "success");
assert.deepEqual([await read(copy), (await copy.getProperties()).metadata], ["data", { team: "a" }]);
await copy.syncCopyFromURL(source.url, { metadata: { team: "b" } });
assert.deepEqual((await copy.getProperties()).metadata, { team: "b" });
await copy.syncUploadFromURL(source.url);
const id = Buffer.from("1").toString("base64");
await copy.stageBlockFromURL(id, source.url, 1, 2);
await copy.commitBlockList([id]);
assert.equal(await read(copy), "at");
await assert.rejects(copy.abortCopyFromURL("any"), { statusCode: 409, code: "NoPendingCopyOperation" });

// batches, with a token and with signatures
const batches = service.getBlobBatchClient();
const set = await batches.setBlobsAccessTier([copy.url, source.url], credential, "Cool");
assert.deepEqual([set.subResponsesSucceededCount, set.subResponsesFailedCount], [2, 0]);
const absent = box.getBlobClient("absent").url;
const deleted = await batches.deleteBlobs([copy.url, absent], credential);
assert.deepEqual([deleted.subResponsesSucceededCount, deleted.subResponsesFailedCount], [1, 1]);
assert.deepEqual(deleted.subResponses.map((answer) => answer.status), [202, 404]);
const left = [];
for await (const blob of sharedBox.listBlobsFlat()) left.push(blob.name);
assert.deepEqual(left, ["by signature", source.name]);
console.log("ok");

// Shared access signatures, copies in every way, and batches, with @azure/storage-blob.
import assert from "node:assert/strict";
import { buffer } from "node:stream/consumers";
import {
  BlobClient,
  BlobSASPermissions,
  ContainerClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
} from "@azure/storage-blob";
import { blockId, collect, credential, names, service, text } from "./lib.mjs";

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
const late = { permissions: BlobSASPermissions.parse("r"), expiresOn: new Date(Date.now() - 1000) };
await assert.rejects(new BlobClient(await source.generateUserDelegationSasUrl(late, key)).download(), {
  statusCode: 403,
  code: "AuthenticationFailed",
});
const most = { permissions: ContainerSASPermissions.parse("rwdl"), startsOn: start, expiresOn: end };
const sharedBox = new ContainerClient(await box.generateUserDelegationSasUrl(most, key));
await sharedBox.getBlockBlobClient("by signature").upload("x", 1);

// copies
const copy = box.getBlockBlobClient("copy");
const poller = await copy.beginCopyFromURL(source.url);
assert.equal((await poller.pollUntilDone()).copyStatus, "success");
assert.deepEqual([await read(copy), (await copy.getProperties()).metadata], ["data", { team: "a" }]);
await copy.syncCopyFromURL(source.url, { metadata: { team: "b" } });
assert.deepEqual((await copy.getProperties()).metadata, { team: "b" });
await copy.syncUploadFromURL(source.url);
const id = blockId("1");
await copy.stageBlockFromURL(id, source.url, 1, 2);
await copy.commitBlockList([id]);
assert.equal(await read(copy), "at");
await assert.rejects(copy.abortCopyFromURL("any"), { statusCode: 409, code: "NoPendingCopyOperation" });
for (const [status, code, from, options] of [
  [412, "SourceConditionNotMet", source.url, { sourceConditions: { ifMatch: '"0x1"' } }],
  [409, "BlobAlreadyExists", source.url, { conditions: { ifNoneMatch: "*" } }],
  [404, "CannotVerifyCopySource", box.getBlobClient("absent").url, {}],
]) {
  await assert.rejects(copy.syncCopyFromURL(from, options), { statusCode: status, code });
}

// ranges of a blob that become parts of another one
const pages = box.getPageBlobClient("pages");
await pages.create(1024);
const long = box.getBlockBlobClient("long");
await long.upload("ab".repeat(512), 1024);
await pages.uploadPagesFromURL(long.url, 512, 0, 512);
assert.equal(await text(pages), "ab".repeat(256) + "\0".repeat(512));
await assert.rejects(pages.startCopyIncremental(`${pages.url}?snapshot=2020-01-01T00:00:00.0000000Z`), {
  statusCode: 501,
  code: "NotImplemented",
});
const log = box.getAppendBlobClient("log");
await log.create();
for (const _ of [1, 2]) await log.appendBlockFromURL(source.url, 1, 2);
assert.equal(await text(log), "atat");
for (const done of [pages, long, log]) await done.delete();

// from another account, where the token has to be shown
const elsewhere = process.env.OTHER_BLOB;
await assert.rejects(copy.syncCopyFromURL(elsewhere), { statusCode: 403, code: "CannotVerifyCopySource" });
const { token } = await credential.getToken("https://storage.azure.com/.default");
const sourceAuthorization = { scheme: "Bearer", value: token };
await copy.syncCopyFromURL(elsewhere, { sourceAuthorization });
assert.equal(await text(copy), "from elsewhere");
await copy.syncUploadFromURL(elsewhere, { sourceAuthorization });
assert.equal(await text(copy), "from elsewhere");

// batches, with a token and with signatures
const batches = service.getBlobBatchClient();
const set = await batches.setBlobsAccessTier([copy.url, source.url], credential, "Cool");
assert.deepEqual([set.subResponsesSucceededCount, set.subResponsesFailedCount], [2, 0]);
const absent = box.getBlobClient("absent").url;
const deleted = await batches.deleteBlobs([copy.url, absent], credential);
assert.deepEqual([deleted.subResponsesSucceededCount, deleted.subResponsesFailedCount], [1, 1]);
assert.deepEqual(deleted.subResponses.map((answer) => answer.status), [202, 404]);
assert.deepEqual(names(await collect(sharedBox.listBlobsFlat())), ["by signature", source.name]);
console.log("ok");

// What concerns an account and its containers as a whole. The account keeps versions, and what is deleted.
import assert from "node:assert/strict";
import { blockId, collect, credential, names, service, text } from "./lib.mjs";

const box = service.getContainerClient("box");

// properties of the service
for (const [enabled, days] of [[false, undefined], [true, 7]]) {
  await service.setProperties({ deleteRetentionPolicy: { enabled, days } });
  assert.deepEqual((await service.getProperties()).deleteRetentionPolicy, { enabled, days });
}
const properties = await service.getProperties();
await service.setProperties(properties); // as they came
const everybody = { allowedOrigins: "*", allowedMethods: "GET", allowedHeaders: "", exposedHeaders: "", maxAgeInSeconds: 1 };
await assert.rejects(service.setProperties({ cors: [everybody] }), { statusCode: 501, code: "NotImplemented" });
// there is no second region
await assert.rejects(service.getStatistics(), { statusCode: 400, code: "InvalidQueryParameterValue" });

// what kind of account it is
await box.create({ metadata: { team: "a" } });
for (const client of [service, box, box.getBlobClient("absent")]) {
  const { skuName, accountKind, isHierarchicalNamespaceEnabled } = await client.getAccountInfo();
  assert.deepEqual([skuName, accountKind, isHierarchicalNamespaceEnabled], ["Standard_LRS", "StorageV2", false]);
}

// metadata and access
await box.setMetadata({ team: "b" });
assert.deepEqual((await box.getProperties()).metadata, { team: "b" });
await box.setMetadata({ team: "a" });
const later = { ifModifiedSince: new Date(Date.now() + 3_600_000) };
await assert.rejects(box.setMetadata({}, { conditions: later }), { statusCode: 412, code: "ConditionNotMet" });
const earlier = { ifUnmodifiedSince: new Date(Date.now() - 3_600_000) };
await assert.rejects(box.delete({ conditions: earlier }), { statusCode: 412, code: "ConditionNotMet" });
const access = await box.getAccessPolicy();
assert.deepEqual([access.blobPublicAccess, access.signedIdentifiers], [undefined, []]);
await box.setAccessPolicy();
await assert.rejects(box.setAccessPolicy("blob"), { statusCode: 409, code: "PublicAccessNotPermitted" });
const stored = { id: "one", accessPolicy: { permissions: "r" } };
await assert.rejects(box.setAccessPolicy(undefined, [stored]), { statusCode: 501, code: "NotImplemented" });

// leases
const another = "6c3f5b0a-9a06-4b6e-8d5d-1f7d3c1a0b11";
const held = box.getBlobLeaseClient();
await held.acquireLease(15);
const rival = box.getBlobLeaseClient();
await assert.rejects(rival.acquireLease(15), { statusCode: 409, code: "LeaseAlreadyPresent" });
await assert.rejects(box.delete(), { statusCode: 412, code: "LeaseIdMissing" });
await held.changeLease(another);
assert.equal(held.leaseId, another);
await held.renewLease();
const leased = await box.getProperties();
assert.deepEqual([leased.leaseState, leased.leaseDuration], ["leased", "fixed"]);
assert.equal((await held.breakLease(0)).leaseTime, 0);
assert.equal((await box.getProperties()).leaseState, "broken");
await assert.rejects(held.renewLease(), { statusCode: 409, code: "LeaseIsBrokenAndCannotBeRenewed" });
await held.releaseLease();
assert.equal((await box.getProperties()).leaseState, "available");

// what a list tells besides names
const list = (options = {}) => collect(box.listBlobsFlat({ prefix: "in/", ...options }));
const { blockBlobClient: one } = await box.uploadBlockBlob("in/one", "1", 1);
await one.setMetadata({ of: "one" });
await one.setTags({ state: "open" });
const { snapshot } = await one.createSnapshot();
await box.getBlockBlobClient("in/staged").stageBlock(blockId("1"), "x", 1);
const two = box.getBlobClient("in/two");
await two.syncCopyFromURL(one.url);
await box.deleteBlob("in/two");
assert.deepEqual(names(await list()), ["in/one"]);
const [told] = await list({ includeMetadata: true, includeTags: true, includeCopy: true });
assert.deepEqual([told.metadata, told.tags, told.properties.tagCount], [{ of: "one" }, { state: "open" }, 1]);
assert.deepEqual((await list({ includeSnapshots: true })).map((blob) => blob.snapshot), [snapshot, undefined]);
assert.deepEqual(names(await list({ includeUncommitedBlobs: true })), ["in/one", "in/staged"]);
const versions = await list({ includeVersions: true });
assert.deepEqual(versions.map((blob) => [blob.name, blob.isCurrentVersion]), [
  ["in/one", undefined],
  ["in/one", true],
  ["in/two", undefined],
]);
await two.withVersion(versions[2].versionId).delete();
const kept = (await list({ includeVersions: true, includeDeleted: true }))[2];
assert.deepEqual([kept.name, kept.deleted, kept.properties.remainingRetentionDays], ["in/two", true, 7]);

// hierarchies
for (const name of ["h/a/1", "h/a/2", "h/b", "h/c/1"]) await box.uploadBlockBlob(name, name, name.length);
const walked = await collect(box.listBlobsByHierarchy("/", { prefix: "h/" }).byPage({ maxPageSize: 1 }));
assert.deepEqual(walked.flatMap((page) => names(page.segment.blobPrefixes ?? [])), ["h/a/", "h/c/"]);
assert.deepEqual(walked.flatMap((page) => names(page.segment.blobItems)), ["h/b"]);

// searches
for (const [name, tags] of [["t/open", { kind: "t", state: "open" }], ["t/shut", { kind: "t", state: "shut", year: "2026" }]]) {
  await box.uploadBlockBlob(name, "", 0);
  await box.getBlobClient(name).setTags(tags);
}
const pages = await collect(service.findBlobsByTags(`"kind"='t' AND @container='box'`).byPage({ maxPageSize: 1 }));
assert.deepEqual(pages.map((page) => page.blobs.map((blob) => [blob.containerName, blob.name])), [
  [["box", "t/open"]],
  [["box", "t/shut"]],
]);
assert.deepEqual(names(await collect(box.findBlobsByTags(`kind='t' AND "year">'2025'`))), ["t/shut"]);
await assert.rejects(collect(box.findBlobsByTags("nonsense")), { statusCode: 400, code: "InvalidQueryParameterValue" });

// batches
const batches = box.getBlobBatchClient();
const tiers = batches.createBatch();
for (const name of ["h/b", "h/absent"]) await tiers.setBlobAccessTier(box.getBlobClient(name).url, credential, "Cool");
const set = await batches.submitBatch(tiers);
assert.deepEqual(set.subResponses.map((answer) => [answer.status, answer.errorCode]), [[200, undefined], [404, "BlobNotFound"]]);
assert.equal((await box.getBlobClient("h/b").getProperties()).accessTier, "Cool");
const urls = ["h/a/1", "h/a/2", "h/c/1"].map((name) => box.getBlobClient(name).url);
assert.equal((await service.getBlobBatchClient().deleteBlobs(urls, credential)).subResponsesSucceededCount, 3);
assert.deepEqual(names(await list({ prefix: "h/" })), ["h/b"]);

// what was deleted comes back
await service.deleteContainer("box");
await assert.rejects(box.getProperties(), { statusCode: 404 });
const [lost] = (await collect(service.listContainers({ includeDeleted: true, includeMetadata: true }))).filter((c) => c.deleted);
assert.deepEqual([lost.metadata, lost.properties.remainingRetentionDays], [{ team: "a" }, 7]);
const { containerClient } = await service.undeleteContainer("box", lost.version);
assert.equal(await text(containerClient.getBlobClient("h/b")), "h/b");
await assert.rejects(service.undeleteContainer("box2", "01D60F8BB59A4652"), { statusCode: 404, code: "ContainerNotFound" });
assert.deepEqual([(await box.deleteIfExists()).succeeded, (await box.deleteIfExists()).succeeded], [true, false]);
console.log("ok");

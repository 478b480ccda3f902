// What blobs are besides their bodies, with @azure/storage-blob: leases, tags, tiers, snapshots, versions, soft delete.
import assert from "node:assert/strict";
import { DefaultAzureCredential } from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";

const service = new BlobServiceClient(process.env.ACCOUNT_URL, new DefaultAzureCredential());
const box = service.getContainerClient("box");
await box.create();
const collect = async (items) => {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
};
const text = async (blob) => String(await blob.downloadToBuffer());
const blob = box.getBlockBlobClient("doc");

// metadata, properties, tags, tier
await blob.upload("first", 5, { metadata: { a: "1" }, tags: { state: "open" }, tier: "Cool" });
await blob.setMetadata({ b: "2" });
await blob.setHTTPHeaders({ blobContentType: "text/plain" });
const seen = await blob.getProperties();
assert.deepEqual([seen.metadata, seen.contentType, seen.accessTier, seen.tagCount], [{ b: "2" }, "text/plain", "Cool", 1]);
assert.deepEqual((await blob.getTags()).tags, { state: "open" });
await blob.setTags({ state: "closed" });
assert.deepEqual((await collect(service.findBlobsByTags("state='closed'"))).map((b) => [b.name, b.tags]), [["doc", { state: "closed" }]]);
await assert.rejects(blob.getProperties({ conditions: { tagConditions: "state='open'" } }), { statusCode: 412 });
await blob.setAccessTier("Archive");
await assert.rejects(blob.download(), { statusCode: 409, code: "BlobArchived" });
await blob.setAccessTier("Hot");

// leases
const lease = blob.getBlobLeaseClient();
await lease.acquireLease(15);
await assert.rejects(blob.upload("x", 1), { statusCode: 412, code: "LeaseIdMissing" });
await blob.upload("second", 6, { conditions: { leaseId: lease.leaseId } });
assert.deepEqual([(await blob.getProperties()).leaseState, (await blob.getProperties()).leaseDuration], ["leased", "fixed"]);
await lease.renewLease();
assert.equal((await lease.breakLease(0)).leaseTime, 0);
await lease.releaseLease();

// versions, snapshots, soft delete
const versions = await collect(box.listBlobsFlat({ includeVersions: true }));
assert.equal(versions.at(-1).isCurrentVersion, true);
assert.equal(await text(blob.withVersion(versions[0].versionId)), "first");
const snapshot = blob.withSnapshot((await blob.createSnapshot()).snapshot);
await assert.rejects(blob.delete(), { statusCode: 409, code: "SnapshotsPresent" });
await blob.delete({ deleteSnapshots: "include" });
assert.deepEqual([await blob.exists(), await snapshot.exists()], [false, false]);
const deleted = (await collect(box.listBlobsFlat({ includeSnapshots: true, includeDeleted: true }))).filter((b) => b.deleted);
assert.deepEqual(deleted.map((b) => [b.name, b.properties.remainingRetentionDays]), [["doc", 7]]);
await blob.undelete();
assert.equal(await text(snapshot), "second");
await box.delete();
const lost = (await collect(service.listContainers({ includeDeleted: true }))).find((c) => c.deleted);
await service.undeleteContainer("box", lost.version);
assert.equal(await text(snapshot), "second");
console.log("ok");

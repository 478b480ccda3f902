// What blobs are besides their bodies: tags, tiers, conditions, leases, versions, snapshots, soft delete.
import assert from "node:assert/strict";
import { collect, service, text } from "./lib.mjs";

const box = service.getContainerClient("box");
await box.create();
const blob = box.getBlockBlobClient("doc");

// metadata, properties, tags, tiers
await blob.upload("first", 5, {
  metadata: { a: "1" },
  tags: { state: "open" },
  tier: "Cool",
  blobHTTPHeaders: { blobContentDisposition: "inline", blobContentEncoding: "x-none" },
});
const made = await blob.getProperties();
assert.deepEqual([made.contentDisposition, made.contentEncoding, made.accessTier], ["inline", "x-none", "Cool"]);
await blob.setMetadata({ b: "2" });
await blob.setHTTPHeaders({ blobContentType: "text/plain" });
const seen = await blob.getProperties();
assert.deepEqual([seen.metadata, seen.contentType, seen.contentDisposition, seen.tagCount], [{ b: "2" }, "text/plain", undefined, 1]);
assert.deepEqual((await blob.getTags()).tags, { state: "open" });
await blob.setTags({ state: "shut", year: "2026" });
const found = await collect(service.findBlobsByTags("state='shut'"));
assert.deepEqual(found.map((b) => [b.name, b.tags.state]), [["doc", "shut"]]);
await blob.setAccessTier("Archive");
await assert.rejects(blob.download(), { statusCode: 409, code: "BlobArchived" });
await blob.setAccessTier("Hot");

// conditions
const { etag, lastModified } = await blob.getProperties();
const hour = (hours) => new Date(lastModified.getTime() + hours * 3_600_000);
for (const [status, conditions] of [
  [412, { ifMatch: '"0x1"' }],
  [412, { ifUnmodifiedSince: hour(-1) }],
  [412, { tagConditions: "state='open'" }],
  [304, { ifNoneMatch: etag }],
  [304, { ifModifiedSince: hour(1) }],
]) {
  await assert.rejects(blob.download(0, undefined, { conditions }), { statusCode: status });
  await assert.rejects(blob.getProperties({ conditions }), { statusCode: status });
  await assert.rejects(blob.setMetadata({}, { conditions }), { statusCode: 412, code: "ConditionNotMet" });
}
const good = { ifMatch: etag, ifUnmodifiedSince: lastModified, tagConditions: "state='shut' AND year>'2025'" };
assert.deepEqual((await blob.getProperties({ conditions: good })).metadata, { b: "2" });
await blob.setHTTPHeaders({}, { conditions: good });
await assert.rejects(blob.setHTTPHeaders({}, { conditions: good }), { statusCode: 412, code: "ConditionNotMet" });

// leases
const another = "0fd6c6c7-22a5-4a65-a1f2-54a1c2a8a6d4";
const lease = blob.getBlobLeaseClient();
await lease.acquireLease(-1);
await assert.rejects(blob.getBlobLeaseClient().acquireLease(15), { statusCode: 409, code: "LeaseAlreadyPresent" });
await assert.rejects(blob.upload("x", 1), { statusCode: 412, code: "LeaseIdMissing" });
const wrong = { conditions: { leaseId: another } };
await assert.rejects(blob.delete(wrong), { statusCode: 412, code: "LeaseIdMismatchWithBlobOperation" });
await lease.changeLease(another);
await blob.upload("second", 6, { conditions: { leaseId: lease.leaseId } });
const leased = await blob.getProperties();
assert.deepEqual([leased.leaseState, leased.leaseDuration], ["leased", "infinite"]);
await lease.renewLease();
assert.equal((await lease.breakLease(0)).leaseTime, 0);
assert.equal((await blob.getProperties()).leaseState, "broken");
await lease.releaseLease();

// versions, snapshots, soft delete
const versions = await collect(box.listBlobsFlat({ includeVersions: true }));
assert.equal(versions.at(-1).isCurrentVersion, true);
const first = blob.withVersion(versions[0].versionId);
assert.equal(await text(first), "first");
const snapshot = blob.withSnapshot((await blob.createSnapshot()).snapshot);
await assert.rejects(blob.delete(), { statusCode: 409, code: "SnapshotsPresent" });
await blob.delete({ deleteSnapshots: "include" });
assert.deepEqual([await blob.exists(), await snapshot.exists()], [false, false]);
const all = await collect(box.listBlobsFlat({ includeSnapshots: true, includeDeleted: true }));
const deleted = all.filter((b) => b.deleted);
assert.deepEqual(deleted.map((b) => [b.name, b.properties.remainingRetentionDays]), [["doc", 7]]);
await blob.undelete();
assert.equal(await text(snapshot), "second");
await blob.syncCopyFromURL(first.url);
assert.equal(await text(blob), "first");
await first.delete();
assert.equal(await first.exists(), false);
await box.delete();
const lost = (await collect(service.listContainers({ includeDeleted: true }))).find((c) => c.deleted);
await service.undeleteContainer("box", lost.version);
assert.equal(await text(snapshot), "second");

// what keyless does not have: it says so, and changes nothing
for (const call of [
  () => blob.setLegalHold(true),
  () => blob.setImmutabilityPolicy({ expiriesOn: hour(1), policyMode: "Unlocked" }),
  () => blob.deleteImmutabilityPolicy(),
  () => blob.query("SELECT * FROM BlobStorage"),
]) {
  await assert.rejects(call, { statusCode: 501, code: "NotImplemented" });
}
assert.equal(await text(blob), "first");
console.log("ok");

import com.azure.core.util.BinaryData;
import com.azure.storage.blob.BlobClient;
import com.azure.storage.blob.BlobContainerClient;
import com.azure.storage.blob.models.AccessTier;
import com.azure.storage.blob.models.BlobHttpHeaders;
import com.azure.storage.blob.models.BlobImmutabilityPolicy;
import com.azure.storage.blob.models.BlobItem;
import com.azure.storage.blob.models.BlobListDetails;
import com.azure.storage.blob.models.BlobProperties;
import com.azure.storage.blob.models.BlobRequestConditions;
import com.azure.storage.blob.models.DeleteSnapshotsOptionType;
import com.azure.storage.blob.models.LeaseDurationType;
import com.azure.storage.blob.models.LeaseStateType;
import com.azure.storage.blob.models.ListBlobsOptions;
import com.azure.storage.blob.options.BlobBreakLeaseOptions;
import com.azure.storage.blob.options.BlobParallelUploadOptions;
import com.azure.storage.blob.specialized.BlobClientBase;
import com.azure.storage.blob.specialized.BlobLeaseClient;
import com.azure.storage.blob.specialized.BlobLeaseClientBuilder;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;

/** What blobs are besides their bodies. The account keeps versions, and what is deleted. */
final class State {
    private final BlobContainerClient box = Storage.account().createBlobContainer("box");
    private final BlobClient doc = box.getBlobClient("doc");

    static void whole() {
        State work = new State();
        work.tagsAndTiers();
        work.conditions();
        work.leases();
        work.past();
        work.notThere();
        System.out.println("ok");
    }

    private void write(String body) {
        doc.upload(BinaryData.fromString(body), true);
    }

    private static String text(BlobClientBase blob) {
        return blob.downloadContent().toString();
    }

    private void tagsAndTiers() {
        BlobHttpHeaders headers = new BlobHttpHeaders().setContentDisposition("inline").setContentEncoding("x-none");
        doc.uploadWithResponse(new BlobParallelUploadOptions(BinaryData.fromString("first")).setHeaders(headers)
            .setMetadata(Map.of("team", "a")).setTags(Map.of("state", "open")).setTier(AccessTier.COOL), null, null);
        BlobProperties found = doc.getProperties();
        Main.same(List.of(found.getAccessTier(), found.getTagCount()), List.of(AccessTier.COOL, 1L));
        Main.same(List.of(found.getContentDisposition(), found.getContentEncoding()), List.of("inline", "x-none"));
        Main.same(doc.getTags(), Map.of("state", "open"));
        doc.setTags(Map.of("state", "shut", "year", "2026"));
        Main.same(doc.getTags(), Map.of("state", "shut", "year", "2026"));
        doc.setAccessTier(AccessTier.ARCHIVE);
        Storage.fails(409, "BlobArchived", doc::downloadContent);
        doc.setAccessTier(AccessTier.HOT);
        Main.same(text(doc), "first");
    }

    private static BlobRequestConditions when() {
        return new BlobRequestConditions();
    }

    private void conditions() {
        BlobProperties found = doc.getProperties();
        OffsetDateTime changed = found.getLastModified();
        Map<Integer, List<BlobRequestConditions>> refused = Map.of(
            412, List.of(
                when().setIfMatch("\"0x1\""),
                when().setIfUnmodifiedSince(changed.minusHours(1)),
                when().setTagsConditions("state = 'open'")),
            304, List.of(when().setIfNoneMatch(found.getETag()), when().setIfModifiedSince(changed.plusHours(1))));
        refused.forEach((status, all) -> all.forEach(one -> {
            Storage.fails(status, "ConditionNotMet", () -> doc.downloadContentWithResponse(null, one, null, null));
            Storage.fails(412, "ConditionNotMet", () -> doc.setMetadataWithResponse(Map.of(), one, null, null));
        }));
        BlobRequestConditions good = when().setIfMatch(found.getETag()).setIfUnmodifiedSince(changed)
            .setTagsConditions("state = 'shut' AND year > '2025'");
        Main.same(doc.getPropertiesWithResponse(good, null, null).getValue().getMetadata(), Map.of("team", "a"));
        BlobHttpHeaders plain = new BlobHttpHeaders().setContentType("text/plain");
        doc.setHttpHeadersWithResponse(plain, good, null, null);
        Storage.fails(412, "ConditionNotMet", () -> doc.setHttpHeadersWithResponse(plain, good, null, null));
    }

    private void leases() {
        String another = "0fd6c6c7-22a5-4a65-a1f2-54a1c2a8a6d4";
        BlobLeaseClient held = new BlobLeaseClientBuilder().blobClient(doc).buildClient();
        held.acquireLease(-1);
        BlobLeaseClient rival = new BlobLeaseClientBuilder().blobClient(doc).buildClient();
        Storage.fails(409, "LeaseAlreadyPresent", () -> rival.acquireLease(15));
        Storage.fails(412, "LeaseIdMissing", () -> write("x"));
        BlobRequestConditions with = when().setLeaseId(another);
        Storage.fails(412, "LeaseIdMismatchWithBlobOperation", () -> doc.deleteWithResponse(null, with, null, null));
        held.changeLease(another);
        BlobParallelUploadOptions second = new BlobParallelUploadOptions(BinaryData.fromString("second"));
        doc.uploadWithResponse(second.setRequestConditions(with), null, null);
        Main.same(held.renewLease(), another);
        BlobProperties found = doc.getProperties();
        Main.same(List.of(found.getLeaseState(), found.getLeaseDuration()),
            List.of(LeaseStateType.LEASED, LeaseDurationType.INFINITE));
        Main.same(held.breakLeaseWithResponse(new BlobBreakLeaseOptions().setBreakPeriod(Duration.ZERO), null, null)
            .getValue(), 0);
        Main.same(doc.getProperties().getLeaseState(), LeaseStateType.BROKEN);
        held.releaseLease();
        Main.same(doc.getProperties().getLeaseState(), LeaseStateType.AVAILABLE);
    }

    /** Versions, snapshots, and what comes back after it was deleted. */
    private void past() {
        ListBlobsOptions all = new ListBlobsOptions().setDetails(new BlobListDetails().setRetrieveVersions(true));
        BlobItem oldest = box.listBlobs(all, null).iterator().next();
        BlobClient first = box.getBlobVersionClient("doc", oldest.getVersionId());
        Main.same(List.of(text(first), text(doc)), List.of("first", "second"));
        BlobClient never = doc.getVersionClient("2020-01-01T00:00:00.0000000Z");
        Storage.fails(404, "BlobNotFound", never::getProperties);

        BlobClientBase snapshot = doc.createSnapshotWithResponse(Map.of("team", "snap"), null, null, null).getValue();
        Main.same(List.of(snapshot.isSnapshot(), snapshot.getProperties().getMetadata()),
            List.of(true, Map.of("team", "snap")));
        write("third");
        BlobClient taken = box.getBlobClient("doc", snapshot.getSnapshotId());
        Main.same(List.of(text(taken), text(doc)), List.of("second", "third"));
        Storage.fails(409, "SnapshotsPresent", doc::delete);
        doc.deleteWithResponse(DeleteSnapshotsOptionType.INCLUDE, null, null, null);
        Main.same(List.of(doc.exists(), snapshot.exists()), List.of(false, false));
        doc.undelete();
        Main.same(text(snapshot), "second");
        doc.copyFromUrl(first.getBlobUrl());
        Main.same(text(doc), "first");
        Main.same(doc.deleteIfExistsWithResponse(DeleteSnapshotsOptionType.ONLY, null, null, null).getValue(), true);
        Main.same(snapshot.exists(), false);
        first.delete();
        Storage.fails(404, "BlobNotFound", first::downloadContent);
        Main.same(text(doc), "first");
    }

    /** What keyless does not have: it says so, and changes nothing. */
    private void notThere() {
        BlobImmutabilityPolicy policy = new BlobImmutabilityPolicy().setExpiryTime(OffsetDateTime.now().plusHours(1));
        List<Runnable> calls = List.of(
            () -> doc.setLegalHold(true),
            () -> doc.setImmutabilityPolicy(policy),
            doc::deleteImmutabilityPolicy,
            () -> doc.query(new ByteArrayOutputStream(), "SELECT * FROM BlobStorage"),
            () -> doc.openQueryInputStream("SELECT * FROM BlobStorage"));
        calls.forEach(call -> Storage.fails(501, "NotImplemented", call));
        Main.same(text(doc), "first");
    }
}

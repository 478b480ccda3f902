import com.azure.core.util.BinaryData;
import com.azure.storage.blob.BlobClient;
import com.azure.storage.blob.BlobContainerClient;
import com.azure.storage.blob.BlobServiceClient;
import com.azure.storage.blob.batch.BlobBatch;
import com.azure.storage.blob.batch.BlobBatchClient;
import com.azure.storage.blob.batch.BlobBatchClientBuilder;
import com.azure.storage.blob.batch.BlobBatchStorageException;
import com.azure.storage.blob.models.AccessTier;
import com.azure.storage.blob.models.AccountKind;
import com.azure.storage.blob.models.BlobAccessPolicy;
import com.azure.storage.blob.models.BlobContainerAccessPolicies;
import com.azure.storage.blob.models.BlobContainerItem;
import com.azure.storage.blob.models.BlobContainerListDetails;
import com.azure.storage.blob.models.BlobContainerProperties;
import com.azure.storage.blob.models.BlobCorsRule;
import com.azure.storage.blob.models.BlobItem;
import com.azure.storage.blob.models.BlobListDetails;
import com.azure.storage.blob.models.BlobRequestConditions;
import com.azure.storage.blob.models.BlobRetentionPolicy;
import com.azure.storage.blob.models.BlobServiceProperties;
import com.azure.storage.blob.models.BlobSignedIdentifier;
import com.azure.storage.blob.models.DeleteSnapshotsOptionType;
import com.azure.storage.blob.models.LeaseDurationType;
import com.azure.storage.blob.models.LeaseStateType;
import com.azure.storage.blob.models.ListBlobContainersOptions;
import com.azure.storage.blob.models.ListBlobsOptions;
import com.azure.storage.blob.models.PublicAccessType;
import com.azure.storage.blob.models.SkuName;
import com.azure.storage.blob.models.StorageAccountInfo;
import com.azure.storage.blob.models.TaggedBlobItem;
import com.azure.storage.blob.options.BlobBreakLeaseOptions;
import com.azure.storage.blob.options.FindBlobsOptions;
import com.azure.storage.blob.specialized.BlobLeaseClient;
import com.azure.storage.blob.specialized.BlobLeaseClientBuilder;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;

/** What concerns an account and its containers as a whole. The account keeps versions, and what is deleted. */
final class Account {
    private final BlobServiceClient account = Storage.account();
    private final BlobContainerClient box = account.getBlobContainerClient("box");

    static void whole() {
        Account work = new Account();
        work.serviceProperties();
        work.box.createWithResponse(Map.of("team", "a"), null, null, null);
        work.information();
        work.accessPolicies();
        work.conditions();
        work.leases();
        work.includes();
        work.hierarchies();
        work.searches();
        work.batches();
        work.restoring();
        System.out.println("ok");
    }

    private void serviceProperties() {
        for (BlobRetentionPolicy policy : List.of(
            new BlobRetentionPolicy().setEnabled(false), new BlobRetentionPolicy().setEnabled(true).setDays(7))) {
            account.setProperties(new BlobServiceProperties().setDeleteRetentionPolicy(policy));
            BlobRetentionPolicy found = account.getProperties().getDeleteRetentionPolicy();
            Main.same(found.isEnabled(), policy.isEnabled());
            Main.same(found.getDays(), policy.getDays());
        }
        BlobServiceProperties read = account.getProperties();
        account.setProperties(read); // as it came
        BlobCorsRule everybody = new BlobCorsRule()
            .setAllowedOrigins("*").setAllowedMethods("GET").setMaxAgeInSeconds(1)
            .setAllowedHeaders("").setExposedHeaders("");
        Storage.fails(501, "NotImplemented", () -> account.setProperties(read.setCors(List.of(everybody))));
        // there is no second region
        Storage.fails(400, "InvalidQueryParameterValue", account::getStatistics);
    }

    private void information() {
        BlobClient absent = box.getBlobClient("absent");
        for (StorageAccountInfo found : List.of(
            account.getAccountInfo(), box.getAccountInfo(null), absent.getAccountInfo())) {
            Main.same(found.getSkuName(), SkuName.STANDARD_LRS);
            Main.same(found.getAccountKind(), AccountKind.STORAGE_V2);
        }
    }

    private void accessPolicies() {
        BlobContainerAccessPolicies found = box.getAccessPolicy();
        Main.same(found.getBlobAccessType(), null);
        Main.same(found.getIdentifiers(), null); // of none, the library makes no list
        box.setAccessPolicy(null, null);
        Storage.fails(409, "PublicAccessNotPermitted", () -> box.setAccessPolicy(PublicAccessType.BLOB, null));
        BlobSignedIdentifier stored = new BlobSignedIdentifier().setId("one")
            .setAccessPolicy(new BlobAccessPolicy().setPermissions("r"));
        Storage.fails(501, "NotImplemented", () -> box.setAccessPolicy(null, List.of(stored)));
    }

    private void conditions() {
        BlobRequestConditions later = new BlobRequestConditions().setIfModifiedSince(OffsetDateTime.now().plusHours(1));
        Storage.fails(412, "ConditionNotMet", () -> box.setMetadataWithResponse(Map.of(), later, null, null));
        BlobRequestConditions earlier =
            new BlobRequestConditions().setIfUnmodifiedSince(OffsetDateTime.now().minusHours(1));
        Storage.fails(412, "ConditionNotMet", () -> box.deleteWithResponse(earlier, null, null));
        Main.same(box.exists(), true);
    }

    private void leases() {
        String another = "6c3f5b0a-9a06-4b6e-8d5d-1f7d3c1a0b11";
        BlobLeaseClient held = new BlobLeaseClientBuilder().containerClient(box).buildClient();
        Main.same(held.acquireLease(15), held.getLeaseId());
        BlobLeaseClient second = new BlobLeaseClientBuilder().containerClient(box).buildClient();
        Storage.fails(409, "LeaseAlreadyPresent", () -> second.acquireLease(15));
        Storage.fails(412, "LeaseIdMissing", box::delete);
        Main.same(held.changeLease(another), another);
        Main.same(held.renewLease(), another);
        BlobContainerProperties found = box.getProperties();
        Main.same(List.of(found.getLeaseState(), found.getLeaseDuration()),
            List.of(LeaseStateType.LEASED, LeaseDurationType.FIXED));
        BlobBreakLeaseOptions now = new BlobBreakLeaseOptions().setBreakPeriod(Duration.ZERO);
        Main.same(held.breakLeaseWithResponse(now, null, null).getValue(), 0);
        Main.same(box.getProperties().getLeaseState(), LeaseStateType.BROKEN);
        Storage.fails(409, "LeaseIsBrokenAndCannotBeRenewed", held::renewLease);
        held.releaseLease();
        Main.same(box.getProperties().getLeaseState(), LeaseStateType.AVAILABLE);
    }

    private List<BlobItem> listed(String prefix, BlobListDetails details) {
        return box.listBlobs(new ListBlobsOptions().setPrefix(prefix).setDetails(details), null).stream().toList();
    }

    /** What a list tells besides names. */
    private void includes() {
        BlobClient one = box.getBlobClient("in/one"), two = box.getBlobClient("in/two");
        one.upload(BinaryData.fromString("1"));
        one.setMetadata(Map.of("of", "one"));
        one.setTags(Map.of("state", "open"));
        String taken = one.createSnapshot().getSnapshotId();
        box.getBlobClient("in/staged").getBlockBlobClient().stageBlock(Storage.block("1"), BinaryData.fromString("x"));
        two.copyFromUrl(one.getBlobUrl());
        two.delete();

        Main.same(Storage.names(listed("in/", new BlobListDetails())), List.of("in/one"));
        BlobItem told = listed("in/", new BlobListDetails()
            .setRetrieveMetadata(true).setRetrieveTags(true).setRetrieveCopy(true)).get(0);
        Main.same(List.of(told.getMetadata(), told.getTags()), List.of(Map.of("of", "one"), Map.of("state", "open")));
        Main.same(told.getProperties().getTagCount(), 1);
        List<BlobItem> snapshots = listed("in/", new BlobListDetails().setRetrieveSnapshots(true));
        Main.same(List.of(snapshots.get(0).getSnapshot(), snapshots.size()), List.of(taken, 2));
        Main.same(Storage.names(listed("in/", new BlobListDetails().setRetrieveUncommittedBlobs(true))),
            List.of("in/one", "in/staged"));
        List<BlobItem> versions = listed("in/", new BlobListDetails().setRetrieveVersions(true));
        Main.same(Storage.names(versions), List.of("in/one", "in/one", "in/two"));
        Main.same(versions.get(1).isCurrentVersion(), true);
        two.getVersionClient(versions.get(2).getVersionId()).delete();
        BlobListDetails everything = new BlobListDetails().setRetrieveVersions(true).setRetrieveDeletedBlobs(true);
        BlobItem kept = listed("in/", everything).get(2);
        Main.same(List.of(kept.getName(), kept.isDeleted(), kept.getProperties().getRemainingRetentionDays()),
            List.of("in/two", true, 7));
    }

    private void hierarchies() {
        for (String name : List.of("h/a/1", "h/a/2", "h/b", "h/c/1")) {
            box.getBlobClient(name).upload(BinaryData.fromString(name));
        }
        Main.same(Storage.names(box.listBlobsByHierarchy("h/")), List.of("h/b", "h/a/", "h/c/"));
        ListBlobsOptions below = new ListBlobsOptions().setPrefix("h/").setMaxResultsPerPage(1);
        List<BlobItem> walked = box.listBlobsByHierarchy("/", below, null).stream().toList();
        Main.same(Storage.names(walked), List.of("h/a/", "h/b", "h/c/"));
        Main.same(walked.stream().filter(item -> Boolean.TRUE.equals(item.isPrefix())).count(), 2L);
    }

    private void searches() {
        Map<String, Map<String, String>> tagged = Map.of(
            "t/open", Map.of("kind", "t", "state", "open"),
            "t/shut", Map.of("kind", "t", "state", "shut", "year", "2026"));
        tagged.forEach((name, tags) -> {
            box.getBlobClient(name).upload(BinaryData.fromString(""));
            box.getBlobClient(name).setTags(tags);
        });
        FindBlobsOptions paged = new FindBlobsOptions("\"kind\" = 't' AND @container = 'box'").setMaxResultsPerPage(1);
        List<TaggedBlobItem> everywhere = account.findBlobsByTags(paged, null, null).stream().toList();
        Main.same(everywhere.stream().map(TaggedBlobItem::getName).toList(), List.of("t/open", "t/shut"));
        Main.same(everywhere.get(0).getContainerName(), "box");
        List<TaggedBlobItem> here = box.findBlobsByTags("\"kind\" = 't' AND \"year\" > '2025'").stream().toList();
        Main.same(here.stream().map(TaggedBlobItem::getName).toList(), List.of("t/shut"));
        Storage.fails(400, "InvalidQueryParameterValue", () -> box.findBlobsByTags("nonsense").iterator().next());
    }

    private void batches() {
        BlobBatchClient batches = new BlobBatchClientBuilder(account).buildClient();
        String url = box.getBlobContainerUrl();
        batches.setBlobsAccessTier(List.of(url + "/h/b", url + "/h/c/1"), AccessTier.COOL).forEach(went ->
            Main.same(went.getStatusCode(), 200));
        Main.same(box.getBlobClient("h/b").getProperties().getAccessTier(), AccessTier.COOL);
        batches.deleteBlobs(List.of(url + "/h/a/1", url + "/h/a/2"), DeleteSnapshotsOptionType.INCLUDE).forEach(went ->
            Main.same(went.getStatusCode(), 202));
        BlobBatch tiers = batches.getBlobBatch();
        var cooled = tiers.setBlobAccessTier("box", "h/b", AccessTier.COLD);
        batches.submitBatch(tiers);
        Main.same(cooled.getStatusCode(), 200);
        Main.same(box.getBlobClient("h/b").getProperties().getAccessTier(), AccessTier.COLD);
        BlobBatch batch = batches.getBlobBatch();
        var deleted = batch.deleteBlob("box", "h/c/1");
        var absent = batch.deleteBlob("box", "h/absent");
        Main.fails(1, BlobBatchStorageException.class, failure -> {
            int[] failed = {0};
            failure.getBatchExceptions().forEach(one -> failed[0]++);
            return failed[0];
        }, () -> batches.submitBatch(batch));
        Main.same(deleted.getStatusCode(), 202);
        Storage.fails(404, "BlobNotFound", absent::getStatusCode);
        Main.same(Storage.names(listed("h/", new BlobListDetails())), List.of("h/b"));
    }

    private void restoring() {
        account.deleteBlobContainer("box");
        Storage.fails(404, "ContainerNotFound", box::getProperties);
        BlobContainerListDetails details =
            new BlobContainerListDetails().setRetrieveDeleted(true).setRetrieveMetadata(true);
        BlobContainerItem lost = account.listBlobContainers(new ListBlobContainersOptions().setDetails(details), null)
            .stream().filter(item -> Boolean.TRUE.equals(item.isDeleted())).findFirst().orElseThrow();
        Main.same(List.of(lost.getMetadata(), lost.getProperties().getRemainingRetentionDays()),
            List.of(Map.of("team", "a"), 7));
        BlobContainerClient restored = account.undeleteBlobContainer("box", lost.getVersion());
        Main.same(restored.getBlobClient("h/b").downloadContent().toString(), "h/b");
        Storage.fails(404, "ContainerNotFound", () -> account.undeleteBlobContainer("box2", "01D60F8BB59A4652"));
    }
}

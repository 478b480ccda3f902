import com.azure.core.credential.TokenRequestContext;
import com.azure.core.http.HttpAuthorization;
import com.azure.core.util.BinaryData;
import com.azure.storage.blob.BlobClient;
import com.azure.storage.blob.BlobClientBuilder;
import com.azure.storage.blob.BlobContainerClient;
import com.azure.storage.blob.BlobContainerClientBuilder;
import com.azure.storage.blob.BlobServiceClient;
import com.azure.storage.blob.models.AccessTier;
import com.azure.storage.blob.models.BlobCopyInfo;
import com.azure.storage.blob.models.BlobHttpHeaders;
import com.azure.storage.blob.models.BlobProperties;
import com.azure.storage.blob.models.BlobRange;
import com.azure.storage.blob.models.BlobRequestConditions;
import com.azure.storage.blob.models.CopyStatusType;
import com.azure.storage.blob.models.PageRange;
import com.azure.storage.blob.models.UserDelegationKey;
import com.azure.storage.blob.options.BlobBeginCopyOptions;
import com.azure.storage.blob.options.BlobCopyFromUrlOptions;
import com.azure.storage.blob.options.BlobParallelUploadOptions;
import com.azure.storage.blob.options.BlobUploadFromUrlOptions;
import com.azure.storage.blob.sas.BlobContainerSasPermission;
import com.azure.storage.blob.sas.BlobSasPermission;
import com.azure.storage.blob.sas.BlobServiceSasSignatureValues;
import com.azure.storage.blob.specialized.AppendBlobClient;
import com.azure.storage.blob.specialized.BlobClientBase;
import com.azure.storage.blob.specialized.BlockBlobClient;
import com.azure.storage.blob.specialized.PageBlobClient;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Shared access signatures, and copies in every way. */
final class Sharing {
    private static final String NAME = "folder/ä b?.bin";

    private final BlobServiceClient account = Storage.account();
    private final BlobContainerClient box = account.createBlobContainer("box");
    private final BlobClient source = box.getBlobClient(NAME);
    private final byte[] data = new byte[2_000_000];

    static void whole() {
        Sharing work = new Sharing();
        new Random(1).nextBytes(work.data);
        work.source.uploadWithResponse(new BlobParallelUploadOptions(BinaryData.fromBytes(work.data))
            .setMetadata(Map.of("team", "a")).setHeaders(new BlobHttpHeaders().setContentType("text/plain")),
            null, null);
        work.signatures();
        work.copies();
        work.parts();
        work.elsewhere();
        System.out.println("ok");
    }

    private static BlobClient shared(String url, String signature) {
        return new BlobClientBuilder().endpoint(url + "?" + signature).buildClient();
    }

    private static byte[] bytes(BlobClientBase blob) {
        return blob.downloadContent().toBytes();
    }

    private void signatures() {
        OffsetDateTime start = OffsetDateTime.now().minusMinutes(5), end = OffsetDateTime.now().plusHours(1);
        UserDelegationKey key = account.getUserDelegationKey(start, end);
        BlobSasPermission reading = new BlobSasPermission().setReadPermission(true);
        String read = source.generateUserDelegationSas(
            new BlobServiceSasSignatureValues(end, reading).setStartTime(start).setContentType("a/b"), key);
        BlobClient byAnybody = shared(source.getBlobUrl(), read);
        Main.same(bytes(byAnybody), data);
        Main.same(byAnybody.getProperties().getContentType(), "a/b");
        Storage.fails(403, "AuthorizationPermissionMismatch", byAnybody::delete);
        Storage.fails(403, "AuthorizationPermissionMismatch", () -> byAnybody.upload(BinaryData.fromString("x"), true));
        String other = box.getBlobClient("other").getBlobUrl();
        Storage.fails(403, "AuthenticationFailed", () -> bytes(shared(other, read)));
        String late = source.generateUserDelegationSas(
            new BlobServiceSasSignatureValues(OffsetDateTime.now().minusSeconds(1), reading), key);
        Storage.fails(403, "AuthenticationFailed", () -> bytes(shared(source.getBlobUrl(), late)));
        String forged = read.replace("sp=r", "sp=rw");
        Storage.fails(403, "AuthenticationFailed", () -> bytes(shared(source.getBlobUrl(), forged)));

        BlobClientBase snapshot = source.createSnapshot();
        String old = snapshot.generateUserDelegationSas(new BlobServiceSasSignatureValues(end, reading), key);
        BlobClient byMoment = new BlobClientBuilder().endpoint(source.getBlobUrl() + "?" + old)
            .snapshot(snapshot.getSnapshotId()).buildClient();
        Main.same(bytes(byMoment), data);
        Storage.fails(403, "AuthenticationFailed", () -> bytes(shared(source.getBlobUrl(), old)));

        BlobContainerSasPermission most = new BlobContainerSasPermission().setReadPermission(true)
            .setCreatePermission(true).setWritePermission(true).setDeletePermission(true).setListPermission(true);
        String whole = box.generateUserDelegationSas(new BlobServiceSasSignatureValues(end, most), key);
        BlobContainerClient byList =
            new BlobContainerClientBuilder().endpoint(box.getBlobContainerUrl() + "?" + whole).buildClient();
        byList.getBlobClient("by signature").upload(BinaryData.fromString("x"));
        Main.same(Storage.names(byList.listBlobs()), List.of("by signature", NAME));
        byList.getBlobClient("by signature").delete();
    }

    private void copies() {
        BlobClient copy = box.getBlobClient("copy");
        String url = source.getBlobUrl();
        BlobCopyInfo done = copy.beginCopy(url, Duration.ofMillis(50)).waitForCompletion().getValue();
        Main.same(done.getCopyStatus(), CopyStatusType.SUCCESS);
        BlobProperties found = copy.getProperties();
        Main.same(List.of(found.getCopySource(), found.getMetadata(), found.getContentType()),
            List.of(url, Map.of("team", "a"), "text/plain"));
        Main.same(bytes(copy), data);
        Storage.fails(409, "NoPendingCopyOperation", () -> copy.abortCopyFromUrl(found.getCopyId()));
        copy.copyFromUrlWithResponse(new BlobCopyFromUrlOptions(url).setMetadata(Map.of("team", "b"))
            .setTier(AccessTier.COOL).setTags(Map.of("a", "b")), null, null);
        BlobProperties changed = copy.getProperties();
        Main.same(List.of(changed.getMetadata(), changed.getAccessTier(), changed.getTagCount()),
            List.of(Map.of("team", "b"), AccessTier.COOL, 1L));
        copy.getBlockBlobClient().uploadFromUrl(url, true);
        Main.same(bytes(copy), data);
        Storage.fails(409, "BlobAlreadyExists", () -> copy.getBlockBlobClient().uploadFromUrl(url));
        Storage.fails(412, "SourceConditionNotMet", () -> copy.copyFromUrlWithResponse(url, null, null,
            new BlobRequestConditions().setIfMatch("\"0x1\""), null, null, null));
        BlobRequestConditions absent = new BlobRequestConditions().setIfNoneMatch("*");
        Storage.fails(409, "BlobAlreadyExists", () ->
            copy.beginCopy(new BlobBeginCopyOptions(url).setDestinationRequestConditions(absent)));
        String nothing = box.getBlobClient("absent").getBlobUrl();
        Storage.fails(404, "CannotVerifyCopySource", () -> copy.copyFromUrl(nothing));
    }

    /** Ranges of a blob that become parts of another one, of each type. */
    private void parts() {
        String url = source.getBlobUrl();
        BlobRange second = new BlobRange(1_000_000, 1_000_000L);
        byte[] half = Arrays.copyOfRange(data, 1_000_000, 2_000_000);
        BlockBlobClient blocks = box.getBlobClient("blocks").getBlockBlobClient();
        blocks.stageBlockFromUrl(Storage.block("1"), url, second);
        blocks.commitBlockList(List.of(Storage.block("1")));
        Main.same(bytes(blocks), half);
        AppendBlobClient log = box.getBlobClient("log").getAppendBlobClient();
        log.create();
        log.appendBlockFromUrl(url, second);
        Main.same(bytes(log), half);
        PageBlobClient disk = box.getBlobClient("disk").getPageBlobClient();
        disk.create(2048);
        disk.uploadPagesFromUrl(new PageRange().setStart(512).setEnd(1535), url, 512L);
        Main.same(Arrays.copyOfRange(bytes(disk), 512, 1536), Arrays.copyOfRange(data, 512, 1536));
        Storage.fails(501, "NotImplemented", () -> disk.copyIncremental(url, "2020-01-01T00:00:00.0000000Z"));
    }

    /** From another account, where the token has to be shown. */
    private void elsewhere() {
        String url = System.getenv("OTHER_BLOB");
        BlobClient copied = box.getBlobClient("elsewhere");
        Storage.fails(403, "CannotVerifyCopySource", () -> copied.copyFromUrl(url));
        TokenRequestContext asked = new TokenRequestContext().addScopes("https://storage.azure.com/.default");
        HttpAuthorization bearer = new HttpAuthorization("Bearer", Main.credential().getTokenSync(asked).getToken());
        copied.copyFromUrlWithResponse(new BlobCopyFromUrlOptions(url).setSourceAuthorization(bearer), null, null);
        Main.same(copied.downloadContent().toString(), "from elsewhere");
        BlobUploadFromUrlOptions again = new BlobUploadFromUrlOptions(url).setSourceAuthorization(bearer);
        copied.getBlockBlobClient().uploadFromUrlWithResponse(again, null, null);
        Main.same(copied.downloadContent().toString(), "from elsewhere");
    }
}

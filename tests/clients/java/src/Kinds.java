import com.azure.storage.blob.BlobContainerClient;
import com.azure.storage.blob.models.AppendBlobItem;
import com.azure.storage.blob.models.AppendBlobRequestConditions;
import com.azure.storage.blob.models.BlobProperties;
import com.azure.storage.blob.models.BlobRange;
import com.azure.storage.blob.models.BlobType;
import com.azure.storage.blob.models.ClearRange;
import com.azure.storage.blob.models.PageBlobRequestConditions;
import com.azure.storage.blob.models.PageList;
import com.azure.storage.blob.models.PageRange;
import com.azure.storage.blob.models.PageRangeItem;
import com.azure.storage.blob.models.SequenceNumberActionType;
import com.azure.storage.blob.options.AppendBlobCreateOptions;
import com.azure.storage.blob.options.ListPageRangesOptions;
import com.azure.storage.blob.options.PageBlobCreateOptions;
import com.azure.storage.blob.specialized.AppendBlobClient;
import com.azure.storage.blob.specialized.PageBlobClient;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Map;

/** Append blobs and page blobs. */
final class Kinds {
    private static final int PAGE = 512;

    private final BlobContainerClient box = Storage.account().createBlobContainer("box");

    static void whole() throws IOException, NoSuchAlgorithmException {
        Kinds work = new Kinds();
        work.appends();
        work.disks();
        System.out.println("ok");
    }

    private static ByteArrayInputStream stream(byte[] bytes) {
        return new ByteArrayInputStream(bytes);
    }

    private void appends() throws IOException, NoSuchAlgorithmException {
        AppendBlobClient log = box.getBlobClient("log").getAppendBlobClient();
        log.createWithResponse(
            new AppendBlobCreateOptions().setMetadata(Map.of("team", "a")).setTags(Map.of("a", "b")), null, null);
        Main.same(log.createIfNotExistsWithResponse(new AppendBlobCreateOptions(), null, null).getStatusCode(), 409);
        Storage.fails(409, "BlobAlreadyExists", log::create);
        byte[] one = "one\n".getBytes(StandardCharsets.US_ASCII), no = "no".getBytes(StandardCharsets.US_ASCII);
        AppendBlobItem first = log.appendBlock(stream(one), one.length);
        Main.same(List.of(first.getBlobAppendOffset(), first.getBlobCommittedBlockCount()), List.of("0", 1));
        byte[] md5 = MessageDigest.getInstance("MD5").digest(one);
        Main.same(log.appendBlockWithResponse(stream(one), one.length, md5, null, null, null)
            .getValue().getBlobAppendOffset(), "4");
        Storage.fails(400, "Md5Mismatch", () -> log.appendBlockWithResponse(stream(no), 2, md5, null, null, null));
        AppendBlobRequestConditions elsewhere = new AppendBlobRequestConditions().setAppendPosition(3L);
        Storage.fails(412, "AppendPositionConditionNotMet", () ->
            log.appendBlockWithResponse(stream(no), 2, null, elsewhere, null, null));
        AppendBlobRequestConditions full = new AppendBlobRequestConditions().setMaxSize(9L);
        Storage.fails(412, "MaxBlobSizeConditionNotMet", () ->
            log.appendBlockWithResponse(stream(no), 2, null, full, null, null));
        try (OutputStream out = log.getBlobOutputStream()) {
            out.write(one);
        }
        Main.same(log.downloadContent().toString(), "one\none\none\n");
        log.seal();
        Storage.fails(409, "BlobIsSealed", () -> log.appendBlock(stream(no), 2));
        BlobProperties found = log.getProperties();
        Main.same(
            List.of(found.getBlobType(), found.isSealed(), found.getCommittedBlockCount(), found.getMetadata()),
            List.of(BlobType.APPEND_BLOB, true, 3, Map.of("team", "a")));
        Storage.fails(409, "InvalidBlobType", () ->
            box.getBlobClient("log").getBlockBlobClient().stageBlock(Storage.block("1"), stream(no), 2));
    }

    private static PageRange pages(int at, int count) {
        return new PageRange().setStart((long) at * PAGE).setEnd((long) (at + count) * PAGE - 1);
    }

    private static byte[] filled(String letter, int count) {
        return letter.repeat(count * PAGE).getBytes(StandardCharsets.US_ASCII);
    }

    private void disks() throws IOException {
        PageBlobClient disk = box.getBlobClient("disk").getPageBlobClient();
        PageBlobCreateOptions eight = new PageBlobCreateOptions(8L * PAGE);
        disk.createWithResponse(eight.setSequenceNumber(3L).setMetadata(Map.of("team", "a")), null, null);
        Main.same(disk.createIfNotExistsWithResponse(new PageBlobCreateOptions(PAGE), null, null).getStatusCode(), 409);
        disk.uploadPages(pages(1, 3), stream(filled("a", 3)));
        try (OutputStream out = disk.getBlobOutputStream(pages(6, 1))) {
            out.write(filled("b", 1));
        }
        disk.clearPages(pages(2, 1));
        String nothing = "\0".repeat(PAGE), a = "a".repeat(PAGE), b = "b".repeat(PAGE);
        Main.same(disk.downloadContent().toString(),
            nothing + a + nothing + a + nothing + nothing + b + nothing);
        BlobRange all = new BlobRange(0);
        List<List<Long>> covered = List.of(List.of(1L, 2L), List.of(3L, 4L), List.of(6L, 7L));
        ListPageRangesOptions two = new ListPageRangesOptions(all).setMaxResultsPerPage(2);
        List<PageRangeItem> found = disk.listPageRanges(two, null, null).stream().toList();
        Main.same(found.stream().map(item -> item.getRange())
            .map(range -> part(range.getOffset(), range.getLength())).toList(), covered);
        Main.same(disk.getPageRanges(all).getPageRange().stream()
            .map(range -> part(range.getStart(), range.getEnd() - range.getStart() + 1)).toList(), covered);

        String before = disk.createSnapshot().getSnapshotId();
        disk.uploadPages(pages(5, 1), stream(filled("c", 1)));
        disk.clearPages(pages(1, 1));
        PageList changes = disk.getPageRangesDiff(all, before);
        PageRange written = changes.getPageRange().get(0);
        ClearRange cleared = changes.getClearRange().get(0);
        Main.same(List.of(written.getStart(), written.getEnd(), cleared.getStart(), cleared.getEnd()),
            List.of(5L * PAGE, 6L * PAGE - 1, (long) PAGE, 2L * PAGE - 1));
        Main.same(disk.listPageRangesDiff(all, before).stream().filter(PageRangeItem::isClear).count(), 1L);
        Storage.fails(501, "NotImplemented", () ->
            disk.getManagedDiskPageRangesDiff(all, disk.getBlobUrl() + "?snapshot=" + before));
        disk.updateSequenceNumber(SequenceNumberActionType.MAX, 9L);
        PageBlobRequestConditions below = new PageBlobRequestConditions().setIfSequenceNumberLessThan(9L);
        Storage.fails(412, "SequenceNumberConditionNotMet", () ->
            disk.uploadPagesWithResponse(pages(0, 1), stream(filled("d", 1)), null, below, null, null));
        Storage.fails(416, "InvalidPageRange", () -> disk.uploadPages(pages(8, 1), stream(filled("d", 1))));
        disk.resize(6L * PAGE);
        BlobProperties properties = disk.getProperties();
        Main.same(List.of(properties.getBlobType(), properties.getBlobSize(), properties.getBlobSequenceNumber()),
            List.of(BlobType.PAGE_BLOB, 6L * PAGE, 9L));
        Storage.fails(409, "InvalidBlobType", () ->
            box.getBlobClient("disk").getAppendBlobClient().appendBlock(stream(filled("x", 1)), PAGE));
    }

    /** From which page to which. */
    private static List<Long> part(long offset, long count) {
        return List.of(offset / PAGE, (offset + count) / PAGE);
    }
}

import com.azure.core.http.rest.PagedResponse;
import com.azure.core.util.BinaryData;
import com.azure.storage.blob.BlobClient;
import com.azure.storage.blob.BlobContainerClient;
import com.azure.storage.blob.BlobServiceClient;
import com.azure.storage.blob.models.AccessTier;
import com.azure.storage.blob.models.BlobHttpHeaders;
import com.azure.storage.blob.models.BlobItem;
import com.azure.storage.blob.models.BlobListDetails;
import com.azure.storage.blob.models.BlobProperties;
import com.azure.storage.blob.models.BlobRange;
import com.azure.storage.blob.models.BlobRequestConditions;
import com.azure.storage.blob.models.BlobType;
import com.azure.storage.blob.models.BlobSeekableByteChannelReadResult;
import com.azure.storage.blob.models.BlockList;
import com.azure.storage.blob.models.BlockListType;
import com.azure.storage.blob.models.ListBlobContainersOptions;
import com.azure.storage.blob.models.ListBlobsOptions;
import com.azure.storage.blob.models.ParallelTransferOptions;
import com.azure.storage.blob.options.BlobParallelUploadOptions;
import com.azure.storage.blob.options.BlockBlobSeekableByteChannelWriteOptions;
import com.azure.storage.blob.specialized.BlockBlobClient;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** The life of containers and block blobs. */
final class Blobs {
    private static final String SPECIAL = "folder/whole ä#?%.bin";
    private static final List<String> NAMES = List.of("blocks", "by-hand", "empty", SPECIAL, "streamed");

    private final BlobServiceClient account = Storage.account();
    private final BlobContainerClient box = account.getBlobContainerClient("box");
    private final BlobClient whole = box.getBlobClient(SPECIAL);
    private final byte[] data = new byte[300_000];

    static void life() throws IOException {
        Blobs blobs = new Blobs();
        new Random(1).nextBytes(blobs.data);
        blobs.containers();
        blobs.uploads();
        blobs.blocksByHand();
        blobs.properties();
        blobs.files();
        blobs.channels();
        blobs.lists();
        blobs.deletion();
        System.out.println("ok");
    }

    private void containers() {
        box.createWithResponse(Map.of("team", "a"), null, null, null);
        Storage.fails(409, "ContainerAlreadyExists", box::create);
        Main.same(box.createIfNotExists(), false);
        account.createBlobContainerIfNotExists("box");
        account.createBlobContainer("c-one");
        account.createBlobContainer("c-two");
        Main.same(containersWith(""), List.of("box", "c-one", "c-two"));
        account.deleteBlobContainer("c-one");
        Main.same(account.deleteBlobContainerIfExists("c-one"), false);
        Main.same(containersWith("c-"), List.of("c-two"));
        Main.same(account.getBlobContainerClient("c-one").exists(), false);
        Main.same(box.getProperties().getMetadata(), Map.of("team", "a"));
        box.setMetadata(Map.of("team", "b"));
        Main.same(box.getProperties().getMetadata(), Map.of("team", "b"));
    }

    private List<String> containersWith(String prefix) {
        ListBlobContainersOptions options = new ListBlobContainersOptions().setPrefix(prefix);
        return account.listBlobContainers(options, null).stream().map(item -> item.getName()).toList();
    }

    private void uploads() throws IOException {
        BlobHttpHeaders headers = new BlobHttpHeaders()
            .setContentType("text/css").setCacheControl("max-age=60").setContentLanguage("de");
        whole.uploadWithResponse(new BlobParallelUploadOptions(BinaryData.fromBytes(data))
            .setHeaders(headers).setMetadata(Map.of("team", "b")), null, null);
        Main.same(whole.downloadContent().toBytes(), data);
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        whole.downloadStream(written);
        Main.same(written.toByteArray(), data);
        Main.same(part(100, 1000L), Arrays.copyOfRange(data, 100, 1100));
        Main.same(part(299_000, null), Arrays.copyOfRange(data, 299_000, 300_000));
        try (InputStream stream = whole.openInputStream()) {
            Main.same(stream.readAllBytes(), data);
        }

        BlobClient blocks = box.getBlobClient("blocks");
        ParallelTransferOptions parallel = new ParallelTransferOptions()
            .setBlockSizeLong(65_536L).setMaxSingleUploadSizeLong(65_536L).setMaxConcurrency(3);
        blocks.uploadWithResponse(new BlobParallelUploadOptions(new ByteArrayInputStream(data))
            .setParallelTransferOptions(parallel), null, null);
        Main.same(blocks.downloadContent().toBytes(), data);
        Main.same(blocks.getBlockBlobClient().listBlocks(BlockListType.COMMITTED).getCommittedBlocks().size(), 5);
        BlockBlobClient streamed = box.getBlobClient("streamed").getBlockBlobClient();
        try (OutputStream stream = streamed.getBlobOutputStream(true)) {
            for (int start = 0; start < data.length; start += 10_000) {
                stream.write(data, start, 10_000);
            }
        }
        Main.same(streamed.downloadContent().toBytes(), data);
        Storage.fails(409, "BlobAlreadyExists", () -> blocks.upload(BinaryData.fromString("x")));
        BlobClient empty = box.getBlobClient("empty");
        empty.upload(BinaryData.fromBytes(new byte[0]));
        Main.same(empty.downloadContent().toBytes(), new byte[0]);
    }

    private void files() throws IOException {
        Path folder = Files.createTempDirectory("keyless-java-");
        Path up = folder.resolve("up"), down = folder.resolve("down");
        Files.write(up, data);
        BlobClient filed = box.getBlobClient("filed");
        filed.uploadFromFile(up.toString());
        Storage.fails(409, "BlobAlreadyExists", () -> filed.uploadFromFile(up.toString()));
        Main.same(filed.downloadToFile(down.toString()).getBlobSize(), 300_000L);
        Main.same(Files.readAllBytes(down), data);
        filed.delete();
        Files.delete(up);
        Files.delete(down);
        Files.delete(folder);
    }

    /** Channels, which read and write at the client's own pace. */
    private void channels() throws IOException {
        BlockBlobClient channelled = box.getBlobClient("channelled").getBlockBlobClient();
        BlockBlobSeekableByteChannelWriteOptions options = new BlockBlobSeekableByteChannelWriteOptions(
            BlockBlobSeekableByteChannelWriteOptions.WriteMode.OVERWRITE);
        try (SeekableByteChannel channel = channelled.openSeekableByteChannelWrite(options)) {
            channel.write(ByteBuffer.wrap(data));
        }
        BlobSeekableByteChannelReadResult reading = channelled.openSeekableByteChannelRead(null, null);
        ByteBuffer found = ByteBuffer.allocate(1000);
        try (SeekableByteChannel channel = reading.getChannel()) {
            channel.position(299_500);
            Main.same(channel.read(found), 500);
        }
        Main.same(Arrays.copyOf(found.array(), 500), Arrays.copyOfRange(data, 299_500, 300_000));
        channelled.delete();
    }

    private byte[] part(long offset, Long count) {
        ByteArrayOutputStream found = new ByteArrayOutputStream();
        whole.downloadStreamWithResponse(found, new BlobRange(offset, count), null, null, false, null, null);
        return found.toByteArray();
    }

    private void blocksByHand() {
        BlockBlobClient byHand = box.getBlobClient("by-hand").getBlockBlobClient();
        String one = Storage.block("~~>"), two = Storage.block("~~?");
        byHand.stageBlock(one, BinaryData.fromString("first "));
        byHand.stageBlock(two, BinaryData.fromString("second "));
        BlockList staged = byHand.listBlocks(BlockListType.UNCOMMITTED);
        Main.same(staged.getUncommittedBlocks().stream().map(block -> block.getName()).toList(), List.of(one, two));
        byHand.commitBlockList(List.of(two, one));
        Main.same(byHand.downloadContent().toString(), "second first ");
    }

    private void properties() {
        BlobProperties found = whole.getProperties();
        Main.same(List.of(found.getContentType(), found.getCacheControl(), found.getContentLanguage()),
            List.of("text/css", "max-age=60", "de"));
        Main.same(found.getMetadata(), Map.of("team", "b"));
        Main.same(List.of(found.getBlobSize(), found.getAccessTier(), found.getBlobType(), found.isServerEncrypted()),
            List.of(300_000L, AccessTier.HOT, BlobType.BLOCK_BLOB, true));
        Main.same(found.getLastModified().isAfter(OffsetDateTime.now().minusMinutes(1)), true);
        BlobRequestConditions other = new BlobRequestConditions().setIfMatch("\"other\"");
        Storage.fails(412, "ConditionNotMet", () -> whole.getPropertiesWithResponse(other, null, null));
        BlobRequestConditions known = new BlobRequestConditions().setIfNoneMatch(found.getETag());
        Storage.fails(304, "ConditionNotMet", () -> whole.getPropertiesWithResponse(known, null, null));
        Storage.fails(416, "InvalidRange", () -> part(300_000, 1L));
        BlobClient absent = box.getBlobClient("absent");
        Storage.fails(404, "BlobNotFound", absent::downloadContent);
        Main.same(absent.exists(), false);
        Main.same(whole.exists(), true);
        whole.setMetadata(Map.of("other", "x y"));
        whole.setHttpHeaders(new BlobHttpHeaders().setContentType("image/png"));
        BlobProperties changed = whole.getProperties();
        Main.same(changed.getContentType(), "image/png");
        Main.same(changed.getCacheControl(), null);
        Main.same(changed.getMetadata(), Map.of("other", "x y"));
    }

    private void lists() {
        Main.same(Storage.names(box.listBlobs()), NAMES);
        ListBlobsOptions some = new ListBlobsOptions().setPrefix("b");
        Main.same(Storage.names(box.listBlobs(some, null)), List.of("blocks", "by-hand"));
        List<Integer> sizes = new ArrayList<>();
        List<String> found = new ArrayList<>();
        for (PagedResponse<BlobItem> page : box.listBlobs().iterableByPage(2)) {
            sizes.add(page.getValue().size());
            found.addAll(Storage.names(page.getValue()));
        }
        Main.same(sizes, List.of(2, 2, 1));
        Main.same(found, NAMES);
        List<String> walked = new ArrayList<>(List.of("blocks", "by-hand", "empty", "streamed", "folder/"));
        Main.same(Storage.names(box.listBlobsByHierarchy("")), walked);
        BlobListDetails details = new BlobListDetails().setRetrieveMetadata(true);
        ListBlobsOptions folder = new ListBlobsOptions().setPrefix("folder/").setDetails(details);
        BlobItem listed = box.listBlobs(folder, null).iterator().next();
        Main.same(listed.getProperties().getContentLength(), 300_000L);
        Main.same(listed.getMetadata(), Map.of("other", "x y"));
    }

    private void deletion() {
        BlobClient byHand = box.getBlobClient("by-hand");
        byHand.delete();
        Main.same(byHand.deleteIfExists(), false);
        Storage.fails(404, "BlobNotFound", byHand::delete);
        box.delete();
        account.deleteBlobContainer("c-two");
        Main.same(box.deleteIfExists(), false);
        Main.same(whole.exists(), false);
    }
}

import com.azure.storage.blob.BlobServiceClient;
import com.azure.storage.blob.BlobServiceClientBuilder;
import com.azure.storage.blob.models.BlobItem;
import com.azure.storage.blob.models.BlobStorageException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** What the works on blobs share. */
final class Storage {
    static BlobServiceClient account() {
        return new BlobServiceClientBuilder()
            .endpoint(System.getenv("ACCOUNT_URL")).credential(Main.credential()).buildClient();
    }

    /** The call must be refused by the service, with this status and code. */
    static void fails(int status, String code, Runnable call) {
        Main.fails(List.of(status, code), BlobStorageException.class,
            failure -> List.of(failure.getStatusCode(), failure.getErrorCode().toString()), call);
    }

    static List<String> names(Iterable<BlobItem> items) {
        List<String> names = new ArrayList<>();
        items.forEach(item -> names.add(item.getName()));
        return names;
    }

    /** A block's ID. */
    static String block(String id) {
        return Base64.getEncoder().encodeToString(id.getBytes(StandardCharsets.US_ASCII));
    }
}

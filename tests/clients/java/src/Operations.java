import com.azure.json.JsonProviders;
import com.azure.json.JsonWriter;
import com.azure.security.keyvault.secrets.SecretClient;
import com.azure.storage.blob.BlobClient;
import com.azure.storage.blob.BlobContainerClient;
import com.azure.storage.blob.BlobServiceClient;
import com.azure.storage.blob.batch.BlobBatch;
import com.azure.storage.blob.batch.BlobBatchClient;
import com.azure.storage.blob.specialized.AppendBlobClient;
import com.azure.storage.blob.specialized.BlobLeaseClient;
import com.azure.storage.blob.specialized.BlockBlobClient;
import com.azure.storage.blob.specialized.PageBlobClient;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What the clients can be asked for. */
final class Operations {
    private static final List<Class<?>> CLIENTS = List.of(
        SecretClient.class, BlobServiceClient.class, BlobContainerClient.class, BlobClient.class, BlockBlobClient.class,
        AppendBlobClient.class, PageBlobClient.class, BlobLeaseClient.class, BlobBatchClient.class, BlobBatch.class);

    /** Prints the names by class; of a pair, one of which also gives the answer's headers, the plain one. */
    static void print() throws IOException {
        Map<String, Set<String>> found = new TreeMap<>();
        for (Class<?> client : CLIENTS) {
            Set<String> names = found.computeIfAbsent(client.getSimpleName(), name -> new TreeSet<>());
            for (Method method : client.getMethods()) {
                if (method.getDeclaringClass() != Object.class && !Modifier.isStatic(method.getModifiers())) {
                    names.add(method.getName().replaceFirst("WithResponse$", ""));
                }
            }
        }
        StringWriter text = new StringWriter();
        try (JsonWriter writer = JsonProviders.createWriter(text)) {
            writer.writeMap(found, (inner, names) -> inner.writeArray(names, JsonWriter::writeString));
        }
        System.out.println(text);
    }
}

import com.azure.core.credential.TokenCredential;
import com.azure.core.exception.HttpResponseException;
import com.azure.core.util.BinaryData;
import com.azure.security.keyvault.secrets.SecretClient;
import com.azure.security.keyvault.secrets.SecretClientBuilder;
import com.azure.storage.blob.BlobClient;
import com.azure.storage.blob.BlobContainerClient;
import com.azure.storage.blob.BlobContainerClientBuilder;
import com.azure.storage.blob.models.BlobStorageException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.Map;

/** Does what it is told to, one line of standard input each, with the same credential; prints how each went. */
final class Refusals {
    static void asTold() throws IOException {
        TokenCredential credential = Main.credential();
        SecretClient vault =
            new SecretClientBuilder().vaultUrl(System.getenv("VAULT_URL")).credential(credential).buildClient();
        BlobContainerClient box = new BlobContainerClientBuilder().endpoint(System.getenv("ACCOUNT_URL"))
            .containerName("box").credential(credential).buildClient();
        BlobClient blob = box.getBlobClient("hello.txt");
        Map<String, Runnable> actions = Map.of(
            "get secret", () -> vault.getSecret("greeting"),
            "set secret", () -> vault.setSecret("greeting", "mine"),
            "read blob", blob::downloadContent,
            "blob properties", blob::getProperties,
            "write blob", () -> blob.upload(BinaryData.fromString("mine"), true),
            "list blobs", () -> box.listBlobs().forEach(item -> { }));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(said(actions.get(line)));
        }
    }

    private static String said(Runnable action) {
        try {
            action.run();
            return "done";
        } catch (BlobStorageException refusal) {
            return refusal.getStatusCode() + " " + refusal.getErrorCode();
        } catch (HttpResponseException refusal) {
            return String.valueOf(refusal.getResponse().getStatusCode());
        }
    }
}

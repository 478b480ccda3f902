import com.azure.core.exception.HttpResponseException;
import com.azure.core.http.rest.PagedResponse;
import com.azure.core.util.polling.SyncPoller;
import com.azure.security.keyvault.secrets.SecretClient;
import com.azure.security.keyvault.secrets.SecretClientBuilder;
import com.azure.security.keyvault.secrets.models.DeletedSecret;
import com.azure.security.keyvault.secrets.models.KeyVaultSecret;
import com.azure.security.keyvault.secrets.models.SecretProperties;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The whole life of secrets. */
final class Secrets {
    private static final String TEXT = "Grüße 🔑\n\"'";

    private final String url = System.getenv("VAULT_URL");
    private final SecretClient client =
        new SecretClientBuilder().vaultUrl(url).credential(Main.credential()).buildClient();

    static void life() {
        Secrets secrets = new Secrets();
        KeyVaultSecret newer = secrets.versions();
        secrets.attributes(newer.getProperties());
        secrets.backup(newer.getProperties().getVersion());
        secrets.lists();
        secrets.deletion();
        System.out.println("ok");
    }

    private KeyVaultSecret versions() {
        KeyVaultSecret secret = new KeyVaultSecret("db", TEXT);
        secret.setProperties(new SecretProperties().setContentType("text/plain").setTags(Map.of("team", "a")));
        SecretProperties first = client.setSecret(secret).getProperties();
        KeyVaultSecret second = client.setSecret("db", "newer");
        Main.same(client.getSecret("db").getValue(), "newer");
        KeyVaultSecret old = client.getSecret("db", first.getVersion());
        Main.same(old.getValue(), TEXT);
        Main.same(old.getProperties().getContentType(), "text/plain");
        Main.same(old.getProperties().getTags(), Map.of("team", "a"));
        Main.same(old.getId(), url + "/secrets/db/" + first.getVersion());
        Set<String> found = new TreeSet<>();
        client.listPropertiesOfSecretVersions("db").forEach(version -> found.add(version.getVersion()));
        Main.same(found, Set.of(first.getVersion(), second.getProperties().getVersion()));
        return second;
    }

    private void attributes(SecretProperties properties) {
        OffsetDateTime expires = OffsetDateTime.parse("2030-01-01T00:00:00Z");
        SecretProperties changed = client.updateSecretProperties(
            properties.setEnabled(false).setExpiresOn(expires).setTags(Map.of("a", "b")));
        Main.same(changed.isEnabled(), false);
        Main.same(changed.getExpiresOn().toInstant(), expires.toInstant());
        Main.same(changed.getTags(), Map.of("a", "b"));
        Main.same(changed.getRecoveryLevel(), "Recoverable+Purgeable");
        Main.same(changed.getRecoverableDays(), 90);
        fails(403, () -> client.getSecret("db"));
        client.updateSecretProperties(changed.setEnabled(true));
        Main.same(client.getSecret("db").getValue(), "newer");
    }

    private void backup(String version) {
        byte[] backup = client.backupSecret("db");
        fails(409, () -> client.restoreSecretBackup(backup));
        delete();
        client.purgeDeletedSecret("db");
        Main.same(client.restoreSecretBackup(backup).getProperties().getVersion(), version);
        Main.same(client.getSecret("db").getValue(), "newer");
    }

    private void lists() {
        Set<String> names = new TreeSet<>(Set.of("db"));
        for (int number = 0; number < 30; number++) {
            names.add(client.setSecret("s" + number, "one of many").getName());
        }
        List<String> found = new ArrayList<>();
        int pages = 0;
        for (PagedResponse<SecretProperties> page : client.listPropertiesOfSecrets().iterableByPage()) {
            page.getValue().forEach(secret -> found.add(secret.getName()));
            pages++;
        }
        Main.same(found.size(), names.size());
        Main.same(new TreeSet<>(found), names);
        Main.same(pages > 1, true);
    }

    private void deletion() {
        Main.same(delete().getRecoveryId(), url + "/deletedsecrets/db");
        fails(404, () -> client.getSecret("db"));
        fails(409, () -> client.setSecret("db", "again"));
        List<String> deleted = new ArrayList<>();
        client.listDeletedSecrets().forEach(secret -> deleted.add(secret.getName()));
        Main.same(deleted, List.of("db"));
        Main.same(client.getDeletedSecret("db").getScheduledPurgeDate().isAfter(OffsetDateTime.now()), true);
        SyncPoller<KeyVaultSecret, Void> recovery = client.beginRecoverDeletedSecret("db");
        recovery.setPollInterval(Duration.ofMillis(50)).waitForCompletion();
        Main.same(client.getSecret("db").getValue(), "newer");
        delete();
        client.purgeDeletedSecret("db");
        fails(404, () -> client.getDeletedSecret("db"));
    }

    private DeletedSecret delete() {
        SyncPoller<DeletedSecret, Void> deletion = client.beginDeleteSecret("db");
        return deletion.setPollInterval(Duration.ofMillis(50)).waitForCompletion().getValue();
    }

    private static void fails(int status, Runnable call) {
        Main.fails(status, HttpResponseException.class, failure -> failure.getResponse().getStatusCode(), call);
    }
}

import com.azure.core.credential.AccessToken;
import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.json.JsonProviders;
import com.azure.json.JsonWriter;
import com.microsoft.aad.msal4j.ManagedIdentityApplication;
import com.microsoft.aad.msal4j.ManagedIdentityId;
import com.microsoft.aad.msal4j.ManagedIdentityParameters;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/** Ways of naming a managed identity. */
final class Identities {
    static final String VAULT = "https://vault.azure.net";
    static final TokenRequestContext REQUEST = new TokenRequestContext().addScopes(VAULT + "/.default");

    /** Prints whose token each way gets. */
    static void everyWay() throws Exception {
        String clientId = System.getenv("CLIENT_ID");
        String objectId = System.getenv("OBJECT_ID");
        String resourceId = System.getenv("RESOURCE_ID");
        Map<String, TokenCredential> ways = new LinkedHashMap<>();
        ways.put("system-assigned", new ManagedIdentityCredentialBuilder().build());
        ways.put("client ID", new ManagedIdentityCredentialBuilder().clientId(clientId).build());
        ways.put("object ID", new ManagedIdentityCredentialBuilder().objectId(objectId).build());
        ways.put("resource ID", new ManagedIdentityCredentialBuilder().resourceId(resourceId).build());
        ways.put("default", new DefaultAzureCredentialBuilder().build());
        ways.put("default, client ID", new DefaultAzureCredentialBuilder().managedIdentityClientId(clientId).build());
        ways.put("default, resource ID",
            new DefaultAzureCredentialBuilder().managedIdentityResourceId(resourceId).build());
        Map<String, String> found = new LinkedHashMap<>();
        for (Map.Entry<String, TokenCredential> way : ways.entrySet()) {
            AccessToken first = way.getValue().getTokenSync(REQUEST);
            Main.same(way.getValue().getTokenSync(REQUEST).getToken(), first.getToken());
            Main.same(first.getExpiresAt().isAfter(OffsetDateTime.now().plusHours(20)), true);
            found.put(way.getKey(), owner(first.getToken()));
        }
        Map<String, ManagedIdentityId> ids = Map.of(
            "msal, system-assigned", ManagedIdentityId.systemAssigned(),
            "msal, client ID", ManagedIdentityId.userAssignedClientId(clientId),
            "msal, object ID", ManagedIdentityId.userAssignedObjectId(objectId),
            "msal, resource ID", ManagedIdentityId.userAssignedResourceId(resourceId));
        for (Map.Entry<String, ManagedIdentityId> id : ids.entrySet()) {
            ManagedIdentityApplication application = ManagedIdentityApplication.builder(id.getValue()).build();
            ManagedIdentityParameters parameters = ManagedIdentityParameters.builder(VAULT).build();
            found.put(id.getKey(), owner(application.acquireTokenForManagedIdentity(parameters).get().accessToken()));
        }
        print(found);
    }

    /** Asks for an identity that the app does not have; prints what the library says, and after how many seconds. */
    static void stranger() throws Exception {
        String stranger = System.getenv("STRANGER");
        Map<String, TokenCredential> ways = Map.of(
            "managed identity", new ManagedIdentityCredentialBuilder().clientId(stranger).build(),
            "default", new DefaultAzureCredentialBuilder().managedIdentityClientId(stranger).build());
        Map<String, String> said = new LinkedHashMap<>();
        for (Map.Entry<String, TokenCredential> way : ways.entrySet()) {
            long before = System.nanoTime();
            try {
                way.getValue().getTokenSync(REQUEST);
            } catch (RuntimeException failure) {
                StringBuilder whole = new StringBuilder();
                for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
                    whole.append(cause.getMessage()).append('\n');
                }
                said.put(way.getKey(), whole.toString());
                said.put(way.getKey() + ", seconds", String.valueOf((System.nanoTime() - before) / 1e9));
            }
        }
        print(said);
    }

    static String owner(String token) throws Exception {
        byte[] claims = Base64.getUrlDecoder().decode(token.split("\\.")[1]);
        try (var reader = JsonProviders.createReader(new String(claims, StandardCharsets.UTF_8))) {
            return (String) reader.readMap(inner -> inner.readUntyped()).get("oid");
        }
    }

    static void print(Map<String, String> found) throws Exception {
        StringWriter text = new StringWriter();
        try (JsonWriter writer = JsonProviders.createWriter(text)) {
            writer.writeMap(found, JsonWriter::writeString);
        }
        System.out.println(text);
    }
}

import com.azure.core.credential.TokenCredential;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.identity.WorkloadIdentityCredentialBuilder;
import com.microsoft.aad.msal4j.ManagedIdentityApplication;
import com.microsoft.aad.msal4j.ManagedIdentityId;
import com.microsoft.aad.msal4j.ManagedIdentityParameters;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;

/** Whose token each credential gets without being told more than the environment says, and after how many seconds. */
final class Hosts {
    static void everyWay() throws Exception {
        String clientId = System.getenv("CLIENT_ID");
        Map<String, Callable<String>> ways = new LinkedHashMap<>();
        ways.put("managed identity", () -> token(new ManagedIdentityCredentialBuilder().build()));
        ways.put("managed identity, client ID",
            () -> token(new ManagedIdentityCredentialBuilder().clientId(clientId).build()));
        ways.put("workload", () -> token(new WorkloadIdentityCredentialBuilder().build()));
        ways.put("default", () -> token(new DefaultAzureCredentialBuilder().build()));
        ways.put("msal", () -> ManagedIdentityApplication.builder(ManagedIdentityId.systemAssigned()).build()
            .acquireTokenForManagedIdentity(ManagedIdentityParameters.builder(Identities.VAULT).build())
            .get().accessToken());
        Map<String, String> found = new LinkedHashMap<>();
        for (String way : System.getenv("WAYS").replaceAll("[\\[\\]\"]", "").split(", (?=[dmw])")) {
            long before = System.nanoTime();
            String got;
            try {
                got = Identities.owner(ways.get(way).call());
            } catch (Exception failure) {
                got = String.valueOf(failure.getMessage());
            }
            found.put(way, got);
            found.put(way + ", seconds", String.valueOf((System.nanoTime() - before) / 1e9));
        }
        Identities.print(found);
    }

    private static String token(TokenCredential credential) {
        return credential.getTokenSync(Identities.REQUEST).getToken();
    }
}

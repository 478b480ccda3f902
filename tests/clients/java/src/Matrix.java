import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.identity.DeviceCodeCredentialBuilder;
import com.azure.identity.EnvironmentCredentialBuilder;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.identity.WorkloadIdentityCredentialBuilder;
import com.microsoft.aad.msal4j.ClientCredentialFactory;
import com.microsoft.aad.msal4j.ClientCredentialParameters;
import com.microsoft.aad.msal4j.ConfidentialClientApplication;
import com.microsoft.aad.msal4j.DeviceCodeFlowParameters;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import com.microsoft.aad.msal4j.IClientCredential;
import com.microsoft.aad.msal4j.ManagedIdentityApplication;
import com.microsoft.aad.msal4j.ManagedIdentityId;
import com.microsoft.aad.msal4j.ManagedIdentityParameters;
import com.microsoft.aad.msal4j.PublicClientApplication;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;

/**
 * Whose token each credential gets without being told more than the environment says, and after how many seconds.
 *
 * <p>The ways to ask are told as "CLIENT KIND". A person is asked on standard output: where to go, and the code to enter.
 */
final class Matrix {
    /** Each way asks for another one: msal4j keeps the tokens of managed identities for the whole process. */
    private static final List<String> RESOURCES = List.of(Identities.VAULT, "https://storage.azure.com",
        "https://management.azure.com", "https://graph.microsoft.com", "https://vault.azure.cn", "https://keys.example");
    /** The public client that every SDK signs people in as, unless it is told of another. */
    private static final String DEVELOPERS = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

    static void everyWay() throws Exception {
        Map<String, String> found = new LinkedHashMap<>();
        int number = 0;
        for (String way : System.getenv("WAYS").replaceAll("[\\[\\]\"]", "").split(", ")) {
            String[] client = way.split(" ", 2);
            String resource = RESOURCES.get(number++);
            long before = System.nanoTime();
            String got;
            try {
                got = Identities.owner(client[0].equals("msal") ? msal(client[1], resource) : azure(client[1], resource));
            } catch (Exception failure) {
                got = everyCause(failure);
            }
            found.put(way, got);
            found.put(way + ", seconds", String.valueOf((System.nanoTime() - before) / 1e9));
        }
        Identities.print(found);
    }

    private static String azure(String kind, String resource) {
        TokenCredential credential = switch (kind) {
            case "managed identity" -> new ManagedIdentityCredentialBuilder().build();
            case "client ID" -> new ManagedIdentityCredentialBuilder().clientId(env("CLIENT_ID")).build();
            case "workload identity" -> new WorkloadIdentityCredentialBuilder().build();
            case "environment" -> new EnvironmentCredentialBuilder().build();
            case "default" -> new DefaultAzureCredentialBuilder().build();
            case "device code" -> new DeviceCodeCredentialBuilder()
                .challengeConsumer(code -> ask(code.getVerificationUrl(), code.getUserCode())).build();
            default -> throw new IllegalArgumentException(kind);
        };
        return credential.getTokenSync(new TokenRequestContext().addScopes(resource + "/.default")).getToken();
    }

    private static String msal(String kind, String resource) throws Exception {
        Set<String> scopes = Set.of(resource + "/.default");
        Future<IAuthenticationResult> asked = switch (kind) {
            case "managed identity" -> managed(ManagedIdentityId.systemAssigned(), resource);
            case "client ID" -> managed(ManagedIdentityId.userAssignedClientId(env("CLIENT_ID")), resource);
            case "workload identity" -> confidential(scopes,
                ClientCredentialFactory.createFromClientAssertion(Files.readString(Path.of(env("AZURE_FEDERATED_TOKEN_FILE")))));
            case "environment" -> confidential(scopes, env("AZURE_CLIENT_SECRET") == null
                ? certificate() : ClientCredentialFactory.createFromSecret(env("AZURE_CLIENT_SECRET")));
            case "device code" -> PublicClientApplication.builder(DEVELOPERS).authority(authority()).build()
                .acquireToken(DeviceCodeFlowParameters.builder(scopes, code -> ask(code.verificationUri(), code.userCode())).build());
            default -> throw new IllegalArgumentException(kind);
        };
        return asked.get().accessToken();
    }

    private static Future<IAuthenticationResult> managed(ManagedIdentityId id, String resource) throws Exception {
        return ManagedIdentityApplication.builder(id).build()
            .acquireTokenForManagedIdentity(ManagedIdentityParameters.builder(resource).build());
    }

    /** It takes nothing from the environment by itself: the program does. */
    private static Future<IAuthenticationResult> confidential(Set<String> scopes, IClientCredential proof) throws Exception {
        return ConfidentialClientApplication.builder(env("AZURE_CLIENT_ID"), proof).authority(authority()).build()
            .acquireToken(ClientCredentialParameters.builder(scopes).build());
    }

    private static IClientCredential certificate() throws Exception {
        String pem = Files.readString(Path.of(env("AZURE_CLIENT_CERTIFICATE_PATH")));
        int end = pem.indexOf("-----BEGIN CERTIFICATE");
        byte[] key = Base64.getMimeDecoder().decode(pem.substring(0, end).replaceAll("-----[A-Z ]+-----", ""));
        try (var rest = new java.io.ByteArrayInputStream(pem.substring(end).getBytes())) {
            var certificate = (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(rest);
            var secret = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(key));
            return ClientCredentialFactory.createFromCertificate(secret, certificate);
        }
    }

    private static String authority() {
        return env("AZURE_AUTHORITY_HOST") + "/" + env("AZURE_TENANT_ID") + "/";
    }

    private static void ask(String uri, String code) {
        System.out.println(uri + " " + code);
    }

    private static String everyCause(Throwable failure) {
        StringBuilder whole = new StringBuilder();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            whole.append(cause.getMessage()).append('\n');
        }
        return whole.toString();
    }

    private static String env(String name) {
        return System.getenv(name);
    }
}
